"""What a page shows, in its URL: a link reopens the same view, and another page can lead to it.

Streamlit's own binding writes the words of an option; words change with counts and translations, so the values
themselves stand in the URL here. Values that do not exist are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st


def read_query_param(key: str, options: Sequence[str], default: str) -> None:
    """Before a choice is drawn, without a default of its own: it holds what a new link names, or what it held."""
    known = [value for value in _asked(key) if value in options]
    _hold(key, known[0] if known else None, default)


def read_query_params(key: str, options: Sequence[str], default: list[str]) -> None:
    """As :func:`read_query_param`, for a choice of several."""
    _hold(key, [value for value in _asked(key) if value in options] or None, default)


def read_query_number(key: str, low: float, high: float) -> None:
    """As :func:`read_query_param`, for a number from low to high, or none."""
    value = None
    for text in _asked(key)[:1]:
        try:
            value = float(text)
        except ValueError:
            continue
    _hold(key, value if value is not None and low <= value <= high else None, None)


def _hold(key: str, named: Any, default: Any) -> None:
    if named is not None:
        st.session_state[key] = named
    elif key not in st.session_state:
        st.session_state[key] = default


def write_query_param(key: str, value: Any, default: Any) -> None:
    """After it is drawn: the URL names its value, or nothing where that is the default."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    is_default = value is None or value == default
    texts = [] if is_default else [f"{v:.3f}" if isinstance(v, float) else str(v) for v in values]
    if texts != st.query_params.get_all(key):
        if texts:
            st.query_params[key] = texts
        else:
            st.query_params.pop(key, None)
    st.session_state[_seen(key)] = texts


def _asked(key: str) -> list[str]:
    """What the URL names under ``key``, where that is news."""
    asked = st.query_params.get_all(key)
    return asked if asked != st.session_state.get(_seen(key)) else []


def _seen(key: str) -> str:
    return f"link_{key}"
