"""Every analysis there is, found by looking: a module of ``core.analyses`` with an ``ANALYSIS`` is one.

Modules named in the environment variable ``LANDSLIDE_ANALYSES`` (dotted names, comma-separated) are looked at too: a
site can add an analysis of its own without touching this code, and tests add made-up ones.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import cache

import core.analyses
from core.analyses.base import Analysis
from core.errors import ConfigError

MORE = "LANDSLIDE_ANALYSES"


def analyses() -> dict[str, Analysis]:
    """Every analysis by name, in alphabetical order."""
    return dict(_found(os.environ.get(MORE, "")))


def analysis(name: str) -> Analysis:
    """The analysis of that name. Raises ConfigError naming those there are."""
    known = _found(os.environ.get(MORE, ""))
    if name not in known:
        raise ConfigError(f"There is no analysis '{name}'. Known: {', '.join(known)}.")
    return known[name]


def title(name: str) -> str:
    """What people call it; the name itself for one that is not known here (a folder of a newer version)."""
    known = _found(os.environ.get(MORE, ""))
    return known[name].title if name in known else name


@cache
def _found(more: str) -> dict[str, Analysis]:
    packages = pkgutil.walk_packages(core.analyses.__path__, "core.analyses.")
    names = [module.name for module in packages if not module.ispkg]
    names += [name.strip() for name in more.split(",") if name.strip()]
    found = [getattr(importlib.import_module(name), "ANALYSIS", None) for name in names]
    return {one.name: one for one in sorted(filter(None, found), key=lambda one: one.name)}
