"""The finished trainings of a run's recipe: the same settings on the same data, other seeds (``train --repeats``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import LandslideLensError
from core.runs.repeats import repeats_of, spread
from core.runs.store import RunFolder
from dashboard import state
from dashboard.results import predictions
from dashboard.results.predictions import Predictions
from dashboard.ui.formatting import number

ONCE = (
    "One training: what training again would change is not known. `train --repeats 3` trains the recipe with other "
    "seeds, and the spread is shown here."
)


def trainings_of(run: RunFolder) -> list[RunFolder]:
    """The run first, then the other trainings of its recipe; the run alone where they cannot be told."""
    try:
        return repeats_of(run, state.choice().runs)
    except LandslideLensError:
        return [run]


def values(trainings: Sequence[RunFolder], head: str, metric: str) -> list[float]:
    """A head's metric in each training; nothing where one lacks it or has it undefined."""
    found = [run.summary()["heads"].get(head, {}).get(metric) for run in trainings]
    return [] if any(value is None for value in found) else [float(value) for value in found]


def spread_of(run: RunFolder, head: str) -> dict[str, Any] | None:
    """``core.runs.repeats.spread`` of a head over the trainings of a run's recipe; None where it is not known."""
    trainings = trainings_of(run)
    try:
        return spread(trainings, head) if len(trainings) > 1 else None
    except (LandslideLensError, KeyError):
        return None


def spread_words(found: Sequence[float]) -> tuple[str, str]:
    """Standard deviation and range between trainings as text; empty of fewer than two."""
    if len(found) < 2:
        return "", ""
    return number(float(np.std(found, ddof=1)), 4), f"{number(min(found))}–{number(max(found))}"


def others_like(own: Predictions, trainings: Sequence[RunFolder]) -> list[Predictions]:
    """The same head's predictions of the same patches by the other trainings; those that lack it are left out."""
    found, ids = [], set(own.table["id"].astype(str))
    for run in trainings[1:]:
        try:
            one = predictions.of_run(run, run.summary(), run.oof(), own.head)
        except (LandslideLensError, KeyError):
            continue
        if set(one.table["id"].astype(str)) == ids:
            found.append(one)
    return found


def survives(patches: bool, trainings: Mapping[str, Any] | None) -> str:
    """Which of the two kinds of chance a difference survives, for people. trainings: its interval and p over them."""
    if trainings is None or not trainings["p"] == trainings["p"]:  # nan: not known
        return "It survives other patches; other trainings are not known." if patches else ""
    again = trainings["p"] < 0.05
    words = {
        (True, True): "It survives other patches and other trainings.",
        (True, False): "It survives other patches alone, not training again.",
        (False, True): "It survives other trainings alone, not other patches.",
        (False, False): "It survives neither other patches nor other trainings.",
    }
    return words[patches, again]
