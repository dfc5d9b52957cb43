"""What the form of a new run holds when a button elsewhere opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import BaseModel

from core.config import PRESETS, RunConfig, preset


def prefill(overrides: str, preset_name: str | None = None) -> None:
    """The form of a new run, when it is next drawn, has these overrides: in this preset, or in whichever is chosen."""
    for name in PRESETS if preset_name is None else (preset_name,):
        st.session_state[f"train_{name}_overrides"] = overrides
    if preset_name is not None:
        st.session_state["train_preset"] = preset_name


def settings_of(config: RunConfig) -> tuple[str, str]:
    """The preset that a run's settings are nearest to, and the overrides, one a line, that make the rest of them."""
    wanted = _flat(config.model_dump(mode="json"))
    changes = {}
    for name in PRESETS:
        of_preset = _flat(preset(name).model_dump(mode="json"))
        changes[name] = [f"{path}={json.dumps(wanted[path])}" for path in of_preset if wanted[path] != of_preset[path]]
    nearest = min(changes, key=lambda name: len(changes[name]))
    return nearest, "\n".join(changes[nearest])


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their path ("train.lr")."""
    found = {}
    for section, value in tree.items():
        is_section = isinstance(getattr(RunConfig(), section), BaseModel)
        found |= {f"{section}.{key}": v for key, v in value.items()} if is_section else {section: value}
    return found
