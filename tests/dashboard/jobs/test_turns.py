"""A job's turn, the whole queue, and the notice when a job has ended, on the pages."""

import pytest

from core.analyses.registry import title
from core.jobs import order, queue, turns
from dashboard.jobs import turn_menu


@pytest.fixture
def waiting(studio):
    """A finished run, and two jobs of it that wait while another has the lane."""
    run = studio.add_run(studio.add_dataset())
    studio.busy_lane(run.dataset_path())
    jobs = [queue.submit_analysis(run, name) for name in ("band_importance", "heads")]
    yield jobs
    for job in jobs:
        if queue.job(studio.checkpoints, job.name).state in queue.ACTIVE:
            queue.cancel(studio.checkpoints, job.name)


def places(studio, jobs):
    return [queue.job(studio.checkpoints, job.name).place for job in jobs]


def test_a_waiting_job_is_put_first_paused_and_let_go_on(studio, waiting, open_page):
    at = open_page("overview")
    at.menu_button(key=f"turn_{waiting[1].name}").click(turn_menu.FIRST).run()
    assert not at.exception and places(studio, waiting) == [2, 1]
    at.menu_button(key=f"turn_{waiting[1].name}").click(turn_menu.PAUSE).run()
    assert not at.exception and any("Paused" in p.text for p in at.get("progress"))
    at.menu_button(key=f"turn_{waiting[1].name}").click(turn_menu.GO_ON).run()
    assert not at.exception and queue.job(studio.checkpoints, waiting[1].name).blocked == ""


def test_a_job_waits_for_another_that_the_menu_names_by_its_title(studio, waiting, open_page):
    at = open_page("overview")
    menu = at.menu_button(key=f"turn_{waiting[0].name}")
    other = next(words for words in menu.options if words.startswith(f"Start after: {title('heads')}"))
    menu.click(other).run()
    assert not at.exception and turns.turn_of(waiting[0]).after == (waiting[1].name,)
    assert any("Waits until" in p.text and "/" not in p.text for p in at.get("progress"))


def test_the_whole_queue_is_paused_and_says_so(studio, waiting, open_page):
    at = open_page("overview")
    at.button(key="queue_pause").click().run()
    assert not at.exception and turns.orders(studio.checkpoints).paused
    assert any("queue is paused" in w.value for w in at.warning)
    at.button(key="queue_go_on_line").click().run()
    assert not turns.orders(studio.checkpoints).paused and not any("queue is paused" in w.value for w in at.warning)


def test_an_address_is_kept_and_a_bad_one_is_refused(studio, waiting, open_page):
    at = open_page("overview")
    at.text_input(key="queue_address").set_value("not an address")
    at.button(key="queue_save").click().run()
    assert at.error and "names a host" in at.error[0].value and turns.orders(studio.checkpoints).webhook == ""
    at.text_input(key="queue_address").set_value("https://x.example/h")
    at.button(key="queue_save").click().run()
    assert not at.error and turns.orders(studio.checkpoints).webhook == "https://x.example/h"


def test_a_training_is_paused_where_it_is_followed(studio, open_page):
    run = studio.add_run(studio.add_dataset(), "queued")
    studio.hold_lane(run)
    at = open_page("train", run=run.name, train_view="follow")
    at.button(key="job_pause").click().run()
    assert not at.exception and turns.turn_of(run).held
    at.button(key="job_go_on").click().run()
    assert not at.exception and not turns.turn_of(run).held


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_every_page_tells_when_a_job_has_ended(studio, waiting, open_page, state):
    at = open_page("dataset")
    assert any(b.key == "sidebar_jobs" and "2 waiting" in b.label for b in at.button)
    queue.finish(waiting[0], state, error="No room." if state == "failed" else None)
    at.run()
    words = "done" if state == "succeeded" else "No room"
    assert any("Band importance" in t.value and words in t.value for t in at.toast)
    at.run()
    assert not any("Band importance" in t.value for t in at.toast)


def test_what_was_cancelled_is_not_announced(studio, waiting, open_page):
    at = open_page("dataset")
    queue.cancel(studio.checkpoints, waiting[0].name)
    assert not at.run().toast
    order.pause_queue(studio.checkpoints, paused=False)
