"""The decisions of a robustness test by scenario, and which of them a loss of bands changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.errors import RunError
from core.explain.bands.corruptions import INTACT
from core.explain.bands.tables import groups_by_id


def flipped(table: pd.DataFrame, scenario: str, policy: str) -> pd.DataFrame:
    """The patches whose decision changes: id, label, fold, prob and pred before and after, change.

    Sorted by how far the probability moved, the farthest first. change: "missed", "found", "new alarm" or "alarm gone".
    """
    before, after = answers_of(table, INTACT.name, "as_is"), answers_of(table, scenario, policy)
    both = before.assign(prob_after=after["prob"], pred_after=after["pred"])
    both = both[both["pred"] != both["pred_after"]]
    names = {(1, 0): "missed", (1, 1): "found", (0, 1): "new alarm", (0, 0): "alarm gone"}
    change = [names[int(label), int(pred)] for label, pred in zip(both["label"], both["pred_after"], strict=True)]
    moved = (both["prob_after"] - both["prob"]).abs()
    columns = ["id", "label", "fold", "prob", "prob_after", "pred", "pred_after", "change"]
    return both.assign(change=change, moved=moved).sort_values("moved", ascending=False).reset_index()[columns]


def answers_of(table: pd.DataFrame, scenario: str, policy: str) -> pd.DataFrame:
    """The rows of one scenario and policy, by id. Raises RunError when there are none."""
    mine = table[(table["scenario"] == scenario) & (table["policy"] == policy)]
    if mine.empty:
        raise RunError(f"There are no results for the scenario '{scenario}' with the policy '{policy}'.")
    return mine.set_index(mine["id"].astype(str)).rename_axis(None)


def groups_of(answers: pd.DataFrame) -> np.ndarray | None:
    """The group of each row of :func:`answers_of`; none where there are no groups."""
    groups = groups_by_id(answers)
    return None if groups is None else np.array([groups[i] for i in answers.index])
