"""Sentences for stakeholders: they say no more than the interval allows."""

from __future__ import annotations

import pytest

from dashboard.results import interpretation

FACTS = {
    "n": 62, "f1": 0.825, "precision": 0.8125, "recall": 26 / 31, "confusion": {"tp": 26, "fn": 5, "fp": 6, "tn": 25},
    "intervals": {"f1": [0.72, 0.9], "recall": [0.7, 0.94], "precision": [0.66, 0.93]},
}  # fmt: skip


def summary(differences: dict, **changes) -> dict:
    folds = [{"fold": k, "heads": {"svm_c0.1": {"threshold": 0.3 + 0.1 * k}}} for k in range(2)]
    return {
        "head": "svm_c0.1", "heads": {"svm_c0.1": FACTS}, "folds": folds, "positive": "landslide", "grouped": True,
        "threshold_rule": "best_f1", "differences": differences,
    } | changes  # fmt: skip


def difference(value: float, low: float, high: float) -> dict:
    return {"f1": {"difference": value, "lo": low, "hi": high}}


def test_cards_count_found_missed_and_false_alarms_with_their_intervals():
    found, missed, alarms, f1 = interpretation.cards(FACTS)
    assert (found.label, found.value, found.detail) == ("Found (TP)", "26", "70–94% of 31")
    assert (missed.label, missed.value, missed.detail) == ("Missed (FN)", "5", "6–30% of 31")
    assert (alarms.label, alarms.value, alarms.detail) == ("False alarm (FP)", "6", "7–34% of alarms")
    assert (f1.value, f1.detail) == ("0.825", "0.720–0.900")


def test_cards_of_undefined_numbers_say_so():
    empty = {"f1": None, "precision": None, "confusion": {"tp": 0, "fn": 0, "fp": 0, "tn": 4}, "intervals": {}}
    found, missed, alarms, f1 = interpretation.cards(empty)
    assert (found.value, missed.detail, alarms.detail, f1.value) == ("0", "of 0", "of alarms", "undefined")


def test_basis_names_set_folds_n_head_thresholds_and_interval():
    text = interpretation.basis(summary({}), "svm_c0.1")
    for part in (
        "2-fold cross-validation",
        "62 patches",
        "31 landslide",
        "cross-fitted",
        "0.30–0.40",
        "whole groups",
    ):
        assert part in text
    assert "fixed" in interpretation.basis(summary({}, threshold_rule="half"), "svm_c0.1")


@pytest.mark.parametrize(
    ("row", "answer"),
    [((0.05, 0.01, 0.09), "Yes"), ((0.01, -0.02, 0.04), "No significant difference"), ((-0.05, -0.09, -0.01), "No")],
)
def test_the_network_is_better_only_when_the_whole_interval_says_so(row, answer):
    short, sentence = interpretation.against_baseline(summary({"stats_svm": difference(*row)}))
    assert short == answer
    assert "Band statistics, SVM" in sentence and "95% interval" in sentence


@pytest.mark.parametrize(
    ("f1", "auc", "answer"),
    [
        ((0.05, 0.01, 0.09), (0.02, 0.01, 0.03), "Yes"),
        ((0.05, 0.01, 0.09), (0.00, -0.01, 0.01), "By one measure"),
        ((0.01, -0.02, 0.04), (-0.02, -0.03, -0.01), "No"),
        ((0.01, -0.02, 0.04), (0.00, -0.01, 0.01), "No significant difference"),
    ],
)
def test_both_f1_and_auc_are_asked(f1, auc, answer):
    row = difference(*f1) | {"auc": dict(zip(("difference", "lo", "hi"), auc, strict=True))}
    short, sentence = interpretation.against_baseline(summary({"stats_blend": row}))
    assert short == answer and "AUC" in sentence and "earlier" not in sentence and "before every run" not in sentence


def test_a_blend_must_beat_the_blend_without_a_network():
    """It was compared with its own member alone, which it can hardly fail to beat."""
    rows = {"rich": difference(0.01, 0.002, 0.02), "stats_blend": difference(0.0, -0.01, 0.01)}
    short, sentence = interpretation.against_baseline(summary(rows, head="blend"))
    assert short == "No significant difference" and "SVM and trees" in sentence
    assert "before every run had" in interpretation.against_baseline(summary({"rich": rows["rich"]}))[1]


def test_the_strongest_baseline_is_the_one_that_counts():
    both = {"stats_logreg": difference(0.2, 0.1, 0.3), "stats_svm": difference(0.01, -0.02, 0.04)}
    short, sentence = interpretation.against_baseline(summary(both))
    assert short == "No significant difference" and "Band statistics, SVM" in sentence


def test_without_an_interval_nothing_is_claimed():
    undefined = {"stats_svm": {"f1": {"difference": 0.1, "lo": None, "hi": None}}}
    assert interpretation.against_baseline(summary(undefined))[0] == "Unknown"
    assert interpretation.against_baseline(summary({}))[0] == "Unknown"


def test_class_names_are_escaped():
    assert "\\<img" in interpretation.headline(FACTS, "<img>")


def test_the_headline_says_what_is_found_and_how_many_alarms_are_false():
    facts = {"recall": 0.839, "precision": 0.876}
    assert interpretation.headline(facts, "landslide") == (
        "Finds 84% of landslide patches. 12% of its alarms are false."
    )
    over = interpretation.headline({"recall": 0.998, "precision": 0.998}, "landslide")
    assert over == "Finds over 99% of landslide patches. Under 1% of its alarms are false."
    there = {"share": 0.02, "precision": 0.4}
    assert interpretation.headline(facts, "landslide", there) == (
        "Finds 84% of landslide patches. At 20 per 1,000 patches, 60% of its alarms are false."
    )
    assert "no alarms" in interpretation.headline({"recall": 0.0, "precision": None}, "landslide")
    assert interpretation.headline({"recall": None}, "land_slide") == "These patches include no land\\_slide."


def test_the_counts_come_with_their_intervals():
    cells = {"tp": 26, "fn": 5, "fp": 6, "tn": 25}
    words = interpretation.counts_in_words({"confusion": cells, "intervals": {"recall": (0.7, 0.94)}}, "landslide")
    for part in ("26 of 31 landslide patches", "70–94%", "misses 5", "32 alarms on 62 patches", "6 are false"):
        assert part in words
    nothing = {"tp": 0, "fn": 0, "fp": 0, "tn": 0}
    assert interpretation.counts_in_words({"confusion": nothing}, "landslide") == "There are no patches to evaluate."
