"""Explain as a page: its views, and the jobs that are followed in each."""

from __future__ import annotations

import pytest

from core.jobs import queue
from core.jobs.analysis_folder import create
from tests.dashboard.explain.shown import labels

VIEWS = {
    "attention_maps": "where",
    "attention_checks": "checks",
    "band_importance": "bands",
    "robustness": "robustness",
}
BUTTONS = {
    "attention_checks": "Run the checks",
    "band_importance": "Measure band importance",
    "robustness": "Test robustness",
}


@pytest.mark.parametrize(("name", "button"), BUTTONS.items())
def test_what_was_not_computed_yet_is_a_sentence_and_a_button(run, open_page, name, button):
    at = open_page("explain", explain_view=VIEWS[name])
    assert not at.exception and not at.error
    assert button in labels(at)


@pytest.mark.parametrize("view", VIEWS.values())
@pytest.mark.parametrize("stage", ["running", "failed"])
def test_before_a_run_has_finished_every_view_says_how_it_stands(studio, open_page, stage, view):
    studio.add_run(studio.add_dataset(), stage)
    at = open_page("explain", explain_view=view)
    assert not at.exception
    assert any("training" in s.value or "failed" in s.value for s in at.header)


def test_a_view_that_does_not_exist_gives_the_first(run, open_page):
    at = open_page("explain", explain_view="<b>", explain_of="../x")
    assert not at.exception and at.session_state["explain_view"] == "where"


@pytest.mark.parametrize(("name", "view"), VIEWS.items())
def test_a_job_under_way_is_shown_with_cancel_and_blocks_nothing(run, studio, open_page, name, view):
    studio.busy_lane(run.dataset_path())
    job = queue.submit_analysis(run, name)
    at = open_page("explain", run=run.name, explain_view=view)
    assert not at.exception
    at.button(key=f"job_cancel_{job.name}").click().run()
    assert not at.exception and job.status()["state"] == "cancelled"
    assert any("cancelled" in w.value for w in at.warning)


@pytest.mark.parametrize(("name", "button"), BUTTONS.items())
def test_a_job_that_failed_says_why_and_can_be_begun_again(run, open_page, name, button):
    job = create(run, name)
    job.write_status(state="failed", error="The dataset has changed <b>.")
    at = open_page("explain", explain_view=VIEWS[name])
    assert not at.exception
    assert "The dataset has changed" in at.error[0].value and "<b>" not in at.error[0].value.replace("\\<", "")
    assert f"job_again_{job.name}" in [b.key for b in at.button]
    assert button in labels(at)


def test_a_job_whose_process_died_is_told_and_can_be_tried_again(run, open_page):
    job = create(run, "attention_checks")
    job.write_status(state="interrupted", message="The process stopped unexpectedly.")
    at = open_page("explain", explain_view="checks")
    assert not at.exception and any("stopped unexpectedly" in w.value.replace("\\", "") for w in at.warning)
    assert f"job_again_{job.name}" in [b.key for b in at.button]


@pytest.mark.parametrize(("file", "view"), [("cam/maps.safetensors", "where"), ("occlusion.parquet", "bands")])
def test_what_is_missing_is_a_sentence(run, open_page, file, view):
    (run.path / file).unlink()
    at = open_page("explain", explain_view=view)
    assert not at.exception and at.error


@pytest.mark.parametrize(("name", "view"), VIEWS.items())
def test_a_damaged_result_is_a_sentence(explained_run, open_page, name, view):
    for report in (explained_run.path / "analyses" / name).rglob("report.json"):
        report.write_text("{")
    at = open_page("explain", explain_view=view)
    assert not at.exception and at.error
