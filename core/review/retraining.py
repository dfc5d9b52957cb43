"""The same training with other labels: its settings, and the runs that were made of them."""

from __future__ import annotations

from collections.abc import Iterable

from core.config import RunConfig
from core.errors import LandslideLensError
from core.runs.store import RunFolder

_BETTER = ("succeeded", "running", "queued")  # states, the best first; those that ended without a result are last


def with_version(config: RunConfig, labels: str | None) -> RunConfig:
    """The same settings with this version of the labels (its whole name); None for those of the file."""
    return config.model_copy(update={"data": config.data.model_copy(update={"labels": labels})})


def trained_with(run: RunFolder, labels: str | None, runs: Iterable[RunFolder]) -> RunFolder | None:
    """The run among ``runs`` that differs from this one by its labels alone.

    runs: of the same dataset, the newest first. A finished one comes first, then one that is under way, then the newest
    that failed or was cancelled.
    """
    wanted, found = with_version(run.config(), labels), []
    for other in runs:
        try:
            if other.name != run.name and other.config() == wanted:
                found.append((other.status()["state"], other))
        except (LandslideLensError, OSError, KeyError, TypeError):
            continue  # a damaged folder is no training of anything
    rank = {state: place for place, state in enumerate(_BETTER)}
    return min(found, key=lambda pair: rank.get(pair[0], len(_BETTER)), default=(None, None))[1]
