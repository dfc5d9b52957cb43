"""What follows a job when it has succeeded: a plan in its folder (``queue.THEN``), carried out once by its worker.

Nothing waits in between, and a job that was tried again keeps its plan. Whoever queues a job with ``then`` names a plan
of :data:`PLANS`; what the plan holds beside its name is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import ConfigError, LandslideLensError
from core.io.atomic import remove
from core.io.plain_file import is_plain
from core.jobs import demo, queue
from core.jobs.rows import JobFolder
from core.runs.plain_files import read_json

# Name -> what queues the next jobs of it, from the checkpoints folder and the plan; raises LandslideLensError.
PLANS: Mapping[str, Callable[[Path, Mapping[str, Any]], Any]] = {demo.PLAN: demo.go_on}


def go_on(folder: JobFolder, tell: Callable[[str], Any] = print) -> None:
    """Queue what comes after this job, if anything does; why not, where that cannot be. Never raises."""
    path = folder.path / queue.THEN
    try:
        if not is_plain(path):
            return
        try:
            plan = read_json(path)
            name = plan.get("plan") if isinstance(plan, Mapping) else None
            if not isinstance(name, str) or name not in PLANS:
                raise ConfigError(f"{queue.THEN} names no plan that is known ({', '.join(PLANS)}).")
            PLANS[name](folder.checkpoints, plan)
        finally:
            remove(path)  # while it is there, the rest is being queued
    except (LandslideLensError, OSError) as error:
        tell(f"What follows this job was not queued: {error}")
