"""The Report page: empty, running, failed and finished; what is missing has a button."""

from __future__ import annotations

import pytest

from core.analyses.reports.report import ANALYSIS, NAME
from core.jobs.analysis_folder import list_for
from core.progress import drain
from tests.dashboard.predict.conftest import add_map, job_of

OPTIONS = ANALYSIS.options({}).model_dump(mode="json")


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def labels(at):
    return {button.label for button in at.button}


def test_before_the_first_one_a_button_makes_it(run, studio, open_page):
    at = open_page("report", run=run.name)
    assert not at.exception and at.title[0].value == "Report" and "Make the report" in labels(at)
    assert not list_for(run, NAME) and not (studio.checkpoints / "queue.sqlite").exists(), "looking writes nothing"


def test_while_it_is_made_and_when_it_fails_that_is_said(run, open_page):
    job = job_of(run, NAME, OPTIONS, "failed", error="The disk is full.")
    at = open_page("report", run=run.name)
    assert not at.exception and any("The disk is full" in one.value for one in at.error)
    job.write_status(state="running", progress=0.4, message="Scores: done.", pid=None)
    assert not open_page("report", run=run.name).exception


def test_a_finished_one_is_shown_with_what_it_lacks(run, open_page):
    drain(ANALYSIS.start(run, {}))
    at = open_page("report", run=run.name)
    assert not at.exception
    assert {"Make it again", "Compute novelty", "Compute dataset check"} <= labels(at)
    assert any("sections were not computed" in one.label for one in at.expander)
    frame = at.get("iframe")[0]
    assert "data:text/html" in str(frame.proto)


def test_a_scene_and_other_runs_are_asked_for_where_there_are_none(run, open_page):
    assert "Open Predict" in labels(open_page("report", run=run.name, report_view="scene"))
    assert "Train another" in labels(open_page("report", run=run.name, report_view="against"))


def test_a_scene_and_another_run_can_be_chosen(run, studio, open_page):
    add_map(run)
    at = open_page("report", run=run.name, report_view="scene")
    assert not at.exception and at.selectbox(key="report_scene").value == "after-1"
    studio.add_run(studio.checkpoints / "datasets" / "tiny.h5", "failed")
    assert "Train another" in labels(open_page("report", run=run.name, report_view="against"))
