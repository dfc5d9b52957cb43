"""Robustness on the page: F1 by scenario and filling, the decisions that change, and the form."""

from __future__ import annotations

from core.analyses.bands import robustness
from core.jobs.analysis_folder import list_for
from tests.dashboard.explain.shown import figures, harmless, labels, submit


def test_f1_by_policy_and_the_decisions_that_change_are_shown(explained_run, open_page):
    at = open_page("explain", explain_view="robustness")
    harmless(at)
    assert any("With all bands intact, F1 is" in m.value.replace("\\", "") for m in at.markdown)
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
