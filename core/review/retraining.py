"""The same training with other labels: its settings, and the runs that were made of them."""

from __future__ import annotations

from collections.abc import Iterable

from core.config import RunConfig
from core.errors import LandslideLensError
from core.runs.store import RunFolder


def with_version(config: RunConfig, labels: str | None) -> RunConfig:
    """The same settings with this version of the labels (its whole name); None for those of the file."""
    return config.model_copy(update={"data": config.data.model_copy(update={"labels": labels})})


def trained_with(run: RunFolder, labels: str | None, runs: Iterable[RunFolder]) -> RunFolder | None:
    """The run among ``runs`` that differs from this one by its labels alone: a finished one before others.

    runs: of the same dataset, the newest first. Those that failed or were cancelled do not count.
    """
    wanted, waiting = with_version(run.config(), labels), None
    for other in runs:
        try:
            if other.name == run.name or other.config() != wanted:
                continue
            state = other.status()["state"]
        except (LandslideLensError, OSError, KeyError, TypeError):
            continue  # a damaged folder is no training of anything
        if state == "succeeded":
            return other
        if state in ("queued", "running") and waiting is None:
            waiting = other
    return waiting
