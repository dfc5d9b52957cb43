"""A against B: of each patch that both have answered out of fold, which of the two is right.

The two are heads, runs, or one run's answers under two sets of labels. Everything is said from A: *fixed* is what A has
right and B wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.label_versions import read_version
from core.data.store import open_dataset
from core.errors import DataError, RunError
from core.runs.store import RunFolder
from core.runs.trained_on import has_record, read_record

CELLS = ("both right", "fixed", "broken", "both wrong")
FILE = "file"  # in place of a version's name: the labels that stand in the dataset file
METRICS = ("f1", "auc", "precision", "recall", "accuracy")
REASONS = {
    "only_a": "that only A has answered",
    "only_b": "that only B has answered",
    "content": "whose pixels are not the same in both",
    "unlabelled": "without a label",
}


@dataclass(frozen=True)
class Change:
    """A metric of A and of B on the same patches, and A minus B with its 95 % interval; nan where undefined."""

    metric: str
    a: float
    b: float
    difference: float
    lo: float
    hi: float

    @property
    def settled(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.lo > 0 or self.hi < 0


@dataclass(frozen=True, eq=False)
class Versus:
    """Two answers to the same N patches.

    table: a row a patch with id, group, cell (of ``CELLS``), and of either side (_a, _b): label (that the answer is
    judged by), fold, prob, pred and outcome (TP, FN, FP, TN). left_out: patches by reason (of ``REASONS``), of those
    that occur. changes: by metric of ``METRICS``; resampled by group where every patch has one (``grouped``).
    """

    table: pd.DataFrame
    left_out: Mapping[str, int]
    changes: Mapping[str, Change]
    grouped: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many patches are in each cell."""
        return {cell: int((self.table["cell"] == cell).sum()) for cell in CELLS}

    def listed(self) -> pd.DataFrame:
        """The table as files hold it: folds counted from 1."""
        return self.table.assign(fold_a=self.table["fold_a"] + 1, fold_b=self.table["fold_b"] + 1)


def versus(a: RunFolder, head_a: str, b: RunFolder, head_b: str, labels: str | None = None) -> Versus:
    """Two heads of one run, or of two runs, both judged by the same labels.

    labels: a version of the labels, or ``FILE``; none: those that both runs judged by.

    Raises RunError where they share no patch, a head is not there, the pixels cannot be told to be the same, or the
    runs judged by different labels and ``labels`` says none; DataError for a version that is not there or does not fit.
    """
    first, second = _answers(a, head_a), _answers(b, head_b)
    left_out = {
        "only_a": int((~first.index.isin(second.index)).sum()),
        "only_b": int((~second.index.isin(first.index)).sum()),
    }
    shared = first.index.intersection(second.index, sort=False)
    if len(shared):
        same = _same_content(a, b, shared)
        left_out["content"] = int((~same).sum())
        shared = shared[same]
    if shared.empty:
        raise RunError(f"'{a.name}' and '{b.name}' have answered no patch in common. Choose a run on the same patches.")
    first, second = first.loc[shared], second.loc[shared]
    if labels is not None:
        judged_by = labels_by_id(a, labels).reindex(shared).fillna(-1).to_numpy(int)
        first, second = first.assign(label=judged_by), second.assign(label=judged_by)
    elif differ := int((first["label"] != second["label"]).sum()):
        raise RunError(
            f"{differ:,} of the {len(shared):,} patches that '{a.name}' and '{b.name}' share had different labels when "
            "they were judged. Choose the labels that both are to be judged by."
        )
    return _judged(first, second, left_out)


def relabelled(run: RunFolder, head: str, labels: str) -> Versus:
    """One head's answers judged by other labels (A) and by those that the run judged by (B).

    labels: a version of the labels, or ``FILE``. Raises RunError and DataError as :func:`versus`.
    """
    before = _answers(run, head)
    after = labels_by_id(run, labels).reindex(before.index).fillna(-1).to_numpy(int)
    return _judged(before.assign(label=after), before, {})


def usual_labels(a: RunFolder, b: RunFolder) -> str | None:
    """What two runs are fairly judged by: their own labels (None) where these agree, else the newer version of theirs.

    Where neither has a version, the file has been changed between them: ``FILE``.
    """
    first, second = _labels(a), _labels(b)
    shared = first.index.intersection(second.index, sort=False)
    names = {run.config().data.labels for run in (a, b)}
    if len(names) == 1 and first.loc[shared].equals(second.loc[shared]):
        return None
    versions = [name for name in names if name]
    return max(versions, key=lambda name: int(name.split("-")[0][1:])) if versions else FILE


def labels_by_id(run: RunFolder, labels: str) -> pd.Series:
    """The labels of the run's dataset by id, -1 for none, as they stand in its file or in a version of them."""
    path = run.dataset_path()
    dataset = open_dataset(path)
    values = dataset.labels if labels == FILE else read_version(path, labels).apply(dataset)
    return pd.Series(np.asarray(values, int), index=dataset.ids.astype(str))


