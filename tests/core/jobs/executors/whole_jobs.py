"""Whole jobs in processes of their own, told where their parts are done, and what their runs hold."""

import subprocess
import sys

from core.runs.store import create_run, specification
from tests.core.jobs.executors.conftest import ROOT, own_environment
from tests.killed_jobs import _content

OF_WHERE = {"status.json", "events.jsonl", "log.txt", "job.json", "worker.json", "provenance.json", "jobs.json"}


def working(folder, said, **environment):
    """The process of a job. said: as LANDSLIDE_JOBS says it, a list."""
    own = own_environment() | {"LANDSLIDE_JOBS": " ".join(said)} | environment
    with (folder.path / "log.txt").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "core.workers.job_worker", str(folder.path.resolve())], cwd=ROOT, env=own,
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def again(run, home, *settings):
    """A new run of the same settings and patches, but for those given."""
    config, dataset = run.config().with_overrides(settings), run.dataset_path()
    return create_run(home, config, dataset, specification(dataset, config))


def made(run):
    """What a run's files hold, without what tells when and where."""
    files = [path for path in sorted(run.path.rglob("*")) if path.is_file() and path.name not in OF_WHERE]
    return {path.relative_to(run.path).as_posix(): _content(path) for path in files if "jobs" not in path.parts}


def check_parts_of_two_folds(run):
    """All were done elsewhere; one of the folds was lost on the way, and done again."""
    events = run.events()[0]
    begun = [event["part"] for event in events if event.get("event") == "part"]
    assert sorted(begun)[:2] == ["Explanations of fold 1", "Explanations of fold 2"]
    assert sorted(begun)[-1] == "Maps of all folds" and len(begun) == 6, begun
    assert "retried" in [event["event"] for event in events], "two folds, one of them twice"
