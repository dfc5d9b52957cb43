"""What is right, doubtful or wrong with a dataset, as a table for the page and the command line.

Comes in: a Dataset. Goes out: a :class:`CheckReport`; its errors stop training, its warnings do not. It knows nothing
of models, and it mends nothing: each row says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.data.duplicates import patch_hashes
from core.data.summary import valid_pixels

BATCH = 64  # patches read at once
SHOWN = 5  # ids or bands named in a row
USUAL_SPLITS = 5  # folds that most runs draw
NODATA_SHARE = 0.01  # of all pixels; less is not worth a warning unless a patch is mostly empty
EMPTY_SHARE = 0.5  # of a patch's pixels without data

Severity = Literal["error", "warning", "ok"]


@dataclass(frozen=True)
class CheckRow:
    """One finding. where: ids or bands, at most five named. n: how many; share: of what was looked at, 0-1."""

    severity: Severity
    what: str
    where: str = ""
    n: int = 0
    share: float = 0.0
    advice: str = ""


@dataclass(frozen=True)
class CheckReport:
    """All findings, errors first; what was looked at and found right is a row too."""

    rows: tuple[CheckRow, ...]

    @property
    def ok(self) -> bool:
        """Whether one may train on the dataset."""
        return not any(row.severity == "error" for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Columns severity, what, where, n, share, advice."""
        return pd.DataFrame([vars(row) for row in self.rows], columns=list(CheckRow.__dataclass_fields__))


def check(dataset: Dataset) -> CheckReport:
    """Look at every patch of ``dataset`` once, in bounded memory."""
    scan = _scan(dataset)
    rows = [
        *_check_labels(dataset),
        *_check_source(dataset),
        *_check_duplicates(dataset, scan),
        *_check_values(dataset, scan),
        *_check_nodata(dataset, scan),
        *_check_groups(dataset),
    ]
    order = {"error": 0, "warning": 1, "ok": 2}
    return CheckReport(tuple(sorted(rows, key=lambda row: order[row.severity])))


@dataclass(frozen=True, eq=False)
class _Scan:
    hashes: np.ndarray  # (N,) text
    nonfinite: np.ndarray  # (N, C) number of values
    constant: np.ndarray  # (N, C) bool, over the usable pixels
    unusual: np.ndarray  # (N, C) number of values outside the band's usual range
    empty: np.ndarray  # (N,) share of pixels without data
    blank: np.ndarray  # (N,) bool: not one usable value


def _scan(dataset: Dataset) -> _Scan:
    n, n_bands = len(dataset), dataset.shape[0]
    hashes: list[np.ndarray] = []
    nonfinite, unusual = np.zeros((n, n_bands), np.int64), np.zeros((n, n_bands), np.int64)
    constant, empty, blank = np.zeros((n, n_bands), bool), np.zeros(n), np.zeros(n, bool)
    ranges = [band.usual or (-np.inf, np.inf) for band in dataset.bands]
    low, high = (np.array(side, np.float32)[:, None, None] for side in zip(*ranges, strict=True))
    for start in range(0, n, BATCH):
        rows = slice(start, start + BATCH)
        images = dataset.images(rows)
        finite, has_data = valid_pixels(images, dataset.nodata)
        usable = finite & has_data[:, None]
        hashes.append(patch_hashes(images))
        nonfinite[rows] = (~finite).sum(axis=(2, 3))
        unusual[rows] = (((images < low) | (images > high)) & usable).sum(axis=(2, 3))
        lowest = np.where(usable, images, np.inf).min(axis=(2, 3))
        highest = np.where(usable, images, -np.inf).max(axis=(2, 3))
        constant[rows] = lowest == highest
        empty[rows] = 1.0 - has_data.mean(axis=(1, 2))
        blank[rows] = ~usable.any(axis=(1, 2, 3))
    return _Scan(np.concatenate(hashes), nonfinite, constant, unusual, empty, blank)


def _check_labels(dataset: Dataset) -> list[CheckRow]:
    n = len(dataset)
    positives, negatives = int((dataset.labels == 1).sum()), int((dataset.labels == 0).sum())
    unlabelled = n - positives - negatives
    names = f"{dataset.class_names[1]}: {positives}, {dataset.class_names[0]}: {negatives}"
    rows = []
    if not positives + negatives:
        advice = "Training needs labels: ingest the source again with a labels CSV or with class folders."
        rows.append(CheckRow("error", "No patch has a label", "", n, 1.0, advice))
    elif not positives or not negatives:
        there = dataset.class_names[1] if positives else dataset.class_names[0]
        advice = f"Every labelled patch is '{there}': add patches of the other class, or state the positive class."
        rows.append(CheckRow("error", "There is one class only", names, n - unlabelled, (n - unlabelled) / n, advice))
    else:
        rows.append(CheckRow("ok", "Both classes have patches", names, n - unlabelled, (n - unlabelled) / n))
    if unlabelled and positives + negatives:
        advice = "They are left out of training and of every score."
        rows.append(CheckRow("ok", "Patches without a label", "", unlabelled, unlabelled / n, advice))
    return rows


def _check_source(dataset: Dataset) -> list[CheckRow]:
    """Contradictions that the reader found and set aside are in the facts it recorded."""
    ids = dataset.facts.get("conflicting_ids", [])
    if not ids:
        return [CheckRow("ok", "No id was listed with different labels")]
    advice = "Correct these ids in the labels table of the source and ingest it again."
    return [CheckRow("error", "Ids were listed with different labels", _some(ids), len(ids), 0.0, advice)]


