"""How frequent landslides are where the model is used, on the Results page: stated once, carried to every number."""

from __future__ import annotations

import pytest

from core.runs.prevalence import prevalence_of, state_prevalence
from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_it_is_stated_on_the_page_and_shown_with_intervals(run, open_page):
    at = open_page("results", run=run.name)
    assert "per 1,000 patches (" not in words_of(at)
    at.number_input(key=f"prevalence_per_1000_{run.name}").set_value(20.0)
    at.button(key="prevalence_per_1000_run").click().run()
    assert not at.exception and prevalence_of(run).share == pytest.approx(0.02)
    assert "With 20 landslides per 1,000 patches" in words_of(at)
    at.button(key="prevalence_per_1000_clear").click().run()
    assert prevalence_of(run) is None and not at.exception


def test_threshold_and_safety_target_start_from_it(run, open_page):
    state_prevalence(run.dataset_path(), 0.02)
    at = open_page("results", run=run.name, results_view="threshold")
    assert not at.exception and any("at 20 per 1,000" in (m.delta or "") for m in at.metric)
    at = open_page("results", run=run.name, results_view="risk_control")
    assert at.slider(key="risk_control_limit_missed_per_1000").value == 2.0  # a tenth of the landslides there
    shares = [n.value for n in at.number_input if "risk_control_share" in (n.key or "")]
    assert shares == [20.0] and not at.exception


def test_a_damaged_statement_is_told_and_counts_as_none(run, open_page):
    (run.path / "prevalence.json").write_text("{}")
    at = open_page("results", run=run.name)
    assert not at.exception and any("State it again" in e.value for e in at.error)
