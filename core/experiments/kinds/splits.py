"""The same network trained under four ways of splitting: random, grouped and block folds, and one region left out.

What is cheap of this, a classifier fitted anew under each way, is the analysis ``protocols``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.config import PRESETS, RunConfig, preset
from core.data.leakage.split_audit import cached_leaks
from core.data.regions.ways import BUFFER_M, GROUPED, NO_GROUPS, RANDOM, ways_of
from core.data.selection import select
from core.errors import ConfigError
from core.experiments.base import Asked, Kind, Row


def rows(asked: Asked) -> list[Row]:
    """A row for each way that is possible on this dataset. Raises ConfigError, saying why, where only one is."""
    base = asked.base("small")
    chosen = base.with_overrides(asked.settings)
    labels = select(asked.dataset, chosen.data, chosen.folds).labels
    buffer_m = chosen.folds.buffer_m or BUFFER_M
    ways = ways_of(asked.dataset, labels, chosen.folds, None, buffer_m, chosen.folds.block_km)
    missing = {way.title: way.missing for way in ways if way.folds is None}
    if asked.dataset.groups is None and not _has_pairs(asked):
        missing[next(way.title for way in ways if way.name == GROUPED)] = NO_GROUPS
    found = [
        Row(way.name, way.title, base.model_copy(update={"folds": way.folds}))
        for way in ways
        if way.folds is not None and way.title not in missing
    ]
    if len(found) < 2:
        reasons = " ".join(f"{title}: {reason}" for title, reason in missing.items())
        raise ConfigError(f"{asked.dataset.name} can be split in one way only. {reasons}")
    return found


def options_of(config: RunConfig) -> dict[str, Any]:
    """Options of the job ``ablate`` that train the settings of a run under every way."""
    name = config.preset if config.preset in PRESETS else "small"
    before, now = (_flat(one.model_dump(mode="json")) for one in (preset(name), config))
    changed = [f"{key}={json.dumps(now[key])}" for key in now if key != "preset" and now[key] != before.get(key)]
    return {"kind": KIND.name, "preset": name, "settings": "; ".join(changed)}


def _has_pairs(asked: Asked) -> bool:
    known = cached_leaks(asked.dataset)
    return known is not None and len(known.pairs) > 0


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Settings by their dotted names; what a user may name freely (arguments of networks) is one value."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{path}{key}"
        inside = isinstance(value, Mapping) and not path
        found |= _flat(value, f"{name}.") if inside else {name: value}
    return found


KIND = Kind(
    name="splits",
    title="Ways of splitting",
    summary="The same network with random, grouped and block folds, and with one region left out at a time: what a "
    "score is worth depends on how the patches were split. folds.region and folds.buffer_m choose column and buffer.",
    rows=rows,
    baseline=RANDOM,
    owns="folds.",
)
