"""Tables and curves of a run, against a summary small enough to read."""

from __future__ import annotations

import math

import pandas as pd

from dashboard.results import tables

FACTS = {
    "n": 4, "f1": 0.5, "auc": None, "precision": 0.5, "recall": 0.5, "specificity": 0.75, "accuracy": 0.6,
    "threshold": 0.4, "confusion": {"tp": 1, "fn": 1, "fp": 1, "tn": 3}, "intervals": {"f1": [0.25, 0.75]},
}  # fmt: skip
SUMMARY = {
    "heads": {"fc": FACTS},
    "folds": [{"fold": 0, "n_train": 8, "n_synthetic": 3, "heads": {"fc": FACTS}}, {"fold": 1, "heads": {}}],
    "differences": {
        "stats_svm": {
            "f1": {"difference": 0.1, "lo": -0.1, "hi": 0.2}, "auc": {"difference": None, "lo": None, "hi": None},
        }
    },
}  # fmt: skip


def test_undefined_differences_are_nan():
    (name, value, *_), (_, undefined, *_) = tables.differences(SUMMARY)
    assert [one for one, *_ in tables.differences(SUMMARY, ("auc",))] == [name.removeprefix("F1, ")]
    assert (name, value) == ("F1, Band statistics, SVM", 0.1)
    assert math.isnan(undefined)


def test_curves_carry_the_point_of_decision_and_the_share_of_positives():
    oof = pd.DataFrame({"id": list("abcd"), "label": [1, 0, 0, 1], "fold": 0, "prob_fc": [0.9, 0.8, 0.1, 0.2]})
    oof["pred_fc"] = [1, 1, 0, 0]
    precision_recall, roc, share = tables.curves(oof, SUMMARY, ["fc"])
    assert share == 0.5
    assert precision_recall[0].point == (0.5, 0.5) and roc[0].point == (0.25, 0.5)
    assert roc[0].curve.x[-1] == 1.0 and "undefined" in roc[0].note
