"""What tells runs apart: their settings against each other's or their preset's, and what their seeds spread."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from core.config import PRESETS, preset
from core.runs.registry.entry import Entry, defaults, flat

ASIDE = frozenset({"device", "precision"})  # where it was computed, not what


def from_preset(entry: Entry) -> dict[str, Any]:
    """The settings that are not those of the run's preset; of a preset that is not known, those of no preset."""
    usual = _of_preset(entry.preset)
    paths = [*entry.settings, *(path for path in usual if path not in entry.settings)]
    now = {path: entry.settings.get(path, defaults().get(path)) for path in paths}
    return {
        path: value for path, value in now.items()
        if path not in ASIDE and value != usual.get(path, defaults().get(path))
    }  # fmt: skip


def from_others(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """For each run the settings in which it is not like most of the others; those first that few share."""
    known = [entry for entry in entries if entry.preset]  # a damaged one has no settings at all
    counted = {path: Counter(_key(one, path) for one in known) for path in {p for one in known for p in one.settings}}
    usual = {
        path: counts.most_common(1)[0] for path, counts in counted.items() if len(counts) > 1 and path not in ASIDE
    }
    paths = sorted(usual, key=lambda path: (usual[path][1], path))
    return [
        {
            path: entry.settings.get(path, defaults().get(path))
            for path in paths
            if entry.preset and _key(entry, path) != usual[path][0]
        }
        for entry in entries
    ]


def in_words(settings: Mapping[str, Any], most: int = 6) -> str:
    """Settings in a line: "epochs 25, backbone resnet18"; a name that two sections have keeps its section."""
    leaves = Counter(path.rpartition(".")[2] for path in settings)
    parts = []
    for path, value in list(settings.items())[:most]:
        leaf = path.rpartition(".")[2]
        parts.append(f"{leaf if leaves[leaf] == 1 else path} {_value(value)}")
    more = f", {len(settings) - most} more" if len(settings) > most else ""
    return ", ".join(parts) + more


def seed_spread(entries: Sequence[Entry]) -> dict[str, tuple[int, float]]:
    """Name of a run -> how many trainings its recipe has, and the standard deviation of their F1; of two or more."""
    groups: dict[str, dict[tuple, float]] = {}
    for entry in entries:
        if entry.recipe and entry.f1 is not None:
            seeds = (entry.seed, entry.fold_seed)
            groups.setdefault(entry.recipe, {}).setdefault(seeds, entry.f1)  # the same training twice says nothing new
    spreads = {recipe: (len(own), statistics.stdev(own.values())) for recipe, own in groups.items() if len(own) > 1}
    return {entry.name: spreads[entry.recipe] for entry in entries if entry.recipe in spreads and entry.f1 is not None}


def _key(entry: Entry, path: str) -> object:
    value = entry.settings.get(path, defaults().get(path))
    return (type(value), value) if isinstance(value, str | int | float | bool | None) else repr(value)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


@cache
def _of_preset(name: str) -> dict[str, Any]:
    """The preset's settings that are not the defaults."""
    found = flat(preset(name)) if name in PRESETS else {}
    return {path: value for path, value in found.items() if value != defaults().get(path)}
