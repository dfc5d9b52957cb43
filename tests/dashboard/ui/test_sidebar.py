"""The sidebar: runs by their titles, what can be done with one, and the head that every page shows."""

from __future__ import annotations

import pytest

from core.jobs import queue
from core.runs import labels

RUN, TITLE = "run", "run_title"


@pytest.fixture
def runs(studio):
    data = studio.add_dataset()
    return [studio.add_run(data), studio.add_run(data, "failed")]


def test_runs_are_listed_by_title_and_the_link_holds_the_folder(runs, open_page):
    labels.write_label(runs[0], title="First *try*", starred=True)
    at = open_page("overview", run=runs[0].name)
    picker = at.selectbox(key=TITLE)
    assert picker.value == runs[0].name and "★ First *try*" in picker.options
    picker.select(runs[1].name).run()
    assert not at.exception and at.session_state[RUN] == runs[1].name
    assert at.query_params[RUN] in (runs[1].name, [runs[1].name])


def test_an_archived_run_is_not_offered_unless_it_is_shown(runs, open_page):
    labels.write_label(runs[1], archived=True)
    at = open_page("overview", run=runs[0].name)
    assert len(at.selectbox(key=TITLE).options) == 1
    at = open_page("overview", run=runs[1].name)
    assert at.selectbox(key=TITLE).value == runs[1].name and len(at.selectbox(key=TITLE).options) == 2


def test_a_title_and_a_note_are_written_and_shown(runs, open_page):
    at = open_page("overview", run=runs[0].name)
    title = next(field for field in at.text_input if field.label == "Title")
    note = next(field for field in at.text_area if field.label == "Note")
    title.set_value("For the [report](x)")
    note.set_value("Seeds 1 to 3")
    next(button for button in at.button if button.label == "Save").click().run()
    assert not at.exception
    assert labels.title_of(runs[0]) == "For the [report](x)"
    assert "Seeds 1 to 3" in [caption.value for caption in at.caption]


def test_a_deleted_run_can_be_brought_back(runs, open_page):
    at = open_page("overview", run=runs[0].name)
    at.button(key="sidebar_run_delete").click().run()
    assert not at.exception and at.selectbox(key=TITLE).value == runs[1].name
    assert labels.deleted_runs(runs[0].checkpoints)
    at.button(key="undo_delete").click().run()
    assert not at.exception and at.selectbox(key=TITLE).value == runs[0].name
    assert not labels.deleted_runs(runs[0].checkpoints)


def test_a_run_that_is_running_cannot_be_deleted(studio, open_page):
    run = studio.add_run(studio.add_dataset(), "running")
    at = open_page("overview", run=run.name)
    assert at.button(key="sidebar_run_delete").disabled


@pytest.mark.parametrize("key", ["results_head", "errors_head", "explain_head", "explain_occ_head"])
def test_links_that_named_the_head_of_one_page_still_work(runs, open_page, key):
    at = open_page("overview", run=runs[0].name, **{key: "fc"})
    assert at.selectbox(key="head").value == "fc" and key not in at.query_params
    assert at.query_params["head"] in ("fc", ["fc"])


def test_a_head_that_the_run_does_not_have_gives_way_to_its_headline(runs, open_page):
    at = open_page("results", run=runs[0].name, head="<img>")
    assert not at.exception and at.selectbox(key="head").value == runs[0].summary()["head"]
    assert "head" not in at.query_params


def test_a_run_that_has_not_finished_has_no_head_to_choose(runs, open_page):
    at = open_page("overview", run=runs[1].name)
    assert not [box for box in at.selectbox if box.key == "head"]


def test_a_run_with_an_analysis_under_way_is_not_deleted(runs, studio, open_page):
    studio.busy_lane(runs[0].dataset_path())
    job = queue.submit_analysis(runs[0], "band_importance")
    at = open_page("overview", run=runs[0].name)
    at.button(key="sidebar_run_delete").click().run()
    assert not at.exception and any("Cancel it before deleting the run" in error.value for error in at.error)
    assert runs[0].path.exists() and not labels.deleted_runs(runs[0].checkpoints)
    queue.cancel(studio.checkpoints, job.name)
