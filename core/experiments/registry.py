"""Every kind of experiment, found by looking: a module of ``core.experiments.kinds`` with a ``KIND`` is one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import core.experiments.kinds
from core.errors import ConfigError
from core.experiments.base import Kind


def kinds() -> dict[str, Kind]:
    """Every kind by name, in alphabetical order."""
    return dict(_found())


def kind(name: str) -> Kind:
    """The kind of that name. Raises ConfigError naming those there are."""
    if name not in (known := _found()):
        raise ConfigError(f"There is no experiment '{name}'. Known: {', '.join(known)}.")
    return known[name]


@cache
def _found() -> dict[str, Kind]:
    modules = pkgutil.walk_packages(core.experiments.kinds.__path__, "core.experiments.kinds.")
    found = [getattr(importlib.import_module(module.name), "KIND", None) for module in modules if not module.ispkg]
    return {one.name: one for one in sorted(filter(None, found), key=lambda one: one.name)}
