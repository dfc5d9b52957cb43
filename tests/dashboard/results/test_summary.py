"""The summary: squares that show what was counted, the safety target in short, the verdict on the baseline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.runs.prevalence import state_prevalence
from dashboard.results import summary
from tests.dashboard.results.made import made_predictions, words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_squares_are_the_recall_and_the_precision_with_their_intervals():
    made = made_predictions()
    facts = summary.facts_of(made)
    found, alarms = summary.panels(facts, made)
    assert (found.share, alarms.share) == (facts["recall"], facts["precision"])
    assert found.bounds == facts["intervals"]["recall"] and found.outcomes == ("TP", "FN")
    assert "n = 200 patches that the model had not seen (50 landslide), 3-fold" in summary.squares_caption(made)


def test_alarms_are_those_of_the_stated_prevalence():
    made = replace(made_predictions(), prevalence=0.02)
    alarms = summary.panels(summary.facts_of(made), made)[1]
    assert alarms.share == made.there()["precision"] < made.results().values["precision"]
    assert "20 landslide patches per 1,000, as stated" in summary.squares_caption(made)


def test_how_many_may_be_missed_is_asked_on_the_first_view_and_kept_on_its_own(run, open_page):
    at = open_page("results", run=run.name)
    at.slider(key="risk_control_limit_missed_per_1000").set_value(90.0).run()
    assert not at.exception and "To miss at most 90 landslide patches per 1,000" in words_of(at)
    assert at.query_params["risk_control_limit_missed_per_1000"] == "90.000"
    at.button(key="summary_to_safety").click().run()
    at.run()  # the page is short for a moment, see ``view_switch``
    at.run()
    assert at.segmented_control(key="results_view").value == "safety"
    assert at.slider(key="risk_control_limit_missed_per_1000").value == 90.0


def test_the_short_target_reckons_with_the_prevalence_of_the_full_one(run, open_page):
    state_prevalence(run.dataset_path(), 0.02)
    link = {"risk_control_limit_missed_per_1000": "4.000", "risk_control_share_0.0200": "30.000"}
    sentences = []
    for view in ("summary", "safety"):
        at = open_page("results", run=run.name, results_view=view, **link)
        assert not at.exception
        sentences += [m.value for m in (*at.markdown, *at.error, *at.info) if "miss at most" in m.value
                      or "cannot be guaranteed" in m.value or "Nothing needs" in m.value]  # fmt: skip
    assert len(sentences) == 2 and sentences[0] == sentences[1]


def test_the_baselines_verdict_stands_on_the_summary_with_its_figure(run, open_page):
    at = open_page("results", run=run.name)
    (question,) = [m for m in at.markdown if "better than a simple baseline?" in m.value]
    assert question.help and "strongest model without a network" in question.help
    drawn = [chart.proto.id for chart in at.get("plotly_chart")]
    assert any("summary_baseline" in name for name in drawn)
    alts = [one.alt for image in at.get("image") for one in image.proto.imgs]
    assert any(alt.startswith("Of 100 landslide patches: ") for alt in alts)
