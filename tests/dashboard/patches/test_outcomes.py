"""Right or wrong, how surely and in which order: counted by hand on six patches."""

import math

import pandas as pd
import pytest

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


def test_confidence_is_the_distance_from_the_threshold_of_the_patchs_own_fold():
    table = outcomes.judged(OOF, "fc", {0: 0.6})
    assert table["confidence"].tolist() == pytest.approx([0.3, 0.1, 0.3, 0.4])


def test_thresholds_are_read_fold_by_fold_and_unknown_ones_left_out():
    folds = [{"fold": 0, "heads": {"fc": {"threshold": 0.4}}}, {"fold": 1, "heads": {"fc": {"threshold": None}}}]
    assert outcomes.thresholds_of({"folds": folds}, "fc") == {0: 0.4}
    assert outcomes.thresholds_of({}, "fc") == {}


def test_wrong_and_sure_come_first():
    table = outcomes.judged(OOF, "fc")
    wrong = outcomes.chosen(table, outcomes=("FP", "FN"), order="Most confident first")
    assert wrong["id"].tolist() == ["c", "b"]
    assert outcomes.chosen(table, order="Id")["id"].tolist() == ["a", "b", "c", "d"]


def test_filters_join_and_an_empty_choice_means_all():
    table = outcomes.judged(OOF, "fc")
    assert outcomes.chosen(table, outcomes=(), folds=())["id"].size == 4
    assert outcomes.chosen(table, folds=(1,), equal={"group": "g2"}, order="Id")["id"].tolist() == ["c", "d"]
    assert outcomes.chosen(table, equal={"group": "nowhere"}).empty


def test_pages_are_brought_into_range():
    table = outcomes.judged(OOF, "fc")
    page, number, pages = outcomes.page_of(table, 9, 3)
    assert (page["id"].tolist(), number, pages) == (["d"], 2, 2)
    assert outcomes.page_of(table.iloc[:0], 1, 3)[1:] == (1, 1)
