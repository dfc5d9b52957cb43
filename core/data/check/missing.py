"""What is missing in a dataset: pixels without data, patches without any, bands that some or all patches lack."""

from __future__ import annotations

import numpy as np

from core.data.check.report import CheckRow, bands_row, patches_row
from core.data.check.values import Scan
from core.data.store.dataset import Dataset
from core.text import list_names

NODATA_SHARE = 0.01  # of all pixels; less is not worth a warning unless a patch is mostly empty
EMPTY_SHARE = 0.5  # of a patch's pixels without data
FEW_FILLS = 10  # pixels of one band: a value that stands in all of several bands is no chance, in one band it may be


def missing_rows(dataset: Dataset, found: Scan) -> list[CheckRow]:
    """Bands that are lacking, values that look like no data, and how much of the patches holds none."""
    never = found.lacking.all(axis=0) | (found.lacking | found.blank[:, None]).all(axis=0) & ~found.blank.all()
    some = found.lacking.any(axis=0) & ~never
    lacking = (found.lacking & some).any(axis=1)
    n = int(lacking.sum())
    return [
        bands_row(
            never,
            dataset,
            ("Bands without a single value", "Every band has values"),
            "Nothing can be learnt from them: train without them (data.bands).",
        ),
        patches_row(
            lacking,
            dataset,
            ("Patches lack bands", "No patch lacks a band"),
            f"{n:,} of {len(dataset):,} patches{_by_class(dataset, lacking)}. What is missing is replaced by the "
            "band's training mean; patches are compared with each other in the bands that both have. Train on the "
            "bands that all have (data.bands) if one class lacks more of them than the other.",
            bands=some,
        ),
        _fill_row(dataset, found),
        *_nodata_rows(dataset, found),
    ]


def _by_class(dataset: Dataset, lacking: np.ndarray) -> str:
    """The share of each class that lacks a band, which a model could tell the classes by."""
    shares = [(name, dataset.labels == label) for label, name in ((1, dataset.positive), (0, dataset.class_names[0]))]
    texts = [f"{lacking[rows].mean():.0%} of '{name}'" for name, rows in shares if rows.any()]
    return f" ({', '.join(texts)})" if texts else ""


def _fill_row(dataset: Dataset, found: Scan) -> CheckRow:
    """A value that often stands for no data and lies in all bands of some pixels, without anybody having said so."""
    fills = {v: n for v, n in found.fills.items() if len(dataset.bands) > 1 or n >= FEW_FILLS}
    if not fills:
        return CheckRow("ok", "No value looks like an unstated no-data value")
    where = list_names([f"{value:g} in all bands of {n:,} pixels" for value, n in fills.items()])
    share = sum(fills.values()) / (len(dataset) * int(np.prod(dataset.shape[1:])))
    value = max(fills, key=fills.__getitem__)
    advice = f"Outside the usual range of most bands, and used as a value: ingest again with --nodata {value:g}."
    return CheckRow("warning", "A value looks like no data", where, sum(fills.values()), share, advice)


def _nodata_rows(dataset: Dataset, found: Scan) -> list[CheckRow]:
    total = float(found.empty.mean())
    mostly = found.empty > EMPTY_SHARE
    rows = []
    if found.blank.any():
        advice = "Nothing can be learnt from them, and nothing can be answered: training leaves them out."
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
