"""What the form of a new run holds when a button elsewhere opens it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from core.config import PRESETS, RunConfig
from core.config.preset_groups import group_of
from core.errors import LandslideLensError
from core.runs.labels import title_of
from core.runs.store import RunFolder
from dashboard import state
from dashboard.train import draft
from dashboard.train.config_form import PATHS
from dashboard.ui.messages import show_error


def prefill(overrides: str, preset_name: str | None = None) -> None:
    """The form of a new run, when it is next drawn, has these overrides: in this preset, or in whichever is chosen."""
    for name in PRESETS if preset_name is None else (preset_name,):
        draft.Draft(name).hold({}, overrides)
    if preset_name is not None:
        _choose(preset_name)


def prefill_labels(version: str) -> None:
    """The form of a new run, when it is next drawn, has this version of the labels beside what it held before."""
    for name in PRESETS:
        draft.Draft(name).hold_labels(version)


def duplicate(run: RunFolder) -> None:
    """Open Train -> New run with all settings of ``run``. Returns only where they cannot be read, and says why."""
    try:
        config = run.config()
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    fill(config, title_of(run))
    state.open_view("train", run=run.name, view="new")


def fill(config: RunConfig, title: str) -> None:
    """The form of a new run, when it is next drawn, has these settings, as a copy of what is called ``title``."""
    name, changes = settings_of(config)
    text = "\n".join(f"{path}={json.dumps(value)}" for path, value in changes.items() if path not in PATHS)
    draft.Draft(name).hold({path: value for path, value in changes.items() if path in PATHS}, text)
    draft.copy_of(title, name)
    _choose(name)


def settings_of(config: RunConfig) -> tuple[str, dict[str, Any]]:
    """The preset that a run was made from, or the nearest where it is not known, and the settings that differ."""
    names = (config.preset,) if config.preset in PRESETS else tuple(PRESETS)
    changes = {name: {path: now for path, (now, _) in draft.Draft(name).differing(config).items()} for name in names}
    nearest = min(changes, key=lambda name: len(changes[name]))
    return nearest, changes[nearest]


def _choose(preset_name: str) -> None:
    st.session_state[draft.GROUP], st.session_state[draft.PRESET] = group_of(preset_name), preset_name
