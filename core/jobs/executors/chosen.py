"""The one place where it is chosen who does the parts of a job."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from core.jobs.executors import connection
from core.jobs.executors.ray_cluster import RayCluster
from core.jobs.executors.settings import settings_of
from core.jobs.rows import JobFolder
from core.parts import Executor, ThisProcess, done_by


@contextmanager
def executor_of(folder: JobFolder) -> Generator[Executor, None, None]:
    """Within it, the parts of this job are done where its settings say.

    Raises ConfigError for settings that cannot be used, MissingDependencyError where Ray is not installed.
    """
    settings = settings_of(folder)
    if settings.executor == "local":
        with done_by(chosen := ThisProcess()):
            yield chosen
        return
    connection.require()
    cluster = RayCluster(settings)
    try:
        with done_by(cluster):
            yield cluster
    finally:
        cluster.close()
