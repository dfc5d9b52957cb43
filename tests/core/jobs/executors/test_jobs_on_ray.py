"""Whole jobs whose parts are done on a cluster of two nodes: the numbers are those of one process."""

import os
import time

import numpy as np
import psutil
import pytest

from core.io.safetensors_file import load_arrays
from core.jobs import queue
from core.jobs.analysis_folder import create
from core.pipeline import train_run
from core.progress import drain
from core.runs.store import list_runs
from tests.core.analyses.test_ablate import asking, target_in
from tests.core.analyses.test_scene import answered, digests, scene_file
from tests.core.jobs.executors.conftest import needs_ray
from tests.core.jobs.executors.whole_jobs import again, check_parts_of_two_folds, made, working

pytestmark = needs_ray
THREADS = os.environ.get("OMP_NUM_THREADS", "2")  # of the shared run: equal numbers need as many


def worker(folder, nodes, *said):
    """The process of a job whose parts are done on the cluster."""
    return working(folder, [*nodes.settings, *said])


def done(folder, nodes, *said):
    """The job, done to its end."""
    assert worker(folder, nodes, *said).wait(timeout=540) == 0, (folder.status(), folder.log())
    return folder


@pytest.mark.fault(29)
@pytest.mark.slow
def test_a_run_on_the_cluster_with_a_killed_worker_holds_the_very_numbers_of_one_process(nodes, trained_run, tmp_path):
    run = again(trained_run, tmp_path)
    process, killed = worker(run, nodes, f"cpus={THREADS}"), False
    while process.poll() is None:
        parts = [event for event in run.events()[0] if event.get("event") == "part"]
        if parts and not killed:
            psutil.Process(parts[0]["pid"]).kill()
            killed = True
        time.sleep(0.1)
    assert process.returncode == 0, (run.status(), run.log())
    check_parts_of_two_folds(run)
    assert nodes.token.read_text().strip() not in run.log() + (run.path / "events.jsonl").read_text()
    expected, found = made(trained_run), made(run)
    assert "fold_1/model.safetensors" in found and found.keys() <= expected.keys()
    assert [name for name in found if expected[name] != found[name]] == []


@pytest.mark.slow
def test_stripes_of_a_scene_answered_on_the_cluster_make_the_very_rasters_of_one_process(
    nodes, trained_run_copy, tmp_path
):
    run, scene = trained_run_copy, scene_file(tmp_path / "s.tif", shape=(120, 110))
    options = {"scene": str(scene), "stride": 1, "flips": False}
    answered(run, scene, tmp_path / "here" / "p.tif", stride=1, flips=False)
    folder = create(run, "scene", options | {"out": str(tmp_path / "there" / "p.tif")})
    done(folder, nodes, f"cpus={THREADS}")
    parts = {event["part"] for event in folder.events()[0] if event["event"] == "part"}
    assert len(parts) == 2 and all(part.startswith("Rows ") for part in parts)
    assert digests(tmp_path / "here" / "p.tif") == digests(tmp_path / "there" / "p.tif")


@pytest.mark.slow
def test_rows_of_an_experiment_are_trained_on_the_cluster_and_are_ordinary_runs(nodes, tmp_path):
    target = target_in(tmp_path)
    target.checkpoints.mkdir()
    folder = done(create(target, "ablate", asking()), nodes)
    assert [row["state"] for row in folder.result()["rows"]] == ["succeeded"] * 2
    events = [event for event in folder.events()[0] if event["event"] == "part"]
    assert len({event["pid"] for event in events}) == 2
    assert {run.status()["state"] for run in list_runs(target.checkpoints)} == {"succeeded"}
    assert all(job.state in ("succeeded", "queued") for job in queue.jobs(target.checkpoints) if not job.analysis)


@pytest.mark.slow
def test_a_fold_trained_by_two_workers_in_step_is_that_of_one_but_for_the_order_of_sums(nodes, trained_run, tmp_path):
    """With frozen batch normalisation and no dropout; what both change is said in docs/scaling.md."""
    settings = ("train.batch_norm=frozen", "model.drop_rate=0", "train.epochs=3", "explain.enabled=false",
                "folds.protocol=single", "folds.val_share=0.5")  # fmt: skip
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = again(trained_run, tmp_path / "one", *settings), again(trained_run, tmp_path / "two", *settings)
    drain(train_run(one))
    done(two, nodes, "workers_per_fold=2", "most=1")
    a, b = (load_arrays(run.fold_path(0) / "model.safetensors") for run in (one, two))
    assert all(np.allclose(a[name], b[name], rtol=1e-3, atol=1e-4) for name in a)
    assert not all(np.array_equal(a[name], b[name]) for name in a), "two workers shared the batches"
    seen = [run.epoch_answers(0)["log_odds"] for run in (one, two)]
    np.testing.assert_allclose(seen[0], seen[1], atol=0.02)
