"""A pydantic field as the widget that suits its type: bounds, choices and help come from the field itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import annotated_types as limits
import streamlit as st
from pydantic.fields import FieldInfo


def field_widget(
    label: str,
    field: FieldInfo,
    value: Any,
    key: str,
    choices: Sequence | None = None,
    accept_new: bool = False,
    placeholder: str = "none",
    titles: Mapping[Any, str] | None = None,
) -> Any:
    """Draw it, holding ``value`` at first; what it holds now.

    choices: what can be chosen where the type does not say it; accept_new: anything else can be written too. titles:
    what choices are called.
    """
    help_text = field.description
    if choices is not None:
        names = list(dict.fromkeys([value, *choices]))
        title = (lambda name: titles.get(name, name)) if titles else str
        return st.selectbox(label, names, format_func=title, help=help_text, key=key, accept_new_options=accept_new)
    if get_origin(field.annotation) is Literal:
        literal = get_args(field.annotation)
        return st.selectbox(label, literal, index=literal.index(value), help=help_text, key=key)
    if get_origin(field.annotation) is tuple:
        return _several(label, field, value, help_text, key)
    if isinstance(value, bool):
        return st.toggle(label, value, help=help_text, key=key)
    if str in (field.annotation, *get_args(field.annotation)):
        return st.text_input(label, value or "", help=help_text, key=key, placeholder=placeholder) or None
    return _number(label, field, value, help_text, key, placeholder)


def _several(label: str, field: FieldInfo, value: Any, help_text: str | None, key: str) -> tuple:
    """Several of a few names, or numbers and names with commas between."""
    item = get_args(field.annotation)[0]
    if get_origin(item) is Literal:
        names = list(get_args(item))
        return tuple(st.multiselect(label, names, list(value), help=help_text, key=key))
    text = st.text_input(label, ", ".join(map(str, value)), help=help_text, key=key)
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(label: str, field: FieldInfo, value: Any, help_text: str | None, key: str, placeholder: str) -> Any:
    whole = field.annotation is int or int in get_args(field.annotation)
    bounds = {type(item): item for item in field.metadata}
    low = bounds[limits.Ge].ge if limits.Ge in bounds else 0
    high = bounds[limits.Le].le if limits.Le in bounds else None
    if whole:
        return st.number_input(
            label, int(low), None if high is None else int(high), value, step=1, help=help_text, key=key,
            placeholder=placeholder,
        )  # fmt: skip
    small = value is not None and 0 < value < 0.01
    return st.number_input(
        label, float(low), None if high is None else float(high), value, step=1e-4 if small else 0.01,
        format="%.4g", help=help_text, key=key, placeholder=placeholder,
    )  # fmt: skip
