"""Which patches are looked at, and in which order: one set of filters that everything on the Review page follows.

A table with a row a patch goes in, with the columns of ``dashboard.review.table``; a mask of its rows comes out. Pandas
and numpy only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.patches import outcomes

JUDGEMENTS = {
    "none": "Not judged yet",
    "not_mine": "Not judged by me",
    "any": "Judged",
    "changed": "Judged against the label",
    "differ": "Judged differently",
    "landslide": "Landslide",
    "not": "No landslide",
    "unsure": "Unsure",
    "bad image": "Bad image",
    "duplicate": "Duplicate",
}
ISSUES = {"first": "The likeliest 5%", "cleanlab": "Wrong, says cleanlab"}
NOVELTY = {  # in place of "{n}": the rarest share that the run's groups can tell
    "unlike": "Unlike the training set (1 in {n})",
    "rather": "Rather unlike the training set (1 in 10)",
    "like": "Like the training set",
}
DIFFER_BY = {"heads": "Heads", "folds": "Folds", "runs": "Runs"}
ORDERS = outcomes.ORDERS | {
    "issue": "Likeliest wrong label first",
    "hardest": "Hardest first",
    "easiest": "Easiest first",
    "disagreement": "Heads disagree most",
    "folds": "Folds disagree most",
    "runs": "Runs disagree most",
    "novel": "Least like the training set",
    "outlier": "Farthest from training patches",
    "unique": "Most unique first",
    "alike": "Most alike first",
}
_BY = {
    "issue": ("issue_rank", True),
    "hardest": ("hardness", False),
    "easiest": ("hardness", True),
    "disagreement": ("disagreement", False),
    "folds": ("folds_differ", False),
    "runs": ("runs_differ", False),
    "novel": ("novelty_p", True),
    "outlier": ("outlier", False),
    "unique": ("uniqueness", False),
    "alike": ("distance", True),
}
_DIFFERENCE = {"heads": "disagreement", "folds": "folds_differ", "runs": "runs_differ"}
RATHER = 0.1
DIFFER = "differ"  # in the column "judgement", where people say different things


@dataclass(frozen=True)
class Filters:
    """What is looked at; an empty choice means all.

    outcomes: of TP, FN, FP, TN. folds: from 0. value: of the column ``column``. low, high: the probability's range,
    both ends included. issue: of ``ISSUES``. judgement: of ``JUDGEMENTS``.
    novelty: of ``NOVELTY``, with ``level`` as its rarest p-value. differ: of ``DIFFER_BY``,
    whose probabilities differ by a standard deviation of ``least`` or more. ids: of a set of patches, None for all.
    """

    outcomes: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()
    column: str = ""
    value: str = ""
    low: float = 0.0
    high: float = 1.0
    issue: str = ""
    tag: str = ""
    judgement: str = ""
    novelty: str = ""
    level: float = 0.01
    differ: str = ""
    least: float = 0.1
    ids: frozenset[str] | None = None


def mask(table: pd.DataFrame, filters: Filters) -> np.ndarray:
    """(N,) bool: the rows that pass every filter. A filter on something that the table does not hold passes none."""
    keep = np.ones(len(table), bool)
    if filters.outcomes:
        keep &= _is_in(table, "outcome", filters.outcomes)
    if filters.folds:
        keep &= _is_in(table, "fold", filters.folds)
    if filters.column:
        keep &= _is_in(table, f"by:{filters.column}", [filters.value])
    prob = table["prob"].to_numpy(float)
    keep &= (prob >= filters.low) & (prob <= filters.high)
    if filters.issue:
        keep &= _issue(table, filters.issue)
    if filters.tag:
        keep &= np.array([filters.tag in tags for tags in table["tags"]], bool)
    if filters.judgement:
        keep &= judged_as(table, filters.judgement)
    if filters.novelty:
        keep &= _novelty(table, filters.novelty, filters.level)
    if filters.differ:
        keep &= _number(table, _DIFFERENCE[filters.differ]) >= filters.least
    if filters.ids is not None:
        keep &= _is_in(table, "id", filters.ids)
    return keep


def _is_in(table: pd.DataFrame, column: str, wanted: Collection) -> np.ndarray:
    return table[column].isin(list(wanted)).to_numpy() if column in table else np.zeros(len(table), bool)


def _issue(table: pd.DataFrame, which: str) -> np.ndarray:
    column = {"first": "issue_first", "cleanlab": "cleanlab_issue"}[which]
    return table[column].to_numpy(bool) if column in table else np.zeros(len(table), bool)


def _number(table: pd.DataFrame, column: str) -> np.ndarray:
    """(N,) float64; nan, which passes no comparison, where it is not known."""
    return table[column].to_numpy(float) if column in table else np.full(len(table), np.nan)


def _novelty(table: pd.DataFrame, which: str, level: float) -> np.ndarray:
    p = _number(table, "novelty_p")
    return p > RATHER if which == "like" else p <= {"unlike": level, "rather": RATHER}[which]


def judged_as(table: pd.DataFrame, which: str) -> np.ndarray:
    """(N,) bool. which: of ``JUDGEMENTS``."""
    said = table["judgement"]
    match which:
        case "none":
            return (said == "").to_numpy()
        case "any":
            return (said != "").to_numpy()
        case "not_mine":
            return (table["mine"] == "").to_numpy()
        case "changed":
            wanted = np.where(table["label"].to_numpy() == 1, "landslide", "not")
            return (~said.isin(["", "unsure", DIFFER])).to_numpy() & (said.to_numpy() != wanted)
    return (said == which).to_numpy()


def ordered(table: pd.DataFrame, order: str) -> pd.DataFrame:
    """The table sorted, what is not known last; equal values keep the order of their ids, so that pages are stable."""
    if order not in _BY:
        return outcomes.chosen(table, order=order)
    by, ascending = _BY[order]
    by_id = table.sort_values("id", kind="stable")
    if by not in table:
        return by_id.reset_index(drop=True)
    return by_id.sort_values(by, ascending=ascending, kind="stable", na_position="last").reset_index(drop=True)


def measure(row: pd.Series, order: str) -> str:
    """What the patch is ordered by, for below its picture."""
    if order not in _BY or _BY[order][0] not in row or pd.isna(row[_BY[order][0]]):
        return outcomes.measure(row, order)
    value = row[_BY[order][0]]
    match order:
        case "issue":
            return f"doubt {row['issue_score']:.2f}, number {int(value):,}"
        case "alike":
            return f"{value:.2f} away"
        case "disagreement" | "folds" | "runs":
            return f"{'heads' if order == 'disagreement' else order} differ by {value:.2f}"
        case "outlier" | "unique":
            return f"{value:.1f} times the usual distance"
        case "novel":
            return f"only {value:.1%} are as unlike" if value < 0.5 else f"{value:.0%} are as unlike"
    return f"hardness {value:.2f}"
