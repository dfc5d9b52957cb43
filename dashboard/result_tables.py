"""A run's summary as tables and curves: heads, folds, differences, precision-recall and ROC.

Comes in: ``summary.json`` and the out-of-fold table. Goes out: tables for people and points for ``charts``. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.evaluate.metrics import pr_curve, roc_curve
from dashboard import outcomes, theme
from dashboard.charts import HeadCurve
from dashboard.components import interval, number

FOLD_COLUMNS = {"f1": "F1", "auc": "AUC", "precision": "Precision", "recall": "Recall", "threshold": "Threshold"}
HEAD_COLUMNS = {
    "auc": "AUC",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "threshold": "Threshold for new patches",
}


def heads(summary: Mapping) -> pd.DataFrame:
    """A row a head: F1 with its interval, the other metrics, the threshold for new patches."""
    rows = []
    for name, facts in summary["heads"].items():
        bounds = interval(facts.get("intervals", {}).get("f1"))
        row = {"Head": theme.head_title(name), "F1": facts["f1"], "F1, 95 %": bounds}
        rows.append(row | {title: facts[key] for key, title in HEAD_COLUMNS.items()})
    return pd.DataFrame(rows).round(3)


def folds(summary: Mapping, head: str) -> pd.DataFrame:
    """A row a fold, counted from 1: the head's metrics on its validation part, and what it was trained on."""
    rows = []
    for facts in summary["folds"]:
        mine = facts["heads"].get(head, {})
        cells = mine.get("confusion", {})
        row = {"Fold": facts["fold"] + 1, "Patches": mine.get("n"), "Positive": cells.get("tp", 0) + cells.get("fn", 0)}
        row |= {title: mine.get(key) for key, title in FOLD_COLUMNS.items()}
        rows.append(row | {"Trained on": facts.get("n_train"), "Synthetic": facts.get("n_synthetic")})
    return pd.DataFrame(rows).round(3)


def differences(summary: Mapping) -> list[tuple[str, float, float, float]]:
    """The headline head minus each baseline, F1 before AUC: name, difference, low, high; nan where undefined."""
    rows = []
    for metric in ("f1", "auc"):
        for name, entry in summary.get("differences", {}).items():
            values = (_number(entry[metric][key]) for key in ("difference", "lo", "hi"))
            rows.append((f"{metric.upper()}, {theme.head_title(name)}", *values))
    return rows


def curves(oof: pd.DataFrame, summary: Mapping, names: Sequence[str]) -> tuple[list[HeadCurve], list[HeadCurve], float]:
    """Precision-recall and ROC curves of these heads, each with the point at which it decides; share of positives."""
    precision_recall, roc, share = [], [], 0.0
    for name in names:
        table, facts = outcomes.judged(oof, name), summary["heads"][name]
        labels, probs = table["label"].to_numpy(), table["prob"].to_numpy()
        share = float(labels.mean()) if len(labels) else 0.0
        recall, alarms = _number(facts["recall"]), 1.0 - _number(facts["specificity"])
        precision_recall.append(HeadCurve(name, pr_curve(labels, probs), (recall, _number(facts["precision"]))))
        roc.append(HeadCurve(name, roc_curve(labels, probs), (alarms, recall), f", AUC {number(facts['auc'])}"))
    return precision_recall, roc, share


def _number(value: object) -> float:
    return np.nan if value is None else float(value)
