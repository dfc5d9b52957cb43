"""What is known of each patch besides its label, as columns to slice results by.

One row per patch. Facts that the dataset does not hold are not made up: their column is missing. Images are read batch
by batch.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.arrays import Column
from core.data.readers.tables.dates import read_dates
from core.data.store.beside import CLOUD_SHARE
from core.data.store.dataset import Dataset

BATCH = 256
SCAR_NAMES = ("scar_share", "mask_fraction", "landslide_fraction", "landslide_px")
CLOUD_NAMES = ("cloud_share", "cloud", "cloud_score", "cloud_cover", "cloudiness", CLOUD_SHARE)
DATE_NAMES = ("date", "event_date", "acquired", "acquisition_date", "datetime", "time")
SOURCE_NAMES = ("source", "subset", "sensor", "site", "event", "scene")
SEASONS = {12: "winter", 1: "winter", 2: "winter", 3: "spring", 4: "spring", 5: "spring", 6: "summer", 7: "summer",
           8: "summer", 9: "autumn", 10: "autumn", 11: "autumn"}  # fmt: skip
OPPOSITE = {"winter": "summer", "summer": "winter", "spring": "autumn", "autumn": "spring"}
VISIBLE = ("red", "green", "blue")
MOST_TEXTS = 30  # a text column with more values than this names patches, it does not sort them


def patch_facts(dataset: Dataset, index: np.ndarray | None = None, *, images: bool = True) -> pd.DataFrame:
    """One row a patch at ``index`` (rows; none: all), in that order.

    Columns, where known: id; source; group; split; cloud (as the dataset has it); scar_share (of positives, nan
    elsewhere: from a column or the masks); season (of the place's hemisphere, northern where there is no latitude);
    brightness (mean of the visible bands, or of all, in their units; read from the images, which takes a while:
    ``images=False`` leaves it out); and every other column that sorts patches rather than naming them.
    """
    index = np.arange(len(dataset)) if index is None else np.asarray(index)
    facts: dict[str, np.ndarray] = {"id": dataset.ids[index]}
    taken = set()
    for name, candidates in (("source", SOURCE_NAMES), ("cloud", CLOUD_NAMES), ("scar_share", SCAR_NAMES)):
        column = next((c for c in candidates if c in dataset.columns), None)
        if column is not None:
            facts[name] = dataset.columns[column][index]
            taken.add(column)
    if dataset.groups is not None:
        facts["group"] = dataset.groups[index]
    if dataset.split is not None:
        facts["split"] = dataset.split[index]
    if "scar_share" not in facts and dataset.has_masks and images:
        facts["scar_share"] = scar_shares(dataset, index)
    if "scar_share" in facts:
        shares = pd.to_numeric(pd.Series(facts["scar_share"]), errors="coerce").to_numpy(np.float64)
        facts["scar_share"] = np.where(dataset.labels[index] == 1, shares, np.nan)
    date = next((c for c in DATE_NAMES if c in dataset.columns), None)
    if date is not None:
        facts["season"] = seasons(dataset.columns[date][index], _south(dataset, index))
        taken.add(date)
    if images:
        facts["brightness"] = _brightness(dataset, index)
    for name, values in dataset.columns.items():
        if name not in taken and name not in facts and not _of_the_label(name) and _sorts(values):
            facts[name] = values[index]
    return pd.DataFrame(facts)


def slicing_columns(facts: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of a table of facts that can be sliced by: name -> (N,) with at least two values."""
    return {
        str(name): facts[name].to_numpy()
        for name in facts.columns
        if name != "id" and facts[name].nunique(dropna=True) > 1
    }


def seasons(dates: Column, south: np.ndarray) -> np.ndarray:
    """(N,) text: the season of each date, turned round where ``south`` (N,) is true; "" for what is no certain date."""
    found = read_dates([str(date) for date in dates]).dates
    names = [SEASONS[int(day[5:7])] if precision in ("day", "month") else "" for day, precision in found]
    return np.array([OPPOSITE.get(name, "") if below else name for name, below in zip(names, south, strict=True)])


def months(dataset: Dataset, index: np.ndarray) -> np.ndarray | None:
    """(n,) the month of each patch at ``index``, 1 to 12, nan where its date is not certain; None without dates."""
    date = next((c for c in DATE_NAMES if c in dataset.columns), None)
    if date is None:
        return None
    found = read_dates([str(date) for date in dataset.columns[date][index]]).dates
    return np.array([float(day[5:7]) if precision in ("day", "month") else np.nan for day, precision in found])


def _south(dataset: Dataset, index: np.ndarray) -> np.ndarray:
    if dataset.lonlat is None:
        return np.zeros(len(index), bool)
    return dataset.lonlat[index, 1] < 0


def _sorts(values: np.ndarray) -> bool:
    """Whether a column sorts patches: numbers, or texts with few values."""
    if values.dtype.kind in "fiub":
        return True
    return 1 < len(np.unique(values)) <= MOST_TEXTS


def _of_the_label(name: str) -> bool:
    """Whether a column repeats the label: a slice by it compares the classes, not the patches."""
    return "label" in name.lower() or "landslide" in name.lower() or name in SCAR_NAMES


def scar_shares(dataset: Dataset, index: np.ndarray) -> np.ndarray:
    """(n,) the share of each patch that its mask covers, of a dataset with masks."""
    parts = [dataset.masks(index[i : i + BATCH]).mean(axis=(1, 2)) for i in range(0, len(index), BATCH)]
    return np.concatenate(parts) if parts else np.empty(0)


def _brightness(dataset: Dataset, index: np.ndarray) -> np.ndarray:
    """Mean over pixels that hold data."""
    bands = [name for name in VISIBLE if name in dataset.band_names] or None
    parts = []
    for i in range(0, len(index), BATCH):
        images = dataset.images(index[i : i + BATCH], bands).astype(np.float64)
        usable = np.isfinite(images)
        total, n = np.where(usable, images, 0).sum(axis=(1, 2, 3)), usable.sum(axis=(1, 2, 3))
        parts.append(np.where(n > 0, total / np.maximum(n, 1), np.nan))
    return np.concatenate(parts) if parts else np.empty(0)
