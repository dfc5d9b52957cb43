"""Patches to answer for, from a dataset file, a folder or a file of another format, in batches that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from core.data.bands import Band
from core.data.readers import iterate_patches
from core.data.readers.base import Rejection
from core.data.readers.hdf5.arrays import is_own
from core.data.readers.hdf5.patches import SUFFIXES as HDF5
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.predict.values import doubts

BATCH = 256
Batches = Iterator[tuple[np.ndarray, np.ndarray]]


def patches_of(
    source: Path,
    format: str | None = None,
    band_names: Sequence[str] | None = None,
    rejected: list[Rejection] | None = None,
    unit: str | None = None,
    nodata: float | None = None,
    warnings: list[str] | None = None,
) -> tuple[tuple[Band, ...], Batches, Dataset | None]:
    """Bands, batches of (ids (n,), images (n, C, H, W) float32 raw), and the dataset file if the source is one.

    rejected: filled with the files that are set aside, once the batches are used up; without it the first one raises.
    unit: of the optical bands where the source does not say it: "DN", "reflectance" or "0-255".
    nodata: the value of pixels without data, where the source does not say it. warnings: filled with what the reader
    warns of, or warned of when the dataset file was made.
    Raises DataError when the source is not recognised or none of its files can be used.
    """
    if source.is_file() and source.suffix.lower() in HDF5 and format in (None, "hdf5") and is_own(source):
        dataset = open_dataset(source)
        options = {"--unit": unit, "--nodata": nodata, "--bands": band_names or None}
        given = [name for name, value in options.items() if value is not None]
        if given and warnings is not None:
            warnings.append(f"{' and '.join(given)} had no effect: {source.name} is a dataset file, which states them.")
        if warnings is not None:
            warnings += doubts(dataset)
        return dataset.bands, batches_of(dataset, np.arange(len(dataset))), dataset
    return *iterate_patches(source, format, band_names, BATCH, rejected, unit, nodata, warnings), None


def batches_of(dataset: Dataset, index: np.ndarray) -> Batches:
    """The patches at ``index`` of an open dataset, in order."""
    for start in range(0, len(index), BATCH):
        rows = index[start : start + BATCH]
        yield dataset.ids[rows], dataset.images(rows)
