"""What the Dataset page concludes from pairs of patches, and from what they add to a score."""

import pandas as pd
import pytest

from dashboard.dataset import leakage, leakage_cost


@pytest.mark.parametrize(
    ("n", "crossings", "severity", "words"),
    [
        (0, {"split": 0}, "ok", "No two patches"),
        (5, {"split": 2, "groups": 1}, "error", "2 of them lie across the split"),
        (5, {"groups": 1}, "warning", "1 of them lie in different groups"),
        (5, {"split": 0, "groups": 0}, "ok", "none lies across the split or the groups"),
        (5, {}, "ok", "No split, run or group"),
    ],
)
def test_the_verdict_says_what_the_pairs_cross(n, crossings, severity, words):
    found = leakage.verdict(n, crossings)
    assert found[0] == severity and words in found[1]


def test_what_a_leak_costs_is_said_only_where_the_interval_leaves_out_0():
    row = {
        "head": "stats_svm",
        "metric": "f1",
        "leaking": 0.9,
        "honest": 0.8,
        "difference": 0.1,
        "lo": 0.05,
        "hi": 0.15,
    }
    severity, words = leakage_cost.sentence(pd.DataFrame([row]))
    assert severity == "warning" and "SVM reaches F1 0.900 instead of 0.800, which is +0.100" in words
    unsure = pd.DataFrame([row | {"lo": -0.01}])
    assert leakage_cost.sentence(unsure)[0] == "ok" and "include 0" in leakage_cost.sentence(unsure)[1]
