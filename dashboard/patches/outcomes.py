"""Out-of-fold decisions as people look at them: right or wrong, how surely, in which order.

From a run's out-of-fold table and the thresholds of its folds: tables of the labelled patches with their outcome,
filtered and sorted. Pandas and numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

OUTCOMES = ("TP", "FN", "FP", "TN")
ORDERS = {
    "surest": "Most confident first",
    "least_sure": "Least confident first",
    "high_loss": "Highest loss first",
    "low_loss": "Lowest loss first",
    "id": "Id",
}
_BY = {
    "surest": ("confidence", False),
    "least_sure": ("confidence", True),
    "high_loss": ("loss", False),
    "low_loss": ("loss", True),
    "id": ("id", True),
}
SMALLEST_PROB = 1e-7  # keeps the loss of a sure mistake finite


def heads_of(oof: pd.DataFrame) -> tuple[str, ...]:
    """Heads that have a probability for at least one patch, in the table's order."""
    names = [column.removeprefix("prob_") for column in oof.columns if column.startswith("prob_")]
    return tuple(name for name in names if f"pred_{name}" in oof and oof[f"prob_{name}"].notna().any())


def judged(oof: pd.DataFrame, head: str, thresholds: Mapping[int, float] | None = None) -> pd.DataFrame:
    """The labelled patches that this head has judged, in the table's order.

    ``thresholds``: see :func:`thresholds_of`; 0.5 where a fold has none. Columns: id, label, fold, group (where there
    is one), prob, pred, threshold, outcome (TP, FP, FN or TN), confidence (see :func:`confidence`), loss (negative log
    of the probability of the true class).
    """
    table = oof[(oof["label"] >= 0) & (oof["fold"] >= 0) & oof[f"prob_{head}"].notna()].reset_index(drop=True)
    result = table[[c for c in ("id", "label", "fold", "group") if c in table]].copy()
    prob = table[f"prob_{head}"].to_numpy(float)
    label = table["label"].to_numpy(int)
    pred = table[f"pred_{head}"].to_numpy(int)
    threshold = table["fold"].astype(int).map(dict(thresholds or {})).fillna(0.5).to_numpy(float)
    of_truth = np.where(label == 1, prob, 1.0 - prob)
    result["prob"], result["pred"], result["threshold"] = prob, pred, threshold
    result["outcome"] = np.select(
        [(label == 1) & (pred == 1), (label == 0) & (pred == 1), label == 1], ["TP", "FP", "FN"], "TN"
    )
    result["confidence"] = confidence(prob, threshold)
    result["loss"] = -np.log(np.clip(of_truth, SMALLEST_PROB, 1.0))
    return result


def decided_at(table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Judged patches as one threshold for all of them would decide; probabilities and losses stay."""
    pred = (table["prob"].to_numpy() >= threshold).astype(int)
    label = table["label"].to_numpy()
    return table.assign(
        pred=pred, threshold=float(threshold), outcome=np.array(["TN", "FP", "FN", "TP"])[2 * label + pred],
        confidence=confidence(table["prob"].to_numpy(), threshold),
    )  # fmt: skip


def confidence(prob: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """How far a decision lies from its threshold, as a share of the farthest that it can: (N,) from 0 to 1.

    A probability of 1 is as sure an alarm as 0 is a sure all-clear, wherever the threshold lies: a threshold of 0.2
    leaves alarms four times the room of misses, and folds have thresholds of their own.
    """
    prob, threshold = np.broadcast_arrays(np.asarray(prob, float), np.asarray(threshold, float))
    room = np.where(prob >= threshold, 1.0 - threshold, threshold)
    return np.clip(np.abs(prob - threshold) / np.maximum(room, SMALLEST_PROB), 0.0, 1.0)


def against(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Judged patches with ``versus``: what became of them since another head's decisions on the same patches.

    fixed: wrong there, right here; broken: right there, wrong here; both right, both wrong; "" where the other head
    has not judged the patch.
    """
    theirs = other.set_index("id")["pred"].reindex(table["id"]).to_numpy()
    right, before = table["pred"].to_numpy() == table["label"].to_numpy(), theirs == table["label"].to_numpy()
    words = np.select(
        [right & ~before, ~right & before, right & before], ["fixed", "broken", "both right"], "both wrong"
    )
    return table.assign(versus=np.where(np.isfinite(theirs.astype(float)), words, ""))


def thresholds_of(summary: Mapping, head: str) -> dict[int, float]:
    """A head's cross-fitted threshold by fold, from a run's summary; folds without one are left out."""
    found = {}
    for facts in summary.get("folds", []):
        value = facts.get("heads", {}).get(head, {}).get("threshold")
        if value is not None and math.isfinite(value):
            found[int(facts["fold"])] = float(value)
    return found


def counts(table: pd.DataFrame) -> dict[str, int]:
    """How many of the judged patches have each outcome."""
    found = table["outcome"].value_counts()
    return {outcome: int(found.get(outcome, 0)) for outcome in OUTCOMES}


def chosen(
    table: pd.DataFrame,
    outcomes: Sequence[str] | None = None,
    folds: Sequence[int] | None = None,
    equal: Mapping[str, object] | None = None,
    order: str = "surest",
) -> pd.DataFrame:
    """The judged patches with one of these outcomes, in one of these folds, equal to these values; sorted.

    Empty or missing choices mean all. Equal values of the order keep the order of their ids, so that pages are stable.
    """
    keep = pd.Series(True, index=table.index)
    if outcomes:
        keep &= table["outcome"].isin(list(outcomes))
    if folds:
        keep &= table["fold"].isin(list(folds))
    for column, value in (equal or {}).items():
        keep &= table[column].astype(str) == str(value)
    by, ascending = _BY.get(order, _BY["id"])
    by_id = table[keep].sort_values("id", kind="stable")
    return by_id.sort_values(by, ascending=ascending, kind="stable").reset_index(drop=True)


def measure(row: Mapping, order: str) -> str:
    """What a judged patch is ordered by, for below its picture; its confidence where the order is by id."""
    if _BY.get(order, _BY["id"])[0] == "loss":
        return f"loss {row['loss']:.2f}"
    return f"confidence {row['confidence']:.2f}"


def page_of(table: pd.DataFrame, number: int, size: int) -> tuple[pd.DataFrame, int, int]:
    """Page ``number`` (from 1, brought into range) of a table, that number, and how many pages there are."""
    pages = max(1, math.ceil(len(table) / size))
    number = min(max(1, number), pages)
    return table.iloc[(number - 1) * size : number * size], number, pages
