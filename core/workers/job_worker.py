"""The worker: ``python -m core.workers.job_worker FOLDER`` does one job in its own process and session.

It turns progress into ``status.json`` and ``events.jsonl``, and leaves a folder whose state says in plain words why,
if the job could not be done.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from core.errors import ClusterError, LandslideLensError
from core.io import atomic
from core.io.free_space import is_full, need_room
from core.io.process_id import heartbeat, myself
from core.jobs import claim, queue, then
from core.jobs.analysis_folder import RESULT, AnalysisFolder, of_path
from core.jobs.executors.chosen import executor_of
from core.progress import Steps, drain
from core.runs.store import FINAL_STATES, RunFolder, now
from core.runs.telling import teller
from core.text import one_line


class Cancelled(BaseException):
    """Raised in the main thread by SIGTERM; not an Exception, so that no stage swallows it."""


def main(folder: queue.JobFolder) -> int:
    """Do the job. Returns the exit status: 0 done, 1 failed, 2 cancelled, 3 another process works on it."""
    signal.signal(signal.SIGTERM, _raise_cancelled)
    state = "succeeded"
    fields: dict[str, Any] = {"message": "Done.", "progress": 1.0, "eta_s": 0.0}
    try:
        if not claim.claim(folder.path, myself()):
            print(f"Another process works on '{folder.name}' already.", file=sys.stderr)
            return 3
        with executor_of(folder):
            fields |= _work(folder)
    except Cancelled:
        state, fields = "cancelled", {"message": "Cancelled."}
    except ClusterError as error:
        state, fields = "interrupted", {"message": str(error)}
        print(error, flush=True)
    except Exception as error:
        text = _reason(folder, error)
        state, fields = "failed", {"error": text, "message": text}
        print(text, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is being written: no second thoughts
    _finish(folder, state, fields)
    if state == "succeeded":
        then.go_on(folder, lambda text: print(text, flush=True))
    return {"succeeded": 0, "failed": 1}.get(state, 2)


def _reason(folder: queue.JobFolder, error: Exception) -> str:
    """Why it could not be done, as a sentence for the user; a fault of the program leaves its traceback in the log."""
    if not folder.path.is_dir():
        return (
            f"The folder of '{folder.name}' was deleted while it was worked on, so the work has ended. Start it anew."
        )
    if is_full(error):
        return f"The disk is full: {one_line(error)}. Free some space, then resume it; what was finished is kept."
    if isinstance(error, LandslideLensError):
        return str(error)
    if isinstance(error, MemoryError):
        return "Memory ran out. Choose a smaller batch (train.batch_size) or a smaller backbone, then resume."
    traceback.print_exc()
    if isinstance(error, OSError):
        return f"The disk or a file stopped it: {one_line(error)}. Free some space or mend the path, then resume."
    return f"A fault in the program stopped it ({type(error).__name__}: {one_line(error)}). log.txt has the details."


def _finish(folder: queue.JobFolder, state: str, fields: dict[str, Any]) -> None:
    """Record how it ended; on a disk without room for a new file, in the place of the old one."""
    try:
        claim.release(folder.path)
        queue.finish(folder, state, **fields)
    except (OSError, LandslideLensError) as error:
        print(error, flush=True)
        if is_full(error) or isinstance(error, OSError):
            folder.overwrite_status(state=state, finished=now(), **fields)


def _work(folder: queue.JobFolder) -> dict[str, Any]:
    """Do the job's steps; what belongs into its final status."""
    me = myself()
    atomic.work_in(folder.path)
    atomic.sweep(folder.path)
    folder.write_status(
        pid=me.pid, pid_started=me.started, heartbeat=heartbeat(), message="Loading libraries.", error=None
    )
    need_room(folder.path)
    starts = sum(event.get("event") == "started" for event in folder.events()[0])
    folder.write_status(starts=starts + 1)
    folder.add_event("started", pid=os.getpid())
    if isinstance(folder, RunFolder):
        drain(_training(folder, starts > 0), teller(folder))
        return {"stage": "done"}
    target = folder.target()
    if isinstance(target, RunFolder):
        atomic.work_in(target.path)
    atomic.sweep(target.results(folder.analysis()).path)
    result = drain(_analysis(folder), teller(folder))
    folder.write_json(RESULT, result)
    return {"message": result.get("message", "Done.")}


def _training(run: RunFolder, again: bool) -> Steps[None]:
    from core import pipeline  # after the state is told: torch takes seconds to load

    if again:
        yield pipeline.resume_point(run)
    yield from pipeline.train_run(run)


def _analysis(folder: AnalysisFolder) -> Steps[dict[str, Any]]:
    from core.analyses.registry import analysis

    return (yield from analysis(folder.analysis()).start(folder.target(), folder.options()))


def _raise_cancelled(signum: int, frame: object) -> None:
    raise Cancelled


if __name__ == "__main__":
    asked = of_path(Path(sys.argv[1]).resolve()) if len(sys.argv) == 2 else None
    if asked is None:
        print("Usage: python -m core.workers.job_worker FOLDER (of a run, or of one of its jobs)", file=sys.stderr)
        raise SystemExit(2)
    if asked.known_status()["state"] in FINAL_STATES and not asked.known_status().get("damaged"):
        print(f"This job has ended. Use: python -m core jobs resume {asked.name}", file=sys.stderr)
        raise SystemExit(2)
    code = main(asked)
    if "ray" in sys.modules:  # leaving a cluster that is gone in order would wait for it for minutes
        sys.stdout.flush()
        os._exit(code)
    raise SystemExit(code)
