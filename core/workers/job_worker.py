"""The worker: ``python -m core.workers.job_worker FOLDER`` does one job in its own process and session.

It turns progress into ``status.json`` and ``events.jsonl``, and leaves a folder whose state says in plain words why,
if the job could not be done.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import LandslideLensError
from core.jobs import processes, queue
from core.jobs.analysis_folder import RESULT, AnalysisFolder, of_path
from core.progress import Clock, Progress, Steps, drain
from core.runs.store import FINAL_STATES, RunFolder
from core.text import one_line

TELL_S = 0.25  # between two writings of the status: many steps are short
IN_STATUS = ("stage", "fold", "n_folds", "epoch", "epochs")  # what of a step's fields belongs into the status


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
        text = f"The disk or a file stopped it: {one_line(error)}. Free some space or mend the path, then resume."
        traceback.print_exc()
        state, fields = "failed", {"error": text, "message": text}
    except Exception as error:
        traceback.print_exc()
        text = (
            f"A fault in the program stopped it ({type(error).__name__}: {one_line(error)}). log.txt has the details."
        )
        state, fields = "failed", {"error": text, "message": text}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is being written: no second thoughts
    queue.finish(folder, state, **fields)
    return {"succeeded": 0, "failed": 1}.get(state, 2)


def _work(folder: queue.JobFolder) -> dict[str, Any]:
    """Do the job's steps; what belongs into its final status."""
    me = processes.identify(os.getpid())
    folder.write_status(pid=me.pid, pid_started=me.started, message="Loading libraries.", error=None)
    again = any(event["event"] == "started" for event in folder.events()[0])
    folder.add_event("started", pid=os.getpid())
    if isinstance(folder, RunFolder):
        drain(_training(folder, again), _teller(folder))
        return {"stage": "done"}
    result = drain(_analysis(folder), _teller(folder))
    folder.write_json(RESULT, result)
    return {"message": result.get("message", "Done.")}


def _teller(folder: queue.JobFolder) -> Callable[[Progress], None]:
    """Writes a step where whoever watches reads it, at most four times a second unless something happened."""
    clock, written = Clock(), float("-inf")

    def tell(step: Progress) -> None:
        nonlocal written
        elapsed, left = clock.times(step.share)
        if step.event or time.monotonic() - written >= TELL_S:
            written = time.monotonic()
            status = {name: step.fields.get(name) for name in IN_STATUS}
            status |= {"progress": step.share, "message": step.message}
            folder.write_status(**status, eta_s=left, elapsed_s=elapsed, heartbeat=time.time())
        if step.event:
            folder.add_event(step.event, progress=step.share, **{"message": step.message, **step.fields})
            print(one_line(step.message), flush=True)

    return tell


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
    if asked.status()["state"] in FINAL_STATES:
        print(f"This job has ended. Use: python -m core jobs resume {asked.name}", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(asked))
