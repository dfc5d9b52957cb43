"""The values of a dataset: one look at every patch, and what is wrong with them.

A :class:`Scan` holds what was seen; the rows about values are made of it here, those about what is missing in
``core.data.check.missing``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.check.report import CheckRow, bands_row, patches_row
from core.data.leakage.duplicates import patch_hashes
from core.data.store.dataset import Dataset
from core.data.store.missing import LIKELY_NODATA, as_missing, pixels_of
from core.progress import Progress, Steps

BATCH = 64  # patches read at once
MIXED = 0.6  # step to the pixel C further on over the step to the next one; in a real patch it is 1 and more
KNOWN = 0.1  # share of a patch that must hold data before its axes are judged


@dataclass(frozen=True, eq=False)
class Scan:
    """What one look at every patch found."""

    hashes: np.ndarray  # (N,) text
    n_nan: np.ndarray  # (N, C) number of values, in pixels that hold some data
    n_infinite: np.ndarray  # (N, C) number of values
    n_absurd: np.ndarray  # (N, C) number of values far outside everything else in the band
    lacking: np.ndarray  # (N, C) bool: the band has no value at all, others have
    fills: dict[float, int]  # likely nodata value -> pixels that have it in all bands
    constant: np.ndarray  # (N, C) bool, over the usable pixels
    zero: np.ndarray  # (N, C) bool: constant, and that at 0
    unusual: np.ndarray  # (N, C) number of values outside the band's usual range
    empty: np.ndarray  # (N,) share of pixels without data
    blank: np.ndarray  # (N,) bool: not one usable value
    mixed: np.ndarray  # (N,) bool: neighbouring pixels belong to different bands

    @property
    def nonfinite(self) -> np.ndarray:
        """(N, C) number of values that are NaN or infinite."""
        return self.n_nan + self.n_infinite


def scan(dataset: Dataset) -> Steps[Scan]:
    """Look at every patch of ``dataset`` once, in bounded memory."""
    n, n_bands = len(dataset), dataset.shape[0]
    hashes: list[np.ndarray] = []
    n_nan, n_infinite, n_absurd, unusual = (np.zeros((n, n_bands), np.int64) for _ in range(4))
    constant, zero, lacking = (np.zeros((n, n_bands), bool) for _ in range(3))
    fills = dict.fromkeys(likely_fills(dataset), 0)
    empty, blank, mixed = np.zeros(n), np.zeros(n, bool), np.zeros(n, bool)
    ranges = [band.usual or (-np.inf, np.inf) for band in dataset.bands]
    low, high = (np.array(side, np.float32)[:, None, None] for side in zip(*ranges, strict=True))
    for start in range(0, n, BATCH):
        rows = slice(start, min(start + BATCH, n))
        images = dataset.stored_images(rows)
        for value in fills:
            fills[value] += int(pixels_of(images, value).sum())
        as_missing(images, dataset.nodata)
        finite = np.isfinite(images)
        unusual[rows] = (((images < low) | (images > high)) & finite).sum(axis=(2, 3))
        n_infinite[rows] = np.isinf(images).sum(axis=(2, 3))
        as_missing(images, None, dataset.plausible)
        usable = np.isfinite(images)
        has_data = usable.any(axis=1)
        n_absurd[rows] = (finite & ~usable).sum(axis=(2, 3))
        n_nan[rows] = (np.isnan(images) & ~(finite & ~usable) & has_data[:, None]).sum(axis=(2, 3))
        hashes.append(patch_hashes(images))
        there = usable.any(axis=(2, 3))
        lacking[rows] = ~there & there.any(axis=1, keepdims=True)
        lowest = np.where(usable, images, np.inf).min(axis=(2, 3))
        highest = np.where(usable, images, -np.inf).max(axis=(2, 3))
        constant[rows] = (lowest == highest) & dataset.has_pictures  # a single pixel says nothing of that
        zero[rows] = (lowest == 0) & (highest == 0)
        empty[rows] = 1.0 - has_data.mean(axis=(1, 2))
        blank[rows] = ~usable.any(axis=(1, 2, 3))
        mixed[rows] = _mixed(np.where(usable, images, np.nan))
        yield Progress(rows.stop / n, f"Looking at {rows.stop:,} of {n:,} patches.")
    return Scan(
        hashes=np.concatenate(hashes),
        n_nan=n_nan,
        n_infinite=n_infinite,
        n_absurd=n_absurd,
        lacking=lacking,
        fills={value: count for value, count in fills.items() if count},
        constant=constant,
        zero=zero,
        unusual=unusual,
        empty=empty,
        blank=blank,
        mixed=mixed,
    )


def likely_fills(dataset: Dataset) -> list[float]:
    """Values that often stand for no data, and that could lie in every band of this dataset."""
    lows, highs = (np.array([row.get(key, np.nan) for row in dataset.statistics], float) for key in ("min", "max"))
    wild = dataset.plausible is not None  # whose range leaves wild values out
    possible = [value for value in LIKELY_NODATA if wild or ((lows <= value) & (value <= highs)).all()]
    return [value for value in possible if dataset.nodata is None or np.float32(value) != np.float32(dataset.nodata)]


def value_rows(dataset: Dataset, found: Scan) -> list[CheckRow]:
    """What is wrong with single values and bands."""
    n = len(dataset)
    always = np.all(found.constant, axis=0)  # (C,)
    zero = np.all(found.zero, axis=0)
    named = [f"{name} (0 everywhere)" if z else name for name, z in zip(dataset.band_names, zero, strict=True)]
    counts = f"{int(found.n_nan.sum())} NaN, {int(found.n_infinite.sum())} infinite."
    return [
        patches_row(
            np.any(found.nonfinite, axis=1),
            dataset,
            ("Values that are not finite", "All values are finite"),
            f"They count as missing: left out of statistics, and replaced by the band's training mean. {counts}",
            bands=np.any(found.nonfinite, axis=0),
        ),
        patches_row(
            np.any(found.n_absurd, axis=1),
            dataset,
            ("Values far outside everything else in their band", "No value is far outside everything else in its band"),
            f"{int(found.n_absurd.sum()):,} values outside the band's usual range that no sensor measures count as "
            "missing. If they mean no data, say so: ingest again with --nodata VALUE.",
            bands=np.any(found.n_absurd, axis=0),
            share=float(found.n_absurd.sum()) / (n * int(np.prod(dataset.shape))),
        ),
        bands_row(
            always,
            dataset,
            ("Bands are constant within every patch", "No band is constant within every patch"),
            "They carry at most one number a patch; train without them (data.bands) if they are empty.",
            named,
        ),
        patches_row(
            np.any(found.constant & ~always, axis=1),
            dataset,
            ("Patches in which a band is constant", "No band is constant in single patches"),
            "Look at them: a sensor may be missing there.",
            bands=np.any(found.constant, axis=0) & ~always,
        ),
        patches_row(
            np.any(found.unusual, axis=1),
            dataset,
            ("Values outside a band's usual range", "All values are in their bands' usual ranges"),
            "Check unit and order of the bands (dB or linear, DN or reflectance); the values are used as they are.",
            bands=np.any(found.unusual, axis=0),
            share=float(found.unusual.sum()) / (n * int(np.prod(dataset.shape))),
            share_of="values",
        ),
        patches_row(
            found.mixed,
            dataset,
            ("Bands are mixed up inside patches", "Neighbouring pixels belong to one band"),
            "Their axes were mistaken (H, W, C read as C, H, W): write them again, or exclude them.",
        ),
    ]


def _mixed(images: np.ndarray) -> np.ndarray:
    """(N,) bool: (H, W, C) was read as (C, H, W), so that along a row the bands take turns.

    The next pixel then belongs to another band and differs more than the C-th next, which is the same band's
    neighbour. images: (N, C, H, W), nan where unusable.
    """
    n, n_bands, _, width = images.shape
    if n_bands < 2 or width < 3 * n_bands:
        return np.zeros(n, bool)
    with np.errstate(invalid="ignore"):  # infinities are told of elsewhere
        near = np.abs(images[..., 1:] - images[..., :-1]).reshape(n, -1)
        far = np.abs(images[..., n_bands:] - images[..., :-n_bands]).reshape(n, -1)
    known = np.isfinite(far).mean(axis=1)  # where little is known, chance decides
    near, far = (_mean_of_known(steps) for steps in (near, far))
    return (near > 0) & (far < MIXED * near) & (known >= KNOWN)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
