"""How frequent landslides are where the model is used, on the Results page: stated once, carried to every number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.runs.prevalence import Prevalence, prevalence_of, state_prevalence
from dashboard.results.prevalence import of_patches
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


def test_metrics_calibration_and_heads_say_what_they_become_there(run, open_page):
    state_prevalence(run, 0.02)
    at = open_page("results", run=run.name)
    table = next(one.value for one in at.dataframe if "Meaning" in one.value).set_index("Metric")["At 20 per 1,000"]
    assert table["Recall (sensitivity)"] == "the same" and "–" in table["Precision"] and table["Brier score"] == ""
    at = open_page("results", run=run.name, results_view="calibration")
    assert not at.exception and "With 20 per 1,000, 0.5 means **0.0" in words_of(at)
    at = open_page("results", run=run.name, results_view="heads")
    heads = next(one.value for one in at.dataframe if "Precision at 20 per 1,000" in one.value)
    assert not at.exception and heads["Precision at 20 per 1,000"].str.contains("–").all()


def test_another_datasets_decisions_are_restated_with_whole_groups(run, open_page):
    known = Prevalence(0.02, "run")
    table = pd.DataFrame({"label": np.tile([1, 1, 0, 0], 25), "pred": np.tile([1, 0, 0, 1], 25)})
    grouped = table.assign(group=np.repeat(np.arange(10).astype(str), 10))
    plain, wide = of_patches(table, known), of_patches(grouped, known)
    assert "**With 20 landslides per 1,000 patches** (here 500): precision 0.020" in plain and plain != wide


def test_a_damaged_statement_is_told_and_counts_as_none(run, open_page):
    (run.path / "prevalence.json").write_text("{}")
    at = open_page("results", run=run.name)
    assert not at.exception and any("State it again" in e.value for e in at.error)