def _check_duplicates(dataset: Dataset, scan: _Scan) -> list[CheckRow]:
    seen = np.flatnonzero(~scan.blank)  # patches without data all look the same, and are told of by themselves
    _, first, inverse, counts = np.unique(scan.hashes[seen], return_index=True, return_inverse=True, return_counts=True)
    sets = [seen[inverse == i] for i in np.flatnonzero(counts > 1)]
    if not sets:
        return [CheckRow("ok", "No patch occurs twice")]
    conflicting = [s for s in sets if {0, 1} <= set(dataset.labels[s].tolist())]
    agreeing = [s for s in sets if not {0, 1} <= set(dataset.labels[s].tolist())]
    crossing = [] if dataset.groups is None else [s for s in sets if len(set(dataset.groups[s])) > 1]
    rows = []
    for severity, what, found, advice in (
        (
            "error",
            "Identical patches have different labels",
            conflicting,
            "Decide which label is right and ingest again.",
        ),
        ("warning", "Patches occur more than once", agreeing, "Remove the copies, or give them one group."),
        (
            "warning",
            "Identical patches lie in different groups",
            crossing,
            "Give them one group: they belong together.",
        ),
    ):
        if found:
            members = np.concatenate(found)
            rows.append(CheckRow(severity, what, _sets(dataset, found), *_of(members, len(dataset)), advice))
    return rows


def _check_values(dataset: Dataset, scan: _Scan) -> list[CheckRow]:
    n = len(dataset)
    always = scan.constant.all(axis=0)  # (C,)
    return [
        _patches_row(
            scan.nonfinite.any(axis=1),
            dataset,
            ("Values that are not finite", "All values are finite"),
            "They are replaced by the band's training mean.",
            bands=scan.nonfinite.any(axis=0),
        ),
        _bands_row(
            always,
            dataset,
            ("Bands are constant within every patch", "No band is constant within every patch"),
            "They carry at most one number a patch; train without them (data.bands) if they are empty.",
        ),
        _patches_row(
            (scan.constant & ~always).any(axis=1),
            dataset,
            ("Patches in which a band is constant", "No band is constant in single patches"),
            "Look at them: a sensor may be missing there.",
            bands=scan.constant.any(axis=0) & ~always,
        ),
        _patches_row(
            scan.unusual.any(axis=1),
            dataset,
            ("Values outside a band's usual range", "All values are in their bands' usual ranges"),
            "Check unit and order of the bands (dB or linear, DN or reflectance); the values are used as they are.",
            bands=scan.unusual.any(axis=0),
            share=float(scan.unusual.sum()) / (n * int(np.prod(dataset.shape))),
        ),
    ]


def _check_nodata(dataset: Dataset, scan: _Scan) -> list[CheckRow]:
    total = float(scan.empty.mean())
    mostly = scan.empty > EMPTY_SHARE
    rows = []
    if scan.blank.any():
        advice = "Remove them: nothing can be learnt from them."
        rows.append(_patches_row(scan.blank, dataset, ("Patches without any data", ""), advice))
    if total > NODATA_SHARE or mostly.any():
        where = f"more than half empty: {_some(dataset.ids[mostly])}" if mostly.any() else ""
        advice = "These pixels are left out of statistics and replaced by the band's training mean."
        rows.append(CheckRow("warning", "Pixels without data", where, int((scan.empty > 0).sum()), total, advice))
    return rows or [CheckRow("ok", "Hardly any pixel is without data", "", int((scan.empty > 0).sum()), total)]


def _check_groups(dataset: Dataset) -> list[CheckRow]:
    if dataset.groups is None:
        advice = "Patches of one scene may fall on both sides of a split: name a group column when ingesting."
        return [CheckRow("warning", "There are no groups", "", 0, 0.0, advice)]
    known = dataset.labels >= 0
    n = len(set(dataset.groups[known]))
    few = [
        name
        for value, name in enumerate(dataset.class_names)
        if len(set(dataset.groups[dataset.labels == value])) < USUAL_SPLITS
    ]
    if few and known.any():
        advice = f"Some folds will have none of them to judge when {USUAL_SPLITS} are drawn; fewer folds may do better."
        return [CheckRow("warning", "A class lies in few groups", _some(few), n, 0.0, advice)]
    return [CheckRow("ok", "Groups keep scenes together", "", n)]


def _patches_row(
    wrong: np.ndarray,
    dataset: Dataset,
    what: tuple[str, str],
    advice: str,
    bands: np.ndarray | None = None,
    share: float | None = None,
) -> CheckRow:
    if not wrong.any():
        return CheckRow("ok", what[1])
    where = _some(dataset.ids[wrong])
    if bands is not None:
        where = f"bands {_some(np.array(dataset.band_names)[bands])}; patches {where}"
    n = int(wrong.sum())
    return CheckRow("warning", what[0], where, n, n / len(dataset) if share is None else share, advice)


def _bands_row(wrong: np.ndarray, dataset: Dataset, what: tuple[str, str], advice: str) -> CheckRow:
    if not wrong.any():
        return CheckRow("ok", what[1])
    names = np.array(dataset.band_names)[wrong]
    return CheckRow("warning", what[0], _some(names), len(names), len(names) / len(dataset.bands), advice)


def _of(members: np.ndarray, n: int) -> tuple[int, float]:
    return len(members), len(members) / n


def _sets(dataset: Dataset, sets: list[np.ndarray]) -> str:
    return _some([" = ".join(dataset.ids[s][:SHOWN]) for s in sets])


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(str(name) for name in names[:SHOWN]) + more
