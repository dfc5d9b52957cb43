"""What the form of a new run holds: the settings that differ from its preset, kept while one looks elsewhere.

Streamlit forgets a widget that is not drawn, so each preset's changes are kept in the session by the settings' own
names. A new set of widgets (another dataset, a reset) gets new keys, which begin with what is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import BaseModel

from core.config import RunConfig, preset

GROUP, PRESET = "train_for", "train_preset"  # names in the URL as well
_CHANGES, _TEXTS, _COPIED = "train_changes", "train_texts", "train_copied"
_GENERATION, _DATASET = "train_generation", "train_form_of"
TEXT = "overrides"
VERSION = "data.labels"  # the version of the labels


class Draft:
    """The form's settings for one preset."""

    def __init__(self, name: str) -> None:
        self.name, self.base = name, preset(name)
        self.preset = flat(self.base)

    @property
    def changes(self) -> dict[str, Any]:
        """Setting -> its value (JSON), of those that were changed by a widget."""
        return st.session_state.setdefault(_CHANGES, {}).setdefault(self.name, {})

    @property
    def text(self) -> str:
        """Further settings as they were typed, one a line; they come last and win."""
        return st.session_state.setdefault(_TEXTS, {}).get(self.name, "")

    @text.setter
    def text(self, value: str) -> None:
        st.session_state.setdefault(_TEXTS, {})[self.name] = value

    def key(self, path: str) -> str:
        """Key of a setting's widget."""
        generation = st.session_state.get(_GENERATION, 0)
        return f"train_{self.name}_{path}" + (f"_{generation}" if generation else "")

    def value(self, path: str) -> Any:
        """What the setting was when it was last drawn: changed, or the preset's."""
        return self.changes.get(path, self.preset[path])

    def differs(self, path: str, value: Any) -> bool:
        """Whether a value is another than the preset's."""
        return _plain(value) != self.preset[path]

    def note(self, path: str, value: Any) -> None:
        """A widget holds this value now."""
        if self.differs(path, value):
            self.changes[path] = _plain(value)
        else:
            self.changes.pop(path, None)

    def config(self) -> RunConfig:
        """The complete settings. Raises ConfigError, in words, where they do not fit together."""
        written = [f"{path}={json.dumps(value)}" for path, value in self.changes.items()]
        return self.base.with_overrides([*written, *filter(None, map(str.strip, self.text.splitlines()))])

    def differing(self, config: RunConfig) -> dict[str, tuple[Any, Any]]:
        """Setting -> (its value, the preset's), of those that differ."""
        now = flat(config)
        return {path: (now[path], value) for path, value in self.preset.items() if now[path] != value}

    def reset(self) -> None:
        """Everything as the preset has it."""
        self.hold({}, "")
        st.session_state.pop(_COPIED, None)
        _new_widgets()

    def hold_labels(self, version: str) -> None:
        """This version of the labels, for when the form is next drawn; everything else stays as it was left."""
        self.changes[VERSION] = version
        self.text = "\n".join(line for line in self.text.splitlines() if line.partition("=")[0].strip() != VERSION)
        for path in (VERSION, TEXT):
            st.session_state.pop(self.key(path), None)

    def hold(self, changes: Mapping[str, Any], text: str) -> None:
        """These changes, for when the form is next drawn."""
        st.session_state.setdefault(_CHANGES, {})[self.name] = dict(changes)
        self.text = text
        for key in [key for key in st.session_state if str(key).startswith(f"train_{self.name}_")]:
            del st.session_state[key]


def begin(dataset: str) -> None:
    """Before the form is drawn: another dataset has other bands and groups, so its widgets are new."""
    if st.session_state.setdefault(_DATASET, dataset) != dataset:
        st.session_state[_DATASET] = dataset
        _new_widgets()


def copied(preset_name: str) -> str | None:
    """The title of the run that this preset's form was copied from."""
    title, name = st.session_state.get(_COPIED, (None, None))
    return title if name == preset_name else None


def copy_of(title: str, preset_name: str) -> None:
    """The form holds a copy of the settings of the run with this title."""
    st.session_state[_COPIED] = (title, preset_name)


def flat(config: RunConfig) -> dict[str, Any]:
    """Every setting by its path ("train.lr"), as JSON values."""
    found = {}
    for section, value in config.model_dump(mode="json").items():
        is_section = isinstance(getattr(config, section), BaseModel)
        found |= {f"{section}.{key}": v for key, v in value.items()} if is_section else {section: value}
    return found


def _new_widgets() -> None:
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
