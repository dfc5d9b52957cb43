"""The trials of a search as a table, for people and for a CSV file."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.experiments.search.record import NAMES, short_name, trials_of
from core.experiments.search.study import Trial
from core.text import duration, number

STATES = {"complete": "whole", "pruned": "stopped early", "failed": "failed", "running": "running"}


def shown(trials: list[Trial], metric: str, best: int | None) -> pd.DataFrame:
    """One line a trial, the best first, then by their scores; those without one come last."""
    order = sorted(trials, key=lambda one: (one.value is None, -(one.value or 0.0), one.number))
    return pd.DataFrame([_line(one, metric, best) for one in order])


def _line(one: Trial, metric: str, best: int | None) -> dict[str, Any]:
    title = str(one.number) if one.number else "0, as they are"
    line: dict[str, Any] = {
        "Trial": f"{title} (best)" if one.number == best else title,
        NAMES[metric]: number(one.value) if one.value is not None else None,
        "State": STATES[one.state],
        "After each fold": ", ".join(number(score) for score in one.folds) or None,
    }
    line |= {short_name(name): _word(value) for name, value in one.settings.items()}
    return line | {"Took": duration(one.seconds)}


def flat(record: dict[str, Any]) -> pd.DataFrame:
    """Every trial of every search, with all that is known of it."""
    lines = []
    for part in record["parts"]:
        for one in trials_of(part):
            line = {"search": part["number"] + 1, "trial": one.number, "state": one.state, "metric": record["metric"]}
            line |= {"value": one.value, "seconds": one.seconds, "reason": one.reason}
            line |= {f"after_fold_{i + 1}": score for i, score in enumerate(one.folds)}
            lines.append(line | {name: _word(value) for name, value in one.settings.items()})
    return pd.DataFrame(lines)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
