"""The worker: ``python -m core.workers.job_worker FOLDER`` does one job in its own process and session.

Comes in: a run folder with a configuration, or a study's folder inside a finished run. Goes out: the folder of a job
that has ended, whose state says in plain words why if it could not be done. It turns progress into ``status.json`` and
``events.jsonl``; it knows nothing of who is watching.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import LandslideLensError
from core.jobs import processes, queue
from core.jobs.analysis_folder import StudyFolder
from core.runs.store import FINAL_STATES, RunFolder

TELL_S = 0.25  # between two writings of the status: studies have many short steps


class Cancelled(BaseException):
    """Raised in the main thread by SIGTERM; not an Exception, so that no stage swallows it."""


def main(folder: queue.JobFolder) -> int:
    """Do the job. Returns the exit status: 0 done, 1 failed, 2 cancelled."""
    signal.signal(signal.SIGTERM, _raise_cancelled)
    state, fields = "succeeded", {"message": "Done.", "progress": 1.0, "eta_s": 0.0}
    try:
        fields |= _work(folder)
    except Cancelled:
        state, fields = "cancelled", {"message": "Cancelled."}
    except LandslideLensError as error:
        state, fields = "failed", {"error": str(error), "message": str(error)}
        print(error, flush=True)
    except MemoryError:
        text = "Memory ran out. Choose a smaller batch (train.batch_size) or a smaller backbone, then resume."
        state, fields = "failed", {"error": text, "message": text}
    except OSError as error:
        text = f"The disk or a file stopped it: {error}. Free some space or mend the path, then resume."
        traceback.print_exc()
        state, fields = "failed", {"error": text, "message": text}
    except Exception as error:
        traceback.print_exc()
        text = f"A fault in the program stopped it ({type(error).__name__}: {error}). log.txt has the details."
        state, fields = "failed", {"error": text, "message": text}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is being written: no second thoughts
    queue.finish(folder, state, **fields)
    return {"succeeded": 0, "failed": 1}.get(state, 2)


def _work(folder: queue.JobFolder) -> dict[str, Any]:
    """Go through the job's steps; what of the last one belongs into its final status."""
    me = processes.identify(os.getpid())
    folder.write_status(pid=me.pid, pid_started=me.started, message="Loading libraries.", error=None)
    steps = _study(folder) if isinstance(folder, StudyFolder) else _training(folder)
    began, first, told, step = time.monotonic(), None, 0.0, None
    for step in steps:
        if first is None:
            first = step.progress
        elapsed, done = time.monotonic() - began, step.progress - first
        if step.event or time.monotonic() - told >= TELL_S:
            told = time.monotonic()
            eta_s = elapsed * (1.0 - step.progress) / done if done > 0.005 else None
            folder.write_status(**step.status(), eta_s=eta_s, elapsed_s=elapsed, heartbeat=time.time())
        if step.event:
            folder.add_event(step.event, **step.record())
            print(step.message, flush=True)
    is_study = isinstance(folder, StudyFolder) and step is not None
    return {"message": step.message, "result": step.fields} if is_study else {}


def _training(run: RunFolder) -> Iterator[Any]:
    again = any(event["event"] == "started" for event in run.events()[0])
    run.add_event("started", pid=os.getpid())
    from core import pipeline  # after the state is told: torch takes seconds to load

    if again:
        step = pipeline.resume_point(run)
        run.add_event(step.event, **step.record())
        print(step.message, flush=True)
    yield from pipeline.train_run(run)


def _study(folder: StudyFolder) -> Iterator[Any]:
    from core.analyses import registry

    folder.add_event("started", pid=os.getpid())
    yield from registry.steps(folder.run, **folder.asked())


def _raise_cancelled(signum: int, frame: object) -> None:
    raise Cancelled


def _asked_for(path: Path) -> queue.JobFolder | None:
    """The job in this folder, or none."""
    if (path / "study.json").is_file():
        return StudyFolder(path)
    return RunFolder(path) if (path / "config.json").is_file() else None


if __name__ == "__main__":
    asked = _asked_for(Path(sys.argv[1]).resolve()) if len(sys.argv) == 2 else None
    if asked is None:
        print("Usage: python -m core.workers.job_worker FOLDER (of a run, or of a study in a run)", file=sys.stderr)
        raise SystemExit(2)
    if asked.status()["state"] in FINAL_STATES:
        print(f"This job has ended. Use: python -m core jobs resume {asked.name}", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(asked))
