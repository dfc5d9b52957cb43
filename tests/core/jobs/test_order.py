import os
import time

import pytest

from core.config import RunConfig
from core.errors import JobError, RunError
from core.jobs import forecast, lanes, order, processes, queue, rows, turns
from tests.command_line import core_json

CPU = RunConfig().with_overrides(["device=cpu"])


@pytest.fixture
def checkpoints(tmp_path):
    """A checkpoints folder whose CPU lane is held by this very test process, so that nothing is started."""
    with rows.transaction(tmp_path) as table:
        me = processes.identify(os.getpid())
        row = ("holder", "x", "x", "cpu", "running", me.pid, me.started, time.time())
        table.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return tmp_path


@pytest.fixture
def three(checkpoints, tiny_dataset):
    return [queue.submit(checkpoints, tiny_dataset, CPU.with_overrides([f"train.lr={lr}"])) for lr in (0.1, 0.2, 0.3)]


@pytest.fixture
def started(monkeypatch):
    """Names of the jobs that get their turn, in that order, instead of their processes."""
    names = []

    def start(folder, slot):
        names.append(folder.name)
        folder.write_status(state="running", lane=slot)
        return processes.identify(os.getpid())

    monkeypatch.setattr(rows, "_start", start)
    return names


def free_the_lane(checkpoints):
    with rows.transaction(checkpoints) as table:
        table.execute("DELETE FROM jobs WHERE state = 'running'")
    rows.start_waiting(checkpoints)


def places(checkpoints, runs):
    return [queue.job(checkpoints, run.name).place for run in runs]


def test_first_goes_before_all_and_last_after_all(checkpoints, three):
    order.prioritise(checkpoints, three[2].name, "first")
    assert places(checkpoints, three) == [2, 3, 1]
    order.prioritise(checkpoints, three[0].name, "last")
    assert places(checkpoints, three) == [3, 2, 1]
    order.prioritise(checkpoints, three[0].name, "normal")
    order.prioritise(checkpoints, three[2].name, "normal")
    assert places(checkpoints, three) == [1, 2, 3]
    with pytest.raises(JobError, match="no priority 'now'"):
        order.prioritise(checkpoints, three[0].name, "now")


def test_a_paused_job_lets_the_next_one_go_until_it_goes_on(checkpoints, three, started):
    order.pause(checkpoints, three[0].name)
    assert queue.job(checkpoints, three[0].name).blocked == turns.HELD
    free_the_lane(checkpoints)
    assert started == [three[1].name]
    order.go_on(checkpoints, three[0].name)
    free_the_lane(checkpoints)
    assert started == [three[1].name, three[0].name]


def test_a_rebuilt_queue_keeps_what_people_said(checkpoints, three, started):
    order.pause(checkpoints, three[0].name)
    order.prioritise(checkpoints, three[2].name, "first")
    (checkpoints / "queue.sqlite").unlink()
    rows.start_waiting(checkpoints)
    assert started == [three[2].name]


def test_a_job_starts_after_the_one_it_waits_for_and_not_after_a_failure(checkpoints, three, started):
    order.start_after(checkpoints, three[0].name, [three[2].name])
    assert three[2].name in queue.job(checkpoints, three[0].name).blocked
    free_the_lane(checkpoints)
    assert started == [three[1].name]
    queue.finish(three[1], "succeeded")
    assert started == [three[1].name, three[2].name]
    queue.finish(three[2], "failed", error="x")
    assert started[2:] == [] and "which failed" in queue.job(checkpoints, three[0].name).blocked
    order.go_on(checkpoints, three[0].name)
    assert started[2:] == [three[0].name]


def test_what_it_waited_for_succeeded(checkpoints, three, started):
    order.start_after(checkpoints, three[0].name, [three[1].name])
    free_the_lane(checkpoints)
    queue.finish(three[1], "succeeded")
    assert started == [three[1].name, three[0].name]


def test_jobs_cannot_wait_in_a_circle_nor_for_what_has_failed(checkpoints, three):
    order.start_after(checkpoints, three[0].name, [three[1].name])
    order.start_after(checkpoints, three[1].name, [three[2].name])
    with pytest.raises(JobError, match="waits for it"):
        order.start_after(checkpoints, three[2].name, [three[0].name])
    with pytest.raises(RunError, match="no run 'nothing'"):
        order.start_after(checkpoints, three[2].name, ["nothing"])
    queue.cancel(checkpoints, three[1].name)
    with pytest.raises(JobError, match="cancelled"):
        order.start_after(checkpoints, three[2].name, [three[1].name])


def test_what_has_ended_has_no_turn(checkpoints, three):
    order.pause(checkpoints, three[0].name)
    queue.cancel(checkpoints, three[0].name)
    assert not (three[0].path / turns.TURN).exists()
    for ask in (order.pause, order.go_on, lambda *place: order.prioritise(*place, "first")):
        with pytest.raises(JobError, match="cancelled"):
            ask(checkpoints, three[0].name)
    assert queue.job(checkpoints, queue.resume(checkpoints, three[0].name).name).blocked == ""


