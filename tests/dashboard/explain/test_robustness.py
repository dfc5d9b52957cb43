"""Robustness on the page: F1 by scenario and filling, the decisions that change, and the form."""

from __future__ import annotations

import pandas as pd

from core.analyses.bands import robustness
from core.jobs.analysis_folder import list_for
from dashboard.explain.robustness import verdict
from tests.dashboard.explain.shown import figures, harmless, labels, submit


def test_f1_by_policy_and_the_decisions_that_change_are_shown(explained_run, open_page):
    at = open_page("explain", explain_view="robustness")
    harmless(at)
    assert "costs most" in at.markdown[0].value or "No loss lowers F1 measurably" in at.markdown[0].value
    at.selectbox(key="explain_scenario").select("sar_lost").run()
    at.selectbox(key="explain_policy").select("zero").run()
    harmless(at)
    rows = robustness.read(explained_run).report["rows"]
    row = next(r for r in rows if (r["scenario"], r["policy"]) == ("sar_lost", "zero"))
    text = f"{row['n_flipped']:,} of {row['n']:,} decisions change"
    assert any(text in c.value.replace("\n", " ") for c in at.caption)
    assert "Train such a run" in labels(at) and len(figures(at)) == 1


def test_the_form_is_that_of_the_options(explained_run, studio, open_page):
    run = explained_run
    studio.busy_lane(run.dataset_path())
    at = open_page("explain", run=run.name, explain_view="robustness")
    at.toggle(key="explain_robustness_more").set_value(True).run()
    at.text_input(key="explain_robustness_coverages").set_value("0.4, 2")
    submit(at, "Test robustness")
    assert "coverages" in at.error[0].value and not list_for(run, robustness.ANALYSIS.name)
    at.text_input(key="explain_robustness_coverages").set_value("0.4")
    submit(at, "Test robustness")
    assert list_for(run, robustness.ANALYSIS.name)[0].options()["coverages"] == [0.4]


ROWS = pd.DataFrame(
    [
        ("intact", "All", "as_is", 0.9, 0.0, 0.0, 0.0),
        ("cloud", "Clouds", "zero", 0.2, -0.7, -0.8, -0.6),
        ("cloud", "Clouds", "mean", 0.89, -0.01, -0.03, 0.01),
        ("sar", "SAR lost", "mean", 0.7, -0.2, -0.3, -0.1),
    ],
    columns=["scenario", "title", "policy", "f1", "difference", "diff_lo", "diff_hi"],
)


def test_the_sentence_takes_the_best_filling_of_each_loss():
    text = verdict(ROWS)
    assert "**SAR lost costs most**: F1 falls from 0.900 to 0.700 (by 0.200" in text and "training mean" in text
    assert "1 of 2 scenarios cost nothing measurable" in text
    assert "No loss lowers F1 measurably" in verdict(ROWS.iloc[:3])
    assert "nothing was taken away" in verdict(ROWS.iloc[:1])


def test_choices_stand_in_the_link(explained_run, open_page):
    at = open_page("explain", explain_view="robustness", explain_scenario="sar_lost", explain_policy="zero")
    harmless(at)
    assert at.selectbox(key="explain_scenario").value == "sar_lost"
    assert at.selectbox(key="explain_policy").value == "zero"
