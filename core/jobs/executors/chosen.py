"""The one place where it is chosen who does the parts of a job."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from core.jobs.executors import connection
from core.jobs.executors.local_processes import LocalProcesses
from core.jobs.executors.ray_cluster import RayCluster
from core.jobs.executors.settings import JobsConfig, settings_of
from core.jobs.rows import JobFolder
from core.parts import Executor, ThisProcess, done_by


@contextmanager
def executor_of(folder: JobFolder) -> Generator[Executor, None, None]:
    """Within it, the parts of this job are done where its settings say.

    Raises ConfigError for settings that cannot be used, MissingDependencyError where Ray is not installed.
    """
    with started(settings_of(folder)) as chosen, done_by(chosen):
        yield chosen


@contextmanager
def started(settings: JobsConfig) -> Generator[Executor, None, None]:
    """Who does parts by these settings; what was started for it ends with it. Raises as :func:`executor_of`."""
    if settings.executor == "local":
        yield ThisProcess()
        return
    if settings.executor == "ray":
        connection.require()
    kind = {"processes": LocalProcesses, "ray": RayCluster}[settings.executor]
    several = kind(settings)
    try:
        yield several
    finally:
        several.close()
