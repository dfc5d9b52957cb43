"""Links from Results to the patches of one outcome on the Review page."""

from __future__ import annotations

import pytest

from tests.dashboard import galleries
from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_errors_honours_head_outcome_and_threshold_of_its_link(run, open_page):
    at = open_page("review", run=run.name, errors_head="fc", errors_outcome="FN", errors_threshold="0.700")
    assert not at.exception
    oof = run.oof()
    missed = oof["id"][(oof["prob_fc"] < 0.7) & (oof["label"] == 1)]
    tiles = galleries.shown(at, "errors")
    assert sorted(tiles) == sorted(missed)[:24] and len(missed)
    assert "one threshold of 0.700" in words_of(at)


@pytest.mark.parametrize(
    ("key", "value"), [("errors_head", "<img>"), ("errors_outcome", "../x"), ("errors_threshold", "9")]
)
def test_a_link_that_names_nothing_known_shows_the_usual_errors(run, open_page, key, value):
    at = open_page("review", run=run.name, **{key: value})
    assert not at.exception and key not in at.query_params
    assert at.button_group(key="errors_outcome").value == ["FN", "FP"]


@pytest.mark.parametrize("name", ["fixed", "broken"])
def test_old_links_to_what_one_head_fixed_and_another_broke_show_that_set(run, open_page, name):
    at = open_page("review", run=run.name, errors_other="stats_svm", errors_versus=name)
    oof = run.oof()
    right = oof["pred_svm_c0.1"] == oof["label"]
    before = oof["pred_stats_svm"] == oof["label"]
    wanted = {"fixed": right & ~before, "broken": ~right & before}[name]
    assert not at.exception and sorted(galleries.shown(at, "errors")) == sorted(oof["id"][wanted])
    assert "errors_versus" not in at.query_params and "versus:" in str(at.query_params["review_set"])
