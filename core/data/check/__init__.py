"""What is right, doubtful or wrong with a dataset, as a table for the page and the command line.

Errors stop training, warnings do not. Nothing is mended: each row says what to do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from core.data.check.files import file_rows
from core.data.check.masks import mask_rows
from core.data.check.missing import missing_rows
from core.data.check.report import SHOWN, CheckReport, CheckRow, Severity
from core.data.check.units import order_row, unit_row
from core.data.check.values import Scan, scan, value_rows
from core.data.leakage.split_audit import Leaks, leaks_of
from core.data.shortcuts.betrayed import betrayed
from core.data.store.dataset import Dataset
from core.progress import Steps, part
from core.text import list_names

__all__ = ["CheckReport", "CheckRow", "check"]

USUAL_SPLITS = 5  # folds that most runs draw
PAIRS_ADVICE = (
    "Give them one group. Folds join them, or leave them out of training where places show what they share "
    "(folds.on_leak)."
)
SCANNING = 0.3  # share of the whole time, where pairs have to be looked for
PAIR_WORDS = {
    "near": ("Patches are nearly identical", "No patch is nearly identical to another one"),
    "shifted": ("Patches are shifted crops of one another", "No patch is another one shifted by up to half a side"),
    "synthetic": ("Patches are blends of two others", "No patch is a blend of two others"),
}


def check(dataset: Dataset, leaks: Leaks | None = None, labels: np.ndarray | None = None) -> Steps[CheckReport]:
    """Look at every patch of ``dataset`` once, in bounded memory, and at every pair that may show the same ground.

    leaks: pairs found before; without them they are looked for, or taken from the file beside the dataset.
    labels: (N,) int8, those that count where some patches are left out; none: the dataset's.
    """
    labels = dataset.labels if labels is None else labels
    found = yield from part(scan(dataset), 0.0, SCANNING if leaks is None else 1.0)
    if leaks is None:
        leaks = yield from part(leaks_of(dataset), SCANNING, 1.0)
    files = betrayed(dataset, labels)
    rows = [
        *_check_labels(dataset, labels),
        *_check_source(dataset),
        *file_rows(files, dataset.positive),
        *mask_rows(dataset, labels),
        *_check_duplicates(dataset, labels, found),
        *_check_pairs(dataset, labels, leaks),
        *(
            replace(row, topic="values")
            for row in (
                *value_rows(dataset, found),
                *missing_rows(dataset, found),
                unit_row(dataset),
                order_row(dataset),
            )
        ),
        *_check_import(dataset),
        *_check_whole(dataset),
        *_check_groups(dataset, labels),
    ]
    order = {"error": 0, "warning": 1, "ok": 2}
    return CheckReport(tuple(sorted(rows, key=lambda row: order[row.severity])), files)


def _check_labels(dataset: Dataset, labels: np.ndarray) -> list[CheckRow]:
    n = len(dataset)
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
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
        ids = tuple(map(str, dataset.ids[labels < 0]))
        rows.append(CheckRow("ok", "Patches without a label", "", unlabelled, unlabelled / n, advice, ids))
    return rows


def _check_source(dataset: Dataset) -> list[CheckRow]:
    """Contradictions that the reader found and set aside are in the facts it recorded."""
    ids = dataset.facts.get("conflicting_ids", [])
    if not ids:
        return [CheckRow("ok", "No id was listed with different labels")]
    advice = "Correct these ids in the labels table of the source and ingest it again."
    there = set(dataset.ids.tolist())
    known = tuple(str(i) for i in ids if str(i) in there)
    return [CheckRow("error", "Ids were listed with different labels", list_names(ids), len(ids), 0.0, advice, known)]


def _check_import(dataset: Dataset) -> list[CheckRow]:
    """What the reader warned of when the dataset was made."""
    warned = dataset.facts.get("warnings", [])
    return [CheckRow("warning", "The import warned", str(text), topic="import") for text in warned]


def _check_whole(dataset: Dataset) -> list[CheckRow]:
    """Whether images, labels, ids and groups are those that the import wrote."""
    if dataset.content_hash == dataset.card_hash:
        return [CheckRow("ok", "The file holds what its import wrote")]
    advice = "Import the source again, unless somebody edited the file on purpose; runs on the earlier content say so."
    what = "The file has changed since its import: images, labels, ids or groups are not those that were written"
    return [CheckRow("warning", what, dataset.path.name, 1, 0.0, advice, topic="values")]


def _check_duplicates(dataset: Dataset, labels: np.ndarray, found: Scan) -> list[CheckRow]:
    seen = np.flatnonzero(~found.blank)  # patches without data all look the same, and are told of by themselves
    _, inverse, counts = np.unique(found.hashes[seen], return_inverse=True, return_counts=True)
    sets = [seen[inverse == i] for i in np.flatnonzero(counts > 1)]
    if not sets:
        return [CheckRow("ok", "No patch occurs twice")]
    conflicting = [s for s in sets if {0, 1} <= set(labels[s].tolist())]
    agreeing = [s for s in sets if not {0, 1} <= set(labels[s].tolist())]
    crossing = [] if dataset.groups is None else [s for s in sets if len(set(dataset.groups[s])) > 1]
    rows = []
    judged: tuple[tuple[Severity, str, list[np.ndarray], str], ...] = (
        (
            "error",
            "Identical patches have different labels",
            conflicting,
            "Decide which label is right and ingest again, or exclude them.",
        ),
        ("warning", "Patches occur more than once", agreeing, "Exclude the copies, or give them one group."),
        (
            "warning",
            "Identical patches lie in different groups",
            crossing,
            "Give them one group: they belong together. Folds keep them together in any case.",
        ),
    )
    for severity, what, which, advice in judged:
        if which:
            members = np.concatenate(which)
            ids = tuple(map(str, dataset.ids[members]))
            pairs = tuple((str(dataset.ids[s[0]]), str(dataset.ids[k])) for s in which for k in s[1:])
            share = len(members) / len(dataset)
            rows.append(CheckRow(severity, what, _sets(dataset, which), len(members), share, advice, ids, pairs))
    return rows


def _check_pairs(dataset: Dataset, labels: np.ndarray, leaks: Leaks) -> list[CheckRow]:
    """Near-duplicates, shifted crops and blends; those that cross groups or contradict each other apart."""
    rows = []
    for kind, (what, none) in PAIR_WORDS.items():
        advice = "Folds keep them together (folds.on_leak). Exclude copies that add nothing."
        rows.append(_pairs_row(dataset, leaks.pairs[leaks.pairs["kind"] == kind], what, none, advice))
    if len(overlap := leaks.pairs[leaks.pairs["kind"] == "overlap"]):
        what, advice = "Patches share ground by their places", "Training leaves out what evaluated patches show."
        rows.append(_pairs_row(dataset, overlap, what, "", advice))
    near = leaks.pairs[leaks.pairs["kind"] == "near"]
    values = [labels[dataset.index_of(near[side])] for side in ("a", "b")]
    if (differ := (values[0] >= 0) & (values[1] >= 0) & (values[0] != values[1])).any():
        what, advice = "Nearly identical patches have different labels", "One of the labels is likely wrong: look."
        rows.append(_pairs_row(dataset, near[differ], what, "", advice))
    if dataset.groups is not None:
        groups = [dataset.groups[dataset.index_of(leaks.pairs[side])] for side in ("a", "b")]
        across = leaks.pairs[(groups[0] != groups[1]) & (leaks.pairs["kind"] != "identical").to_numpy()]
        what, none = "The same ground lies in different groups", "No crop or blend lies in another group"
        rows.append(_pairs_row(dataset, across, what, none, PAIRS_ADVICE))
    return [*rows, *(CheckRow("ok", note) for note in leaks.notes)]


def _pairs_row(dataset: Dataset, pairs: pd.DataFrame, what: str, none: str, advice: str) -> CheckRow:
    if not len(pairs):
        return CheckRow("ok", none)
    named = tuple(zip(pairs["a"].astype(str), pairs["b"].astype(str), strict=True))
    ids = tuple(dict.fromkeys(name for pair in named for name in pair))
    where = list_names([" ~ ".join(pair) for pair in named])
    return CheckRow("warning", what, where, len(ids), len(ids) / len(dataset), advice, ids, named)


def _check_groups(dataset: Dataset, labels: np.ndarray) -> list[CheckRow]:
    if dataset.groups is None:
        advice = (
            "Patches of one scene may fall on both sides of a split: name their groups when importing "
            "(--labels TABLE.csv --group-column COLUMN)."
        )
        return [CheckRow("warning", "There are no groups", "", 0, 0.0, advice)]
    known = labels >= 0
    n = len(set(dataset.groups[known]))
    few = [
        name
        for value, name in enumerate(dataset.class_names)
        if len(set(dataset.groups[labels == value])) < USUAL_SPLITS
    ]
    if few and known.any():
        advice = f"Some folds will have none of them to judge when {USUAL_SPLITS} are drawn; fewer folds may do better."
        return [
            CheckRow("warning", "A class lies in few groups", f"{list_names(few)}; {n} groups in all", advice=advice)
        ]
    return [CheckRow("ok", "Groups keep scenes together", f"{n} groups")]


def _sets(dataset: Dataset, sets: list[np.ndarray]) -> str:
    return list_names([" = ".join(dataset.ids[s][:SHOWN]) for s in sets])
