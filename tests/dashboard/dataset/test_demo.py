"""The demo in one click: a job whose progress is shown, and which opens when it is done."""

from core.jobs import queue, rows
from core.jobs.analysis_folder import list_for
from core.runs.targets import CheckpointsTarget


def test_a_newcomer_gets_the_demo_with_one_click(studio, open_page):
    at = open_page("overview")
    at.button(key="empty_make_demo").click().run()
    assert not at.exception and at.title[0].value == "Dataset"
    (job,) = list_for(CheckpointsTarget(studio.checkpoints), "demo_dataset")
    assert job.status()["state"] in (*queue.ACTIVE, "succeeded")
    assert studio.answered(None, "demo_dataset")["state"] == "succeeded", job.log()
    at.run()
    assert not at.exception
    assert next(m.value for m in at.metric if m.label == "Patches") == "1,200", "it has opened"
    assert at.session_state["dataset_view"] == "facts"


def test_while_it_waits_its_progress_stands_in_place_of_the_empty_state(studio, open_page, monkeypatch):
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    queue.submit_analysis(CheckpointsTarget(studio.checkpoints), "demo_dataset")
    at = open_page("dataset")
    assert not at.exception and "empty_make_demo" not in {button.key for button in at.button}
    assert any("Demo dataset. It continues" in caption.value for caption in at.caption)