def test_a_paused_queue_starts_nothing(checkpoints, three, started):
    order.pause_queue(checkpoints)
    free_the_lane(checkpoints)
    queue.jobs(checkpoints)
    assert started == []
    order.pause_queue(checkpoints, paused=False)
    assert started == [three[0].name]


@pytest.mark.parametrize("text", ["{", "[]", '{"priority": "x", "held": 1, "after": 3}', '{"priority": 99}'])
def test_a_strange_turn_says_nothing_harmful(three, text):
    (three[0].path / turns.TURN).write_text(text)
    turn = turns.turn_of(three[0])
    assert turn.priority in (-1, 0, 1) and not turn.held and turn.after == ()


# -------------------------------------------------------------------------------------------------- expected start


def test_a_start_is_expected_from_what_is_left_and_how_long_others_took(checkpoints, three):
    queue.cancel(checkpoints, three[2].name)
    with rows.transaction(checkpoints) as table:
        table.execute("UPDATE jobs SET name = ? WHERE name = 'holder'", (three[2].name,))
        kind, work = forecast.work_of(three[0])
        for seconds in (10.0, 30.0, 20.0):
            table.execute("INSERT INTO durations VALUES (?, ?, ?)", (kind, work, seconds))
    three[2].write_status(state="running", eta_s=5.0)
    assert queue.job(checkpoints, three[0].name).starts_s == pytest.approx(5.0)
    assert queue.job(checkpoints, three[1].name).starts_s == pytest.approx(25.0)  # behind the median of the three
    order.pause(checkpoints, three[0].name)
    assert queue.job(checkpoints, three[1].name).starts_s == pytest.approx(5.0)
    assert queue.job(checkpoints, three[0].name).starts_s is None
    three[2].write_status(eta_s=None, progress=0.0, elapsed_s=4.0)
    assert queue.job(checkpoints, three[1].name).starts_s == pytest.approx(16.0)


def test_where_no_job_of_a_kind_has_ended_no_start_is_known(checkpoints, three):
    assert [queue.job(checkpoints, run.name).starts_s for run in three] == [None] * 3


def test_how_long_a_job_took_is_kept_once_it_succeeded_in_one_go(checkpoints, three):
    for run, starts in zip(three, (1, 2, 1), strict=True):
        run.write_status(state="running", started="2026-01-01T00:00:00+00:00", starts=starts)
    for run, state in zip(three, ("succeeded", "succeeded", "failed"), strict=True):
        queue.finish(run, state)
    with rows.transaction(checkpoints) as table:
        assert [work for (work,) in table.execute("SELECT work FROM durations")] == [50.0 * 5]


# ------------------------------------------------------------------------------------------------------ several GPUs


def test_each_gpu_is_a_lane_of_its_own(checkpoints, three, started, monkeypatch):
    monkeypatch.setattr(lanes, "gpus", lambda: ["0", "1"])
    with rows.transaction(checkpoints) as table:
        table.execute("UPDATE jobs SET lane = 'accelerator' WHERE state = 'queued'")
    rows.start_waiting(checkpoints)
    assert started == [three[0].name, three[1].name]
    assert [run.status()["lane"] for run in three[:2]] == ["accelerator:0", "accelerator:1"]
    assert places(checkpoints, three) == [0, 0, 1]
    queue.finish(three[0], "succeeded")
    assert three[2].status()["lane"] == "accelerator:0"


def test_a_worker_sees_its_own_gpu_alone(monkeypatch):
    monkeypatch.setenv(lanes.VISIBLE, "3, GPU-7")
    assert lanes.slots(lanes.ACCELERATOR) == ["accelerator:3", "accelerator:GPU-7"]
    assert lanes.environment("accelerator:GPU-7") == {"CUDA_VISIBLE_DEVICES": "GPU-7"}
    monkeypatch.setenv(lanes.VISIBLE, "3")
    assert lanes.slots(lanes.ACCELERATOR) == ["accelerator"] and lanes.environment("accelerator") == {}
    assert lanes.slots(lanes.CPU) == ["cpu"]


# ------------------------------------------------------------------------------------------------- on the command line


def test_the_queue_on_the_command_line(checkpoints, three):
    def said(*arguments):
        return core_json("jobs", *arguments, "--checkpoints", checkpoints)

    name = three[1].name
    assert said("priority", name, "first") == {"run": name, "state": "queued", "blocked": "", "priority": 1}
    assert said("pause", name)["blocked"] == turns.HELD
    assert said("go-on", name)["blocked"] == ""
    assert three[2].name in said("after", name, three[2].name)["blocked"]
    assert said("pause") == {"paused": True}
    assert any("go-on" in note for note in said("list")["notes"])
    assert said("go-on") == {"paused": False}
