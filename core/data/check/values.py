"""The values of a dataset: one look at every patch, and what is wrong with them.

A :class:`Scan` holds what was seen; the rows about values and about pixels without data are made of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.check.report import CheckRow, bands_row, patches_row
from core.data.leakage.duplicates import patch_hashes
from core.data.store.dataset import Dataset
from core.data.store.summary import valid_pixels
from core.progress import Progress, Steps
from core.text import list_names

BATCH = 64  # patches read at once
NODATA_SHARE = 0.01  # of all pixels; less is not worth a warning unless a patch is mostly empty
EMPTY_SHARE = 0.5  # of a patch's pixels without data
MIXED = 0.6  # step to the pixel C further on over the step to the next one; in a real patch it is 1 and more
KNOWN = 0.1  # share of a patch that must hold data before its axes are judged


@dataclass(frozen=True, eq=False)
class Scan:
    """What one look at every patch found."""

    hashes: np.ndarray  # (N,) text
    n_nan: np.ndarray  # (N, C) number of values
    n_infinite: np.ndarray  # (N, C) number of values
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
    n_nan, n_infinite, unusual = (np.zeros((n, n_bands), np.int64) for _ in range(3))
    constant, zero = np.zeros((n, n_bands), bool), np.zeros((n, n_bands), bool)
    empty, blank, mixed = np.zeros(n), np.zeros(n, bool), np.zeros(n, bool)
    ranges = [band.usual or (-np.inf, np.inf) for band in dataset.bands]
    low, high = (np.array(side, np.float32)[:, None, None] for side in zip(*ranges, strict=True))
    for start in range(0, n, BATCH):
        rows = slice(start, min(start + BATCH, n))
        images = dataset.images(rows)
        finite, has_data = valid_pixels(images, dataset.nodata)
        usable = finite & has_data[:, None]
        hashes.append(patch_hashes(images))
        if not finite.all():
            n_nan[rows] = np.isnan(images).sum(axis=(2, 3))
            n_infinite[rows] = np.isinf(images).sum(axis=(2, 3))
        unusual[rows] = (((images < low) | (images > high)) & usable).sum(axis=(2, 3))
        lowest = np.where(usable, images, np.inf).min(axis=(2, 3))
        highest = np.where(usable, images, -np.inf).max(axis=(2, 3))
        constant[rows] = lowest == highest
        zero[rows] = (lowest == 0) & (highest == 0)
        empty[rows] = 1.0 - has_data.mean(axis=(1, 2))
        blank[rows] = ~usable.any(axis=(1, 2, 3))
        mixed[rows] = _mixed(np.where(usable, images, np.nan))
        yield Progress(rows.stop / n, f"Looking at {rows.stop:,} of {n:,} patches.")
    return Scan(np.concatenate(hashes), n_nan, n_infinite, constant, zero, unusual, empty, blank, mixed)


def value_rows(dataset: Dataset, found: Scan) -> list[CheckRow]:
    """What is wrong with single values and bands."""
    n = len(dataset)
    always = found.constant.all(axis=0)  # (C,)
    zero = found.zero.all(axis=0)
    named = [f"{name} (0 everywhere)" if z else name for name, z in zip(dataset.band_names, zero, strict=True)]
    counts = f"{int(found.n_nan.sum())} NaN, {int(found.n_infinite.sum())} infinite."
    return [
        patches_row(
            found.nonfinite.any(axis=1),
            dataset,
            ("Values that are not finite", "All values are finite"),
            f"They are replaced by the band's training mean. {counts}",
            bands=found.nonfinite.any(axis=0),
        ),
        bands_row(
            always,
            dataset,
            ("Bands are constant within every patch", "No band is constant within every patch"),
            "They carry at most one number a patch; train without them (data.bands) if they are empty.",
            named,
        ),
        patches_row(
            (found.constant & ~always).any(axis=1),
            dataset,
            ("Patches in which a band is constant", "No band is constant in single patches"),
            "Look at them: a sensor may be missing there.",
            bands=found.constant.any(axis=0) & ~always,
        ),
        patches_row(
            found.unusual.any(axis=1),
            dataset,
            ("Values outside a band's usual range", "All values are in their bands' usual ranges"),
            "Check unit and order of the bands (dB or linear, DN or reflectance); the values are used as they are.",
            bands=found.unusual.any(axis=0),
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


def nodata_rows(dataset: Dataset, found: Scan) -> list[CheckRow]:
    """How much of the patches holds no data."""
    total = float(found.empty.mean())
    mostly = found.empty > EMPTY_SHARE
    rows = []
    if found.blank.any():
        advice = "Exclude them: nothing can be learnt from them."
        rows.append(patches_row(found.blank, dataset, ("Patches without any data", ""), advice))
    touched = found.empty > 0
    if total > NODATA_SHARE or mostly.any():
        where = f"more than half empty: {list_names(dataset.ids[mostly])}" if mostly.any() else ""
        advice = "These pixels are left out of statistics and replaced by the band's training mean."
        ids = tuple(map(str, dataset.ids[touched]))
        rows.append(
            CheckRow("warning", "Pixels without data", where, int(touched.sum()), total, advice, ids, share_of="pixels")
        )
    return rows or [CheckRow("ok", "Hardly any pixel is without data", "", int(touched.sum()), total)]


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
