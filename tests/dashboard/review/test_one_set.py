"""Every filter leaves the same patches in the gallery, on the map of places, on the projection and in the numbers."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data.store import open_dataset
from core.predict.novelty.own import OwnNovelty
from core.review import patch_sets
from core.review.judgements import Judgements
from dashboard.review import places, sets, table
from tests.builders import make_run
from tests.dashboard import galleries
from tests.dashboard.review.test_issues import keep_issues
from tests.dashboard.review.test_looking import placed_file

ALL = ["TP", "FN", "FP", "TN"]
FILTERS = [
    {"errors_outcome": "FN"}, {"errors_folds": "1"}, {"errors_column": "fold_name", "errors_value": "odd"},
    {"review_low": "0.5", "review_high": "0.8"}, {"errors_threshold": "0.6", "errors_outcome": ["FP", "FN"]},
    {"errors_other": "fc", "errors_versus": "fixed"}, {"review_issue": "first"}, {"review_judgement": "not"},
    {"review_tag": "road"}, {"review_differ": "heads", "review_least": "0.2"}, {"review_novelty": "rather"},
    {"errors_folds": "0", "review_tag": "road"},
]  # fmt: skip


@pytest.fixture
def run(studio, monkeypatch):
    """A run with issues, judgements, tags, novelty and five marked patches."""
    made = make_run(studio.checkpoints, placed_file(studio))
    keep_issues(made)
    judgements = Judgements(made.dataset_path())
    for place, patch_id in enumerate(made.oof()["id"].tolist()[:12]):
        judgements.add("patch", patch_id, "not" if place % 3 else "landslide", "Ada", "", ["road"] if place % 2 else [])
    own = OwnNovelty(np.arange(60), np.linspace(0.01, 1.0, 60), 100, "both")
    monkeypatch.setattr(table, "novelty_of", lambda _: own)
    data = open_dataset(made.dataset_path())
    sides = {"fold_name": np.where(np.arange(len(data)) % 2, "odd", "even")}
    monkeypatch.setattr(table, "columns_of", lambda _: sides)
    return made


def coloured(at) -> set[str]:
    """The patches that the one figure of the page shows in colour, not as left out."""
    (chart,) = at.get("plotly_chart")
    traces = [t for t in json.loads(chart.proto.spec)["data"] if not str(t.get("name")).startswith(places.OTHERS)]
    return {point[0] for trace in traces for point in trace.get("customdata") or []}


def test_pictures_maps_and_numbers_follow_one_set_whatever_the_filter(run, open_page):
    marked = {"review_set": f"marked:{patch_sets.keep(run, run.oof()['id'].tolist()[3:8])}"}
    for chosen in [*FILTERS, marked]:
        query = {"errors_outcome": ALL, "errors_size": "48", "review_beside": "places"} | chosen
        at = open_page("review", run=run.name, **query)
        assert not at.exception, chosen
        shown = galleries.shown(at, "errors")
        number = next(c.value for c in at.caption if " shown" in c.value)
        assert int(re.match(r"[\d,]+", number)[0]) == len(shown), chosen
        assert 0 < len(shown) < 48 and coloured(at) == set(shown), chosen

        at.button_group(key="review_beside").set_value("projection").run()
        fold = int(chosen.get("errors_folds") or at.selectbox(key="review_fold").value)
        assert not at.exception and galleries.shown(at, "errors") == shown, chosen
        assert coloured(at) == {one for one in shown if run.fold_of(one) == fold}, chosen


def test_a_lasso_inside_another_set_stays_within_it(run, open_page):
    def page(run, ids):
        from dashboard.review import sets

        sets.mark(run, ids[:6], within=frozenset(ids[4:9]))
        sets.mark(run, ids[:2], within=frozenset(ids[4:9]))

    ids = run.oof()["id"].tolist()
    at = AppTest.from_function(page, args=(run, ids)).run()
    assert "None of the marked patches" in at.toast[0].value
    again = open_page("review", run=run.name, errors_outcome=ALL, review_set=at.session_state[sets.SET])
    assert sorted(galleries.shown(again, "errors")) == sorted(ids[4:6])
