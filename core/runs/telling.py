"""Writes down how far a job is, where whoever watches reads it."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.io.process_id import heartbeat
from core.progress import Clock, Progress
from core.runs.job_folder import JobFolder
from core.text import one_line

TELL_S = 0.25  # between two writings of the status: many steps are short
IN_STATUS = ("stage", "fold", "n_folds", "epoch", "epochs")  # what of a step's fields belongs into the status


def teller(folder: JobFolder, aloud: bool = True) -> Callable[[Progress], None]:
    """Writes a step into the job's folder, at most four times a second unless something happened.

    aloud: what happened is printed too.
    """
    clock, written = Clock(), float("-inf")

    def tell(step: Progress) -> None:
        nonlocal written
        elapsed, left = clock.times(step.share)
        if step.event or time.monotonic() - written >= TELL_S:
            written = time.monotonic()
            status = {name: step.fields.get(name) for name in IN_STATUS}
            status |= {"progress": step.share, "message": step.message}
            folder.write_status(**status, eta_s=left, elapsed_s=elapsed, heartbeat=heartbeat())
        if step.event:
            folder.add_event(step.event, progress=step.share, **{"message": step.message, **step.fields})
            if aloud:
                print(one_line(step.message), flush=True)

    return tell
