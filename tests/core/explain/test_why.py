"""Findings by hand: each rule on both sides of its border, and a sentence of what is unusual alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.explain.why import MOST_SAID, Evidence, findings, rank, said

USUAL = Evidence(
    label=1, pred=0, prob=0.2, threshold=0.5, agree=5, heads=6, near_other=4, near=10, brightness=1500.0,
    brightness_rank=0.5, brightness_unit="DN", change=1.2, change_rank=0.4, n_class=199, no_data=0.0, map_share=0.9,
    inside=0.4, mask_share=0.2,
)  # fmt: skip


def clauses(evidence):
    return [one.clause for one in findings(evidence, "landslide", "other") if one.unusual]


def test_nothing_is_said_of_what_is_usual():
    assert clauses(USUAL) == []
    assert len(findings(USUAL, "landslide", "other")) == 9  # everything is measured all the same


@pytest.mark.parametrize(
    ("changed", "clause"),
    [
        ({"no_data": 0.12}, "12% of its pixels have no data"),
        ({"mask_share": 0.012, "inside": 0.4}, "the outlined landslide covers only 1.2% of the patch"),
        ({"near_other": 9}, "9 of its 10 nearest training patches are labelled other"),
        ({"near_other": 7}, "7 of its 10 nearest training patches are labelled other"),
        ({"change_rank": 0.03}, "it shows less SAR change than 97% of the patches labelled landslide"),
        ({"cloud": 0.62, "cloud_column": "cloud_share"}, "cloud covers 62% of it"),
        (
            {"brightness_rank": 0.99},
            "it is brighter than 99% of the patches labelled landslide, as cloud or bare ground would be",
        ),
        (
            {"brightness_rank": 0.05},
            "it is darker than 95% of the patches labelled landslide, as shadow or water would be",
        ),
        ({"map_share": 0.12}, "its attention is weak (12% of its fold's usual peak)"),
        ({"map_share": 0.0, "inside": None}, "its attention map is dead"),
        ({"inside": 0.12}, "only 12% of the attention lies on the mask, which covers 20% of the patch"),
        ({"agree": 4}, "only 4 of 6 heads agree"),
        ({"agree": 6}, "all 6 heads make the same mistake"),
        (
            {"believed": 0.31, "learners": 4},
            "even the 4 networks that learnt from this label give it a probability of only 0.31",
        ),
        (
            {"believed": 0.31, "learners": 1},
            "even the network that learnt from this label gives it a probability of only 0.31",
        ),
        ({"band": "Red", "without": 0.61}, "without Red alone its probability is 0.61 and the decision the other one"),
        ({"prob": 0.47}, "its probability, 0.47, is close to the threshold, 0.50"),
    ],
)
def test_one_thing_out_of_the_usual_is_one_clause_with_its_number(changed, clause):
    assert clauses(replace(USUAL, **changed)) == [clause]


@pytest.mark.parametrize(
    "changed",
    [
        {"no_data": 0.1}, {"mask_share": 0.02}, {"cloud": 0.2}, {"near_other": 6}, {"change_rank": 0.06},
        {"brightness_rank": 0.94}, {"map_share": 0.25}, {"inside": 0.21}, {"agree": 5}, {"prob": 0.44},
        {"believed": 0.5, "learners": 4}, {"band": "Red", "without": 0.49},
    ],
)  # fmt: skip
def test_the_other_side_of_each_border_is_usual(changed):
    assert clauses(replace(USUAL, **changed)) == []


def test_what_was_not_measured_is_no_finding():
    bare = Evidence(label=-1, pred=1, prob=0.9, threshold=0.5)
    assert [one.name for one in findings(bare, "", "")] == ["Pixels without data", "Distance from the threshold"]
    assert clauses(bare) == []


def test_weak_attention_is_expected_where_nothing_is_labelled_or_found():
    left = replace(USUAL, label=0, pred=0, map_share=0.01, inside=None, mask_share=0.0)
    assert clauses(left) == []
    assert clauses(replace(left, pred=1)) == []  # no reason for a false alarm
    assert clauses(replace(left, label=-1, pred=1)) == ["its attention is weak (1% of its fold's usual peak)"]


@pytest.mark.parametrize(("label", "pred", "low", "high"), [(1, 0, 1, 0), (0, 1, 0, 1), (1, 1, 1, 1), (0, 0, 1, 1)])
def test_sar_change_is_a_reason_in_the_direction_of_the_mistake_only(label, pred, low, high):
    one = replace(USUAL, label=label, pred=pred, inside=None)
    assert len(clauses(replace(one, change_rank=0.01))) == low
    assert len(clauses(replace(one, change_rank=0.99))) == high


def test_heads_that_agree_on_what_is_right_are_usual_and_two_heads_are_too_few():
    assert clauses(replace(USUAL, pred=1, prob=0.8, agree=6)) == []
    assert clauses(replace(USUAL, agree=1, heads=2)) == []


def test_a_sentence_holds_the_first_few():
    much = replace(USUAL, no_data=0.5, near_other=10, change_rank=0.0, brightness_rank=1.0, map_share=0.1, agree=6)
    found = findings(much, "landslide", "other")
    unusual = [one for one in found if one.unusual]
    assert len(unusual) == 6
    reasons, notes, support = said(found)
    assert reasons == [one.clause for one in unusual[:MOST_SAID]]
    assert notes == ["all 6 heads make the same mistake", "its probability, 0.20, is 0.30 from the threshold"]
    assert support == []


def test_a_right_decision_is_supported_by_what_is_in_line_with_it_and_a_wrong_one_by_nothing():
    right = replace(USUAL, pred=1, prob=0.9, near_other=2, agree=6)
    assert said(findings(right, "landslide", "other"))[2] == [
        "8 of its 10 nearest training patches are labelled landslide",
        "40% of the attention lies on the mask, which covers 20% of the patch",
        "all 6 heads agree",
    ]
    less = replace(right, near_other=4, inside=0.1, agree=5)
    assert said(findings(less, "landslide", "other"))[2] == []
    assert said(findings(replace(right, pred=0), "landslide", "other"))[2] == []
    assert said(findings(replace(right, label=-1, near_other=None), "", ""))[2] == []
    left = replace(right, label=0, pred=0, prob=0.1, inside=None, mask_share=0.0, near_other=0)
    assert said(findings(left, "other", "landslide"))[2] == [
        "10 of its 10 nearest training patches are labelled other", "all 6 heads agree"
    ]  # fmt: skip


def test_rank_counts_ties_by_half_and_wants_enough_others():
    others = np.arange(20.0)
    assert rank(10.0, others) == (10 + 0.5) / 20
    assert rank(-1.0, others) == 0.0 and rank(99.0, others) == 1.0
    assert rank(1.0, others[:19]) is None and rank(np.nan, others) is None
    assert rank(10.0, np.append(others, np.nan)) == (10 + 0.5) / 20
