"""Jobs done by the test's own process: whoever waits for one starts no new Python, which loads torch for seconds."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from core.io import atomic
from core.jobs import claim, follow, processes
from core.jobs.analysis_folder import of_path
from core.jobs.rows import JobFolder
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
            do_job(of_path(started.pop(0)))

    def followed(checkpoints, folder):
        do()
        return lines(checkpoints, folder)

    with mock.patch.object(processes, "spawn", spawn), mock.patch.object(follow, "follow", followed):
        yield
        do()


def do_job(folder: JobFolder) -> int:
    """Do a job that was given its lane here and now, as its worker would; what that returns. In the main thread."""
    claim.release(folder.path)  # of whoever stood for the worker
    handler, rooted = signal.getsignal(signal.SIGTERM), len(atomic._rooted)
    try:
        with open(folder.path / "log.txt", "a", encoding="utf-8") as log:
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
                return job_worker.main(folder)
    finally:
        signal.signal(signal.SIGTERM, handler)  # the worker's own means "cancel"
        del atomic._rooted[rooted:]  # a worker ends; this process may see the folder removed and made again