def _labels(run: RunFolder) -> pd.Series:
    oof = run.oof()
    return pd.Series(oof["label"].to_numpy(int), index=oof["id"].astype(str))


def _answers(run: RunFolder, head: str) -> pd.DataFrame:
    """label, fold, group, prob, pred by id, of the patches that a fold has answered which had not seen them."""
    oof = run.oof()
    if f"prob_{head}" not in oof:
        known = ", ".join(str(name)[5:] for name in oof if str(name).startswith("prob_"))
        raise RunError(f"Run '{run.name}' has no head '{head}'. Its heads: {known}.")
    mine = oof[(oof["fold"] >= 0) & oof[f"prob_{head}"].notna()]
    return pd.DataFrame(
        {
            "label": mine["label"].to_numpy(int), "fold": mine["fold"].to_numpy(int),
            "group": mine["group"].astype(str).to_numpy(), "prob": mine[f"prob_{head}"].to_numpy(float),
            "pred": mine[f"pred_{head}"].to_numpy(int),
        },
        index=pd.Index(mine["id"].astype(str), name="id"),
    )  # fmt: skip


def _same_content(a: RunFolder, b: RunFolder, ids: pd.Index) -> np.ndarray:
    """(n,) bool: whether both runs saw the same pixels under an id."""
    hashes = [run.provenance()["dataset"]["content_hash"] for run in (a, b)]
    if a.name == b.name or hashes[0] == hashes[1]:
        return np.ones(len(ids), bool)
    lacking = [run.name for run in (a, b) if not has_record(run)]
    if lacking:
        raise RunError(
            f"The dataset was changed between '{a.name}' and '{b.name}', and '{lacking[0]}' kept no record of its "
            "patches: nobody can tell whether one id means one picture in both. Train one of them again."
        )
    first, second = (_pixels(run) for run in (a, b))
    return np.array([name in first and first[name] == second.get(name) for name in ids], bool)


def _pixels(run: RunFolder) -> dict[str, tuple]:
    """By id the names of a run's bands and the hash of each, from the record of what it was trained on."""
    parts = [part for part in read_record(run).parts if part.run == run.name]
    return {
        patch_id: (part.patches.prints.bands, *hashes)
        for part in parts
        for patch_id, hashes in zip(part.patches.ids.tolist(), part.patches.prints.hashes.tolist(), strict=True)
    }


def _judged(first: pd.DataFrame, second: pd.DataFrame, left_out: Mapping[str, int]) -> Versus:
    """Two tables of the same ids, each with the labels that it is judged by."""
    labelled = (first["label"] >= 0) & (second["label"] >= 0)
    left_out = {**left_out, "unlabelled": int((~labelled).sum())}
    first, second = first[labelled], second[labelled]
    if first.empty:
        raise DataError(
            "None of the patches that both have answered is labelled. Choose another version of the labels."
        )
    right_a, right_b = ((one["pred"] == one["label"]).to_numpy() for one in (first, second))
    cell = np.select([right_a & right_b, right_a, right_b], CELLS[:3], CELLS[3])
    table = pd.DataFrame({"id": first.index, "group": first["group"].to_numpy(), "cell": cell})
    for side, one in (("a", first), ("b", second)):
        for name in ("label", "fold", "prob", "pred"):
            table[f"{name}_{side}"] = one[name].to_numpy()
        table[f"outcome_{side}"] = np.array(["TN", "FP", "FN", "TP"])[2 * one["label"].to_numpy() + one["pred"]]
    grouped = bool((table["group"] != "").all())
    changes = _changes(table, table["group"].to_numpy() if grouped else None)
    return Versus(table, {name: n for name, n in left_out.items() if n}, changes, grouped)


def _changes(table: pd.DataFrame, groups: np.ndarray | None) -> dict[str, Change]:
    label_a, label_b, pred_a, pred_b, prob_a, prob_b = (
        table[f"{name}_{side}"].to_numpy() for name in ("label", "pred", "prob") for side in ("a", "b")
    )
    if (label_a == label_b).all():
        from core.evaluate.comparison.significance import compare

        found = compare(label_a, pred_a, prob_a, pred_b, prob_b, groups, METRICS).differences
        return {name: Change(name, one.a, one.b, one.difference, one.lo, one.hi) for name, one in found.items()}
    from core.review.rejudged import rejudge  # the same answers, so that the labels alone differ

    rows = rejudge(label_b, label_a, {"": (pred_a, prob_a)}, groups, "").rows
    return {
        row.metric: Change(row.metric, row.after, row.before, row.difference, *row.difference_interval)
        for row in rows
        if row.metric in METRICS
    }
