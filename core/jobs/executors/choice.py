"""What people say about where jobs are done, and the sentence that tells it (``python -m core jobs executor``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core import access
from core.jobs.executors import connection
from core.jobs.executors.settings import FILE, JobsConfig, of_folder, split, with_settings, write

__all__ = ["choose", "of_folder", "sentence"]


def choose(checkpoints: Path, said: Mapping[str, Any], settings: Iterable[str]) -> None:
    """Keep it for all jobs of the checkpoints folder that start from now on.

    Raises ConfigError for settings that cannot be used, MissingDependencyError where Ray is not installed,
    AccessError for whoever may not manage the queue.
    """
    access.require("manage")
    _, more = split(settings)
    chosen = with_settings(JobsConfig(), dict(said) | more, FILE)
    if chosen.executor == "ray":
        connection.require()
    write(checkpoints, chosen.model_dump(exclude_defaults=True))


def sentence(config: JobsConfig) -> str:
    """Where jobs are done."""
    if config.executor == "local":
        return "Each job does its parts in its own process, one after the other."
    if config.executor == "processes":
        many = f"at most {config.most} processes" if config.most else "several processes"
        return f"Folds, rows of experiments and scenes are done by {many} of this machine, unless it has a GPU."
    where = f"the Ray cluster at {config.address}" if config.address else "a Ray cluster of this machine alone"
    each = f"{config.cpus} cores{f' and {config.gpus:g} GPUs' if config.gpus else ''}"
    return f"Folds, rows of experiments and scenes are done on {where}, each with {each}."
