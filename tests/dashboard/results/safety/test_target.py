"""The safety target of the Results page: guaranteed or refused, with its cost, prevalence and decision in the link."""

from __future__ import annotations

import re

import pytest

from core.runs.prevalence import state_prevalence
from tests.dashboard.results.made import words_of

LIMIT = "risk_control_limit_missed_per_1000"


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.mark.parametrize("view", ["safety", "risk_control"])
def test_a_target_is_guaranteed_or_refused_with_the_number_needed(run, open_page, view):
    at = open_page("results", run=run.name, results_view=view)
    refused = next(e.value for e in at.error)
    assert "cannot be guaranteed" in refused and "smallest target that these patches can promise" in refused
    needed = int(re.search(r"at least (\d+) like these", refused)[1])
    assert 299 <= needed < 600  # ln 0.05 / ln 0.99 independent patches, and more of patches in groups
    assert "decision_json" not in [b.key for b in at.get("download_button")]
    at.slider(key=LIMIT).set_value(90.0).run()
    assert not at.exception and not at.error
    assert "To miss at most 90 landslide patches per 1,000" in words_of(at) and "Learn then test" in words_of(at)
    at.segmented_control(key="risk_control_kind").set_value("miss_rate").run()
    assert "share of landslides" in words_of(at) and not at.exception


def test_a_link_holds_everything_that_was_chosen(run, open_page):
    link = {LIMIT: "90.000", "inspection_cost": "1.500", "inspection_unit": "EUR", "inspection_patches": "20000"}
    at = open_page("results", run=run.name, results_view="safety", **link)
    assert not at.exception
    cards = {m.label: m for m in at.metric}
    assert cards["Cost"].value.endswith(" EUR") and cards["Cost"].delta == "of 30,000 EUR"
    inspect = float(cards["Inspect, of 1,000"].value)
    assert float(cards["Cost"].value.split()[0].replace(",", "")) == pytest.approx(30 * inspect, abs=16)


def test_the_prevalence_can_be_tried_without_stating_it(run, open_page):
    at = open_page("results", run=run.name, results_view="safety", **{LIMIT: "40.000"})
    (share,) = [n for n in at.number_input if (n.key or "").startswith("risk_control_share")]
    assert share.value == 250.0  # as among the patches
    share.set_value(100.0).run()
    assert not at.exception and "At this prevalence the target allows 40% of landslides" in words_of(at)
    assert at.toggle(key="risk_control_accept").disabled
    share.set_value(30.0).run()
    assert "Nothing needs to be inspected" in words_of(at)


def test_the_dial_begins_at_a_tenth_of_the_landslides_where_these_are_few(run, open_page):
    assert open_page("results", run=run.name).slider(key=LIMIT).value == 10.0
    state_prevalence(run.dataset_path(), 0.004)
    at = open_page("results", run=run.name)
    assert at.slider(key=LIMIT).value == 0.4 and LIMIT not in at.query_params
