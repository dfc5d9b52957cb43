"""Filters: everything that is shown passes each of them, and an empty choice leaves nothing out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.patches import outcomes
from dashboard.review import filters
from dashboard.review.filters import DIFFER, ISSUES, JUDGEMENTS, NOVELTY, ORDERS, Filters

VERDICTS = ("", "landslide", "not", "unsure", "bad image", "duplicate", DIFFER)


@st.composite
def tables(draw):
    n = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = rng.permutation(n) + 1.0
    if n:
        rank[rng.integers(n)] = np.nan  # a patch that was never looked at
    label = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "id": [f"P{i:02d}" for i in rng.permutation(n)], "label": label, "fold": rng.integers(0, 3, n),
            "prob": np.round(rng.random(n), 1), "outcome": rng.choice(outcomes.OUTCOMES, n),
            "confidence": rng.random(n), "loss": rng.random(n), "hardness": np.round(rng.random(n), 1),
            "disagreement": rng.random(n), "distance": rng.random(n), "issue_rank": rank, "issue_score": rng.random(n),
            "issue_first": rank <= 3, "cleanlab_issue": rng.random(n) < 0.3, "judgement": rng.choice(VERDICTS, n),
            "mine": rng.choice(VERDICTS[:-1], n), "tags": [("road",) if x < 0.3 else () for x in rng.random(n)],
            "novelty_p": np.where(rank > 2, rng.random(n), np.nan), "folds_differ": rng.random(n) / 2,
            "by:sensor": rng.choice(["S1", "S2", ""], n),
        }
    )  # fmt: skip


CHOICES = {
    "outcomes": st.lists(st.sampled_from(outcomes.OUTCOMES), min_size=1).map(tuple),
    "folds": st.lists(st.integers(0, 3), min_size=1).map(tuple),
    "issue": st.sampled_from([*ISSUES]),
    "tag": st.sampled_from(["road", "lake"]),
    "judgement": st.sampled_from([*JUDGEMENTS]),
    "ids": st.frozensets(st.sampled_from([f"P{i:02d}" for i in range(30)])),
    "novelty": st.sampled_from([*NOVELTY]),
    "differ": st.sampled_from(["heads", "folds", "runs"]),
    "low": st.sampled_from([0.0, 0.3, 0.5]),
    "high": st.sampled_from([0.5, 0.9, 1.0]),
}


@settings(max_examples=60, deadline=None)
@given(tables(), st.fixed_dictionaries({}, optional=CHOICES))
def test_several_filters_leave_what_each_of_them_leaves(table, chosen):
    whole = filters.mask(table, Filters(**chosen))
    assert whole.dtype == bool and whole.shape == (len(table),)
    each = [filters.mask(table, Filters(**{name: value})) for name, value in chosen.items()]
    assert (whole == np.logical_and.reduce(each, axis=0, initial=True)).all()


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from([*ORDERS]))
def test_an_order_loses_no_patch_and_what_is_not_known_comes_last(table, order):
    found = filters.ordered(table, order)
    assert sorted(found["id"]) == sorted(table["id"])
    again = filters.ordered(table.sample(frac=1, random_state=1), order)
    assert found["id"].tolist() == again["id"].tolist()  # pages are stable
    if order == "issue" and len(found):
        assert np.isnan(found["issue_rank"].iloc[-1]) and found["issue_rank"].iloc[:-1].is_monotonic_increasing
    if order == "hardest":
        assert found["hardness"].is_monotonic_decreasing


def made(**columns) -> pd.DataFrame:
    base = {"id": list("abcdef"), "label": [1, 0, 1, 0, 1, 0], "prob": [0.1, 0.2, 0.5, 0.6, 0.9, 1.0]}
    return pd.DataFrame(base | columns)


def test_no_filter_leaves_everything():
    assert filters.mask(made(), Filters()).all()


def test_both_ends_of_the_probability_are_included():
    assert filters.mask(made(), Filters(low=0.2, high=0.6)).tolist() == [False, True, True, True, False, False]


def test_a_column_is_that_value_and_one_that_is_not_there_leaves_nothing():
    table = made(**{"by:sensor": ["S1", "S2", "S1", "", "S2", "S1"]})
    assert filters.mask(table, Filters(column="sensor", value="S1")).tolist() == [True, False, True, False, False, True]
    assert not filters.mask(table, Filters(column="season", value="winter")).any()


@pytest.mark.parametrize(
    ("which", "wanted"),
    [("none", "a"), ("any", "bcdef"), ("changed", "bc"), ("differ", "e"), ("landslide", "b"), ("not_mine", "acdef")],
)
def test_judgements(which, wanted):
    """b: no landslide by its label, judged one; c: the other way round; d was judged right."""
    table = made(judgement=["", "landslide", "not", "not", DIFFER, "unsure"], mine=["", "landslide", "", "", "", ""])
    kept = table["id"][filters.mask(table, Filters(judgement=which))]
    assert "".join(kept) == wanted


@pytest.mark.parametrize(("which", "wanted"), [("unlike", "b"), ("rather", "bc"), ("like", "de")])
def test_novelty_passes_only_what_it_is_known_of(which, wanted):
    table = made(novelty_p=[np.nan, 0.01, 0.1, 0.11, 1.0, np.nan])
    kept = table["id"][filters.mask(table, Filters(novelty=which, level=0.02))]
    assert "".join(kept) == wanted
    assert not filters.mask(made(), Filters(novelty=which)).any()


def test_answers_that_differ_by_at_least_so_much():
    table = made(disagreement=[0.0, 0.1, 0.2, 0.3, np.nan, 0.05], runs_differ=[0.5, 0, 0, 0, 0, 0])
    assert "".join(table["id"][filters.mask(table, Filters(differ="heads", least=0.1))]) == "bcd"
    assert "".join(table["id"][filters.mask(table, Filters(differ="runs", least=0.1))]) == "a"
    assert not filters.mask(table, Filters(differ="folds")).any()


def test_marked_patches_and_an_empty_set_of_them():
    assert filters.mask(made(), Filters(ids=frozenset("af"))).tolist() == [True, False, False, False, False, True]
    assert not filters.mask(made(), Filters(ids=frozenset())).any()


def test_what_a_patch_is_ordered_by_stands_below_it():
    row = pd.Series({"hardness": 1.234, "issue_score": 0.5, "issue_rank": 1200.0, "confidence": 0.7, "loss": 2.0,
                     "distance": 0.25, "disagreement": 0.125, "folds_differ": 0.2, "novelty_p": 0.0125})  # fmt: skip
    said = {
        order: filters.measure(row, order)
        for order in ("hardest", "issue", "alike", "surest", "high_loss", "folds", "novel")
    }
    assert said == {
        "hardest": "hardness 1.23", "issue": "doubt 0.50, number 1,200", "alike": "0.25 away",
        "surest": "confidence 0.70", "high_loss": "loss 2.00", "folds": "folds differ by 0.20",
        "novel": "only 1.2% are as unlike",
    }  # fmt: skip
