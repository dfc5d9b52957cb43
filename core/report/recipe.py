"""The one command that trains a run again: its preset, and every setting that is not the preset's."""

from __future__ import annotations

import json
import shlex
from typing import Any

from core.config import PRESETS, RunConfig, preset
from core.errors import ConfigError
from core.runs.registry.entry import flat


def overrides_of(config: RunConfig) -> tuple[str, list[str]]:
    """A preset and the ``section.key=value`` settings that give this very configuration.

    The preset that the run names where there is one of that name, otherwise the one that leaves least to be set. Raises
    ConfigError where no settings give it, as for one that this version cannot say any more.
    """
    names = (config.preset,) if config.preset in PRESETS else tuple(PRESETS)
    found = {name: _differing(config, preset(name)) for name in names}
    name = min(found, key=lambda one: len(found[one]))
    settings = [f"preset={config.preset}"] * (config.preset != name)
    settings += [f"{path}={_text(value)}" for path, value in found[name].items()]
    if preset(name).with_overrides(settings).hash() != config.hash():
        raise ConfigError("The settings of this run cannot be written as a preset with overrides in this version.")
    return name, settings


def command_of(config: RunConfig, dataset: str) -> str:
    """The command as it is typed into a shell. dataset: the file's name. Raises as :func:`overrides_of`."""
    name, settings = overrides_of(config)
    words = ["python", "-m", "core", "train", dataset, "--preset", name]
    lines = [shlex.join(words), *(f"--set {shlex.quote(one)}" for one in settings)]
    return " \\\n    ".join(lines)


def _differing(config: RunConfig, usual: RunConfig) -> dict[str, Any]:
    theirs = flat(usual)
    return {path: value for path, value in flat(config).items() if value != theirs[path]}


def _text(value: Any) -> str:
    """A value as ``--set`` reads it: JSON, or plain text where that is no JSON and no word with a meaning."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return json.dumps(value) if value.lower() in ("none", "true", "false") or value != value.strip() else value
    return json.dumps(value)
