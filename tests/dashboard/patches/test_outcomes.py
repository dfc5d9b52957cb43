"""Right or wrong, how surely and in which order: counted by hand on six patches."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.patches import outcomes

OOF = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e", "f"],
        "label": [1, 0, 1, 0, -1, 1],
        "fold": [0, 0, 1, 1, 0, -1],
        "group": ["g1", "g1", "g2", "g2", "g1", "g2"],
        "prob_fc": [0.9, 0.7, 0.2, 0.1, 0.5, 0.5],
        "pred_fc": [1, 1, 0, 0, -1, -1],
        "prob_svm_c1": [math.nan] * 6,
        "pred_svm_c1": [-1] * 6,
    }
)


def test_heads_without_a_single_probability_are_not_offered():
    assert outcomes.heads_of(OOF) == ("fc",)


def test_outcomes_are_counted_on_labelled_patches_of_a_fold_only():
    table = outcomes.judged(OOF, "fc")
    assert table["id"].tolist() == ["a", "b", "c", "d"]
    assert table["outcome"].tolist() == ["TP", "FP", "FN", "TN"]
    assert outcomes.counts(table) == {"TP": 1, "FP": 1, "FN": 1, "TN": 1}


def test_loss_is_the_negative_log_of_the_true_class_and_stays_finite():
    table = outcomes.judged(OOF.assign(prob_fc=[0.9, 0.7, 0.0, 0.1, 0.5, 0.5]), "fc")
    assert table["loss"].tolist()[:2] == pytest.approx([-math.log(0.9), -math.log(0.3)])
    assert math.isfinite(table["loss"][2])


def test_confidence_is_the_distance_from_the_folds_threshold_as_a_share_of_the_largest():
    table = outcomes.judged(OOF, "fc", {0: 0.6})
    away = (table["prob"] - table["threshold"]).abs()
    room = np.where(table["prob"] >= table["threshold"], 1 - table["threshold"], table["threshold"])
    assert table["confidence"].tolist() == pytest.approx((away / room).tolist())


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.2, 0.5, 0.9, 1.0])
def test_a_sure_miss_is_as_confident_as_a_sure_false_alarm(threshold):
    """A threshold of 0.2 leaves false alarms 0.8 of room and misses 0.2: both count by the share of it."""
    probs = np.array([0.0, threshold, 1.0])
    confidence = outcomes.confidence(probs, threshold)
    assert ((confidence >= 0) & (confidence <= 1)).all() and confidence[1] == 0
    assert confidence[0] == (1.0 if threshold > 0 else 0.0) and confidence[2] == (1.0 if threshold < 1 else 0.0)


@given(probs=st.lists(st.floats(0, 1), min_size=1, max_size=40), thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_every_order_is_monotone_in_the_words_below_the_pictures(probs, thresholds):
    n = len(probs)
    oof = pd.DataFrame({
        "id": [f"p{i:03d}" for i in range(n)], "label": np.arange(n) % 2, "fold": np.arange(n) // 2 % 2,
        "prob_fc": probs,
    })  # fmt: skip
    oof["pred_fc"] = (oof["prob_fc"] >= oof["fold"].map(dict(enumerate(thresholds)))).astype(int)
    table = outcomes.judged(oof, "fc", dict(enumerate(thresholds)))
    for order in outcomes.ORDERS:
        shown = outcomes.chosen(table, order=order)
        words = [outcomes.measure(row, order) for _, row in shown.iterrows()]
        values = [float(text.split()[-1]) for text in words]
        if order != "id":
            assert values == sorted(values, reverse=order in ("surest", "high_loss"))


def test_thresholds_are_read_fold_by_fold_and_unknown_ones_left_out():
    folds = [{"fold": 0, "heads": {"fc": {"threshold": 0.4}}}, {"fold": 1, "heads": {"fc": {"threshold": None}}}]
    assert outcomes.thresholds_of({"folds": folds}, "fc") == {0: 0.4}
    assert outcomes.thresholds_of({}, "fc") == {}


def test_wrong_and_sure_come_first():
    table = outcomes.judged(OOF, "fc")
    wrong = outcomes.chosen(table, outcomes=("FP", "FN"), order="surest")
    assert wrong["id"].tolist() == ["c", "b"]
    assert outcomes.chosen(table, order="id")["id"].tolist() == ["a", "b", "c", "d"]


def test_filters_join_and_an_empty_choice_means_all():
    table = outcomes.judged(OOF, "fc")
    assert outcomes.chosen(table, outcomes=(), folds=())["id"].size == 4
    assert outcomes.chosen(table, folds=(1,), equal={"group": "g2"}, order="id")["id"].tolist() == ["c", "d"]
    assert outcomes.chosen(table, equal={"group": "nowhere"}).empty


def test_pages_are_brought_into_range():
    table = outcomes.judged(OOF, "fc")
    page, number, pages = outcomes.page_of(table, 9, 3)
    assert (page["id"].tolist(), number, pages) == (["d"], 2, 2)
    assert outcomes.page_of(table.iloc[:0], 1, 3)[1:] == (1, 1)
