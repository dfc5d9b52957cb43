"""The sanity checks on the page: verdict and measurements, and what becomes of a check that waits."""

from __future__ import annotations

from core.analyses.attention import checks
from core.jobs import queue
from core.jobs.analysis_folder import list_for
from dashboard.explain.attention_checks import FINDING_WORDS, verdict_sentence
from tests.dashboard.explain.shown import figures, harmless, submit


def test_the_verdict_and_every_measurement_are_shown(explained_run, open_page):
    at = open_page("explain", explain_view="checks")
    harmless(at)
    report = checks.read(explained_run).report
    shown = " ".join(m.value for m in at.markdown)
    assert all(FINDING_WORDS[finding["name"]] in shown for finding in report["verdict"]["findings"])
    assert len(figures(at)) == 4 + 1 + 1 + 1 + 1 + 1  # curves, rivals, folds, random weights, masks, corners
    assert any(f"{report['n_tested']:,} patches labelled or predicted" in m.value for m in at.markdown)


def test_the_verdict_is_one_sentence_with_what_failed():
    findings = [
        {"name": "alive", "holds": True},
        {"name": "learnt", "holds": None},
        {"name": "on_masks", "holds": False},
    ]
    text = verdict_sentence(findings, "read these maps with care")
    assert text == (
        "**Read these maps with care**: 1 of 3 checks passed. Failed: they lie on the outlined landslides. "
        "Undecided: they depend on what was learnt."
    )


def test_a_reduced_check_says_so_and_the_full_one_keeps_layer_and_method(explained_run, studio, open_page):
    run = explained_run
    studio.busy_lane(run.dataset_path())
    at = open_page("explain", run=run.name, explain_view="checks")
    assert any("Patches tested: 12 instead of 100" in c.value.replace("\\", "") for c in at.caption)
    at.button(key="explain_full_attention_checks").click().run()
    assert not at.exception
    options = list_for(run, checks.ANALYSIS.name)[0].options()
    assert (options["patches"], options["seeds"], options["compared"]) == (100, 3, 20)
    assert options["layer"] == checks.read(run).report["options"]["layer"]


def test_a_check_that_waits_or_was_cancelled_is_shown_in_any_tab_and_leaves_the_results(
    explained_run, studio, open_page
):
    run = explained_run
    studio.busy_lane(run.dataset_path())
    before = checks.reports(run)
    job = queue.submit_analysis(run, checks.ANALYSIS.name, {"patches": 48})
    at = open_page("explain", run=run.name, explain_view="checks")
    harmless(at)
    at.button(key=f"job_cancel_{job.name}").click().run()
    assert not at.exception and job.status()["state"] == "cancelled"
    at = open_page("explain", run=run.name, explain_view="checks")  # as another tab, or after a reload
    assert any("cancelled" in w.value for w in at.warning) and checks.reports(run) == before
    at.button(key=f"job_clear_{job.name}").click().run()
    assert not at.exception and not at.warning
    assert not open_page("explain", run=run.name, explain_view="checks").warning


def test_the_form_asks_with_the_layer_and_method_that_were_chosen(explained_run, studio, open_page):
    run = explained_run
    studio.busy_lane(run.dataset_path())
    at = open_page("explain", timeout=90, run=run.name, explain_view="checks")
    at.toggle(key="explain_check_more").set_value(True).run()
    at.selectbox(key="explain_check_method").select("layercam").run()
    at.number_input(key="explain_checks_patches").set_value(30)
    submit(at, "Check these maps")
    options = list_for(run, checks.ANALYSIS.name)[0].options()
    assert (options["method"], options["patches"], options["layer"]) == ("layercam", 30, run.cams()[2]["layer"])
