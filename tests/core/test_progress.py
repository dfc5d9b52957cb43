"""The one record of progress, and the one way to go through it."""

import pytest

from core.progress import Clock, Progress, drain, part


def steps(closed):
    try:
        for share in (0.0, 0.5, 1.0):
            yield Progress(share, f"At {share}.")
        return "done"
    finally:
        closed.append(True)


def test_draining_tells_every_step_and_returns_the_result():
    told, closed = [], []
    assert drain(steps(closed), told.append) == "done"
    assert [step.share for step in told] == [0.0, 0.5, 1.0] and closed == [True]


def test_whoever_is_told_can_end_the_work_and_the_generator_is_closed():
    def enough(step):
        if step.share:
            raise KeyboardInterrupt

    closed = []
    with pytest.raises(KeyboardInterrupt):
        drain(steps(closed), enough)
    assert closed == [True]


def test_a_part_of_something_longer_keeps_messages_and_result():
    told = []

    def whole():
        result = yield from part(steps([]), 0.2, 0.6)
        return result.upper()

    assert drain(whole(), told.append) == "DONE"
    assert [step.share for step in told] == pytest.approx([0.2, 0.4, 0.6])
    assert told[1].message == "At 0.5."


def test_time_left_follows_from_the_share_done_since_the_first_report(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("core.progress.time.monotonic", lambda: now[0])
    clock = Clock()
    assert clock.times(0.4) == (0.0, None), "nothing is known yet, resumed or not"
    now[0] = 130.0
    elapsed, left = clock.times(0.7)
    assert elapsed == 30.0 and left == pytest.approx(30.0)
    now[0] = 131.0
    assert clock.times(0.402)[1] is None, "too little is done to judge by"
