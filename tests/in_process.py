"""Jobs done by the test's own process: a command that queues a job and follows it starts no new Python."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from core.jobs import follow, processes
from core.jobs.analysis_folder import of_path
from core.workers import job_worker


@contextlib.contextmanager
def jobs_in_this_process() -> Iterator[None]:
    """Within it a started job waits until a command follows one, and is then done here, as its worker would do it.

    What was started and never followed (``--detach``) is done at the end.
    """
    started: list[Path] = []
    lines = follow.follow

    def spawn(arguments, log, environment=None):
        assert arguments[1] == "core.workers.job_worker", arguments
        started.append(Path(arguments[-1]))
        return processes.identify(os.getpid())

    def do() -> None:
        while started:
            folder = of_path(started.pop(0))
            with open(folder.path / "log.txt", "a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
                job_worker.main(folder)

    def followed(checkpoints, folder):
        do()
        return lines(checkpoints, folder)

    handler = signal.getsignal(signal.SIGTERM)  # the worker's own means "cancel"
    try:
        with mock.patch.object(processes, "spawn", spawn), mock.patch.object(follow, "follow", followed):
            yield
            do()
    finally:
        signal.signal(signal.SIGTERM, handler)
