"""The worker: ``python -m core.jobs.worker RUN_DIR`` does one run in its own process and session.

Comes in: a run folder with a configuration. Goes out: a finished folder, or one whose state says in plain words why
not. It turns the pipeline's progress into ``status.json`` and ``events.jsonl``; it knows nothing of who is watching.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path

from core.errors import LandslideLensError
from core.jobs import processes, queue
from core.runs.store import FINAL_STATES, RunFolder


class Cancelled(BaseException):
    """Raised in the main thread by SIGTERM; not an Exception, so that no stage swallows it."""


def main(run_dir: Path) -> int:
    """Do the run. Returns the exit status: 0 done, 1 failed, 2 cancelled."""
    run = RunFolder(run_dir.resolve())
    checkpoints = run.path.parent
    signal.signal(signal.SIGTERM, _raise_cancelled)
    state, fields = "succeeded", {"message": "Done.", "progress": 1.0, "eta_s": 0.0}
    try:
        _work(run)
    except Cancelled:
        state, fields = "cancelled", {"message": "Cancelled."}
    except LandslideLensError as error:
        state, fields = "failed", {"error": str(error), "message": str(error)}
        print(error, flush=True)
    except MemoryError:
        text = "Memory ran out. Choose a smaller batch (train.batch_size) or a smaller backbone, then resume."
        state, fields = "failed", {"error": text, "message": text}
    except OSError as error:
        text = f"The disk or a file stopped the run: {error}. Free some space or mend the path, then resume."
        traceback.print_exc()
        state, fields = "failed", {"error": text, "message": text}
    except Exception as error:
        traceback.print_exc()
        text = f"A fault in the program stopped the run ({type(error).__name__}: {error}). log.txt has the details."
        state, fields = "failed", {"error": text, "message": text}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is being written: no second thoughts
    queue.finish(checkpoints, run, state, **fields)
    return {"succeeded": 0, "failed": 1}.get(state, 2)


def _work(run: RunFolder) -> None:
    me = processes.identify(os.getpid())
    run.write_status(pid=me.pid, pid_started=me.started, message="Loading libraries.", error=None)
    again = any(event["event"] == "started" for event in run.events()[0])
    run.add_event("started", pid=me.pid)
    from core import pipeline  # after the state is told: torch takes seconds to load

    if again:
        step = pipeline.resume_point(run)
        run.add_event(step.event, **step.record())
        print(step.message, flush=True)

    began, first = time.monotonic(), None
    for step in pipeline.train_run(run):
        if first is None:
            first = step.progress
        elapsed, done = time.monotonic() - began, step.progress - first
        eta_s = elapsed * (1.0 - step.progress) / done if done > 0.005 else None
        run.write_status(**step.status(), eta_s=eta_s, elapsed_s=elapsed, heartbeat=time.time())
        if step.event:
            run.add_event(step.event, **step.record())
            print(step.message, flush=True)


def _raise_cancelled(signum: int, frame: object) -> None:
    raise Cancelled


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "config.json").is_file():
        print("Usage: python -m core.jobs.worker RUN_DIR (a folder with config.json and job.json)", file=sys.stderr)
        raise SystemExit(2)
    if RunFolder(Path(sys.argv[1])).status()["state"] in FINAL_STATES:
        print("This run has ended. Use: python -m core jobs resume RUN", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(Path(sys.argv[1])))
