"""A run's summary and out-of-fold table as tables for people and points for ``charts``: differences, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.evaluate.metrics import pr_curve, roc_curve
from core.evaluate.results import HeadResults
from core.wording.results import GAIN_WORDS
from dashboard import theme
from dashboard.charts.scores import HeadCurve
from dashboard.patches import outcomes
from dashboard.results import interpretation
from dashboard.ui.formatting import number

HEAD_COLUMNS = {
    "auc": "AUC",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "threshold": "Threshold for new patches",
}


def differences(summary: Mapping, metrics: Sequence[str] = ("f1", "auc")) -> list[tuple[str, float, float, float]]:
    """The headline head minus each baseline: name, difference, low, high; nan where undefined.

    The name begins with the metric where there are several.
    """
    rows = []
    for metric in metrics:
        which = f"{metric.upper()}, " if len(metrics) > 1 else ""
        for name, entry in summary.get("differences", {}).items():
            values = (_number(entry[metric][key]) for key in ("difference", "lo", "hi"))
            rows.append((f"{which}{theme.head_title(name)}", *values))
    return rows


def least_gain(summary: Mapping) -> list[tuple[str, float, float, float]]:
    """The headline head minus the baseline that leaves it least to gain, by F1 and AUC, as :func:`differences`."""
    rows = []
    for metric, words in GAIN_WORDS.items():
        found = interpretation.least_gain(summary, metric)
        if found:
            rows.append((words, *(_number(found[1][key]) for key in ("difference", "lo", "hi"))))
    return rows


def curves(oof: pd.DataFrame, summary: Mapping, names: Sequence[str]) -> tuple[list[HeadCurve], list[HeadCurve], float]:
    """Precision-recall and ROC curves of these heads, each with its point of decision; share of positives."""
    precision_recall, roc, share = [], [], 0.0
    for name in names:
        table, facts = outcomes.judged(oof, name), summary["heads"][name]
        labels, probs = table["label"].to_numpy(), table["prob"].to_numpy()
        share = float(labels.mean()) if len(labels) else 0.0
        recall, alarms = _number(facts["recall"]), 1.0 - _number(facts["specificity"])
        precision_recall.append(HeadCurve(name, pr_curve(labels, probs), (recall, _number(facts["precision"]))))
        roc.append(HeadCurve(name, roc_curve(labels, probs), (alarms, recall), f", AUC {number(facts['auc'])}"))
    return precision_recall, roc, share


def curves_of(results: HeadResults, labels: np.ndarray) -> tuple[list[HeadCurve], list[HeadCurve], float]:
    """As :func:`curves`, of uploaded probabilities."""
    values = results.values
    recall, alarms = values["recall"], 1.0 - values["specificity"]
    share = float(labels.mean()) if len(labels) else 0.0
    precision_recall = [HeadCurve("probabilities", results.pr, (recall, values["precision"]))]
    return precision_recall, [HeadCurve("probabilities", results.roc, (alarms, recall))], share


def _number(value: object) -> float:
    return np.nan if value is None else float(value)
