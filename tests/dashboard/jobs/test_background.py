"""Work in the background says how far it is, stops when asked, and ends in a result or a sentence."""

from __future__ import annotations

import threading

import pytest

from core.data.readers.base import Progress
from core.errors import DataError
from dashboard.jobs import background


def ended(task: background.Task) -> background.Task:
    task.thread.join(20)
    assert not task.running and task.ended is not None
    return task


def test_a_result_and_the_last_progress_are_kept(tmp_path):
    def work(task):
        task.step(1, 4, "One of four.")
        task.step(4, 4, "Done.")
        return 42

    after = []
    task = ended(background.start(tmp_path, "a", "Counting", work, after=lambda: after.append(1)))
    assert (task.result, task.share, task.message, task.error, after) == (42, 1.0, "Done.", "", [1])
    assert background.newest(tmp_path, "a") is task and background.newest(tmp_path, "b") is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (DataError("Nothing to count."), "Nothing to count."),
        (OSError(28, "No space left on device", "/x"), "/x cannot be read or written: No space left"),
        (ZeroDivisionError("by zero"), "A fault in the program"),
    ],
)
def test_a_failure_is_a_sentence_and_tidying_up_still_happens(tmp_path, fault, words):
    def work(task):
        raise fault

    after = []
    task = ended(background.start(tmp_path, "a", "Counting", work, after=lambda: after.append(1)))
    assert words in task.error and task.result is None and after == [1]


def test_work_that_is_cancelled_stops_at_its_next_step_and_closes_what_it_was_reading(tmp_path):
    begun, go_on, closed = threading.Event(), threading.Event(), []

    def steps():
        try:
            for number in range(1000):
                yield Progress(number, 1000)
                begun.set()
                go_on.wait(20)
        finally:
            closed.append(1)

    task = background.start(tmp_path, "a", "Counting", lambda task: task.through(steps()))
    begun.wait(20)
    with pytest.raises(DataError, match="Counting is under way"):
        background.start(tmp_path, "a", "Counting", lambda task: None)
    task.stop.set()
    go_on.set()
    ended(task)
    assert task.cancelled and not task.error and closed == [1] and task.done <= 1


def test_the_time_left_follows_the_rate_so_far():
    task = background.Task("Counting")
    assert task.left_s is None
    task.step(5, 65, "files")  # taken up again: five were done before
    task.ended = task._phase[0] + 10.0
    assert task.left_s is None
    task.step(25, 65, "files")
    assert (task.rate, task.left_s, task.share) == (2.0, 20.0, pytest.approx(25 / 65))
