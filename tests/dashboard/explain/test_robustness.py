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
    assert "costs most" in at.markdown[0].value or "No scenario lowers F1 measurably" in at.markdown[0].value
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
    assert "**SAR lost costs most**: F1 falls from 0.900 to 0.700, even" in text and "training mean" in text
    assert "95% interval of the loss: 0.100–0.300" in text and "1 of 2 scenarios cost nothing measurable" in text
    assert "No scenario lowers F1 measurably" in verdict(ROWS.iloc[:3])
    assert "no loss to compare it with" in verdict(ROWS.iloc[:1])


def test_a_fall_that_may_be_chance_and_undefined_scores_are_told_as_such():
    unsure = ROWS.assign(f1=[0.9, 0.2, 0.8, 0.7], diff_hi=[0.0, -0.6, -0.05, 0.02])
    assert "**F1 falls most with SAR lost**, from 0.900 to 0.700, but that loss may be chance" in verdict(unsure)
    assert "1 of 2 scenarios" in verdict(unsure)
    undefined = ROWS.assign(f1=[0.9, 0.2, 0.89, float("nan")])
    assert "undefined" not in verdict(undefined) and "Clouds" in verdict(undefined)
    assert "is undefined" in verdict(ROWS.assign(f1=float("nan")))


def test_a_reduced_test_says_so_and_the_full_one_is_a_click_away(explained_run, studio, open_page):
    run = explained_run
    studio.busy_lane(run.dataset_path())
    at = open_page("explain", run=run.name, explain_view="robustness")
    harmless(at)
    assert any("Quick version" in m.value for m in at.markdown)
    assert any("Cloud cover: 0" in c.value.replace("\\", "") and "instead of" in c.value for c in at.caption)
    at.button(key="explain_full_robustness").click().run()
    assert not at.exception
    assert list_for(run, robustness.ANALYSIS.name)[0].options()["coverages"] == [0.25, 0.5, 0.75]
    assert at.button(key="explain_full_robustness").disabled


def test_before_the_test_its_scenarios_are_those_of_the_bands(run, open_page):
    at = open_page("explain", explain_view="robustness")
    text = next(m.value for m in at.markdown if "The patches are damaged in" in m.value)
    assert "Clouds over" in text


def test_choices_stand_in_the_link(explained_run, open_page):
    at = open_page("explain", explain_view="robustness", explain_scenario="sar_lost", explain_policy="zero")
    harmless(at)
    assert at.selectbox(key="explain_scenario").value == "sar_lost"
    assert at.selectbox(key="explain_policy").value == "zero"
