"""What each patch looks like, in numbers that people know: mean of every band and index, brightness, contrast.

One row a patch; images are read batch by batch, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.indices import INDICES, automatic, compute
from core.data.store.dataset import Dataset
from core.data.tabular.patch_metadata import BATCH, VISIBLE


@dataclass(frozen=True, eq=False)
class Fact:
    """One thing that is known of every patch.

    title: as in the middle of a sentence. values: (N,) numbers, nan unknown, or texts, "" unknown. ends: what its
    smallest and largest values are called; none where a place on its scale has no name.
    """

    title: str
    values: np.ndarray
    unit: str = ""
    ends: tuple[str, str] | None = ("low", "high")


def picture_facts(dataset: Dataset, index: np.ndarray) -> dict[str, Fact]:
    """The facts of the patches at ``index`` (rows), by name: each band, the indices of ``automatic``, two of all bands.

    Pixels without data are left out. Brightness and contrast (mean and standard deviation over the pixels) are those of
    the visible bands' mean, or of the mean of all optical bands; without any they are left out.
    """
    bands = dataset.bands
    records = {band.name: band for band in bands}
    indices = [INDICES[name] for name in automatic(bands)]
    light = [i for i, band in enumerate(bands) if band.name in VISIBLE]
    light = light or [i for i, band in enumerate(bands) if band.family == "optical"]
    if len({bands[i].unit for i in light}) > 1:
        light = []  # a mean over units means nothing
    parts = [_of(dataset.images(index[i : i + BATCH]), records, indices, light) for i in range(0, len(index), BATCH)]
    values = np.concatenate(parts) if parts else np.empty((0, len(bands) + len(indices) + 2 * bool(light)))
    named = [(one.name, _inside(one.title), one.unit) for one in bands]
    named += [(one.name, _inside(one.title), one.unit) for one in indices]
    unit = bands[light[0]].unit if light else ""
    named += [("brightness", "brightness", unit), ("contrast", "contrast", unit)] * bool(light)
    return {
        name: Fact(title, values[:, column].astype(np.float64), unit)
        for column, (name, title, unit) in enumerate(named)
    }


def _of(images: np.ndarray, records: dict, indices: list, light: list[int]) -> np.ndarray:
    """(n, F) means of bands and indices, and brightness and contrast, of images (n, C, H, W)."""
    images = np.where(np.isfinite(images), images, np.nan).astype(np.float32)
    planes = dict(zip(records, images.swapaxes(0, 1), strict=True))
    maps = np.stack([*planes.values(), *compute(indices, planes, records)], axis=1)
    columns = [_mean(maps)]
    if light:
        grey = images[:, light].mean(axis=1)  # nan where any of the bands is missing
        columns += [_mean(grey)[:, None], np.sqrt(_mean((grey - _mean(grey)[:, None, None]) ** 2))[:, None]]
    return np.concatenate(columns, axis=1)


def _mean(maps: np.ndarray) -> np.ndarray:
    """Mean over the pixels (the last two axes) that are there; nan where none is."""
    known = np.isfinite(maps)
    n = known.sum(axis=(-2, -1))
    total = np.where(known, maps, 0).sum(axis=(-2, -1), dtype=np.float64)
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)


def _inside(title: str) -> str:
    """A title inside a sentence: "Red share (REDR)" -> "red share"; "NDVI" and "VV" stay."""
    title = title.split(" (", 1)[0]
    first = title.split(" ", 1)[0]
    return title if first[1:] != first[1:].lower() or len(first) < 2 else title[:1].lower() + title[1:]
