"""Any grid: every combination of the values that some settings take."""

from __future__ import annotations

import itertools
import json

from core.config import RunConfig
from core.errors import ConfigError
from core.experiments.base import Asked, Kind, Row

MOST = 64


def values_of(item: str) -> tuple[str, list[str]]:
    """A setting and its values, from ``section.key=a,b`` or ``section.key=[[1],[1,2]]`` (a JSON list of values).

    Raises ConfigError where fewer than two values are given.
    """
    name, separator, text = item.partition("=")
    text = text.strip()
    try:
        listed = json.loads(text) if text.startswith("[") else None
    except ValueError:
        listed = None
    values = [json.dumps(one) for one in listed] if isinstance(listed, list) else text.split(",")
    values = [value.strip() for value in values if value.strip()]
    if not separator or len(values) < 2:
        raise ConfigError(
            f"'{item}' names no values to compare. Write section.key=a,b, for example train.lr=0.001,0.003."
        )
    return name.strip(), values


def rows(asked: Asked) -> list[Row]:
    """Every combination, the first values first. Raises ConfigError for none, too many, and unknown settings."""
    varied = [values_of(item) for item in asked.vary]
    if not varied:
        raise ConfigError("The experiment grid needs something to vary: --vary train.lr=0.001,0.003")
    combinations = list(itertools.product(*(values for _, values in varied)))
    if len(combinations) > MOST:
        raise ConfigError(f"That grid has {len(combinations)} rows; {MOST} are the most. Vary less at once.")
    base: RunConfig = asked.base("small")
    found = []
    for values in combinations:
        settings = [f"{name}={value}" for (name, _), value in zip(varied, values, strict=True)]
        words = ", ".join(f"{name.rpartition('.')[2]} {value}" for (name, _), value in zip(varied, values, strict=True))
        facts = dict(zip((name for name, _ in varied), values, strict=True))
        found.append(Row(",".join(settings), words, base.with_overrides(settings), facts=facts))
    return found


KIND = Kind(
    name="grid",
    title="Grid of settings",
    summary="Every combination of the values that you name; the first is the baseline.",
    rows=rows,
    needs="vary",
)
