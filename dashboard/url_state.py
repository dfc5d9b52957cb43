"""What a page shows, in its URL and in the session: a link reopens the same view, and so does coming back to a page.

Streamlit's own binding writes the words of an option; words change with counts and translations, so the values
themselves stand in the URL here. Values that do not exist are passed over. Streamlit forgets a widget that is not
drawn; what was chosen is kept beside it, and the default is never kept, so that another run has its own.

What is in a popover the browser draws when that is opened first, maybe after the page was drawn several times; a value
is sent to it only when it was set, so it is set anew each time there, or defaults would be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import streamlit as st

MOST_TEXT = 200

# ------------------------------------------------------------------------------------------------------- widgets


def choose(
    draw: Callable, label: str, options: Sequence, *, key: str, default: Any, kept_as: str | None = None, **look: Any
) -> Any:
    """One of ``options`` from the widget ``draw`` (st.selectbox, st.pills, st.segmented_control, st.radio).

    default: what is chosen at first; None for a widget that may hold nothing. kept_as: the name under which the choice
    is kept between pages, where several pages share one. look: what else the widget takes.
    """
    options = list(options)
    read_query_param(key, options, default, kept_as)
    if st.session_state[key] not in options:
        # Another run or dataset was chosen, which has no such thing; or a browser that is drawing the widget anew, on
        # which a choice stands always, has said None: what was chosen stays then.
        kept = st.session_state.get(_kept(kept_as or key))
        st.session_state[key] = kept if default is not None and kept in options else default
    value = draw(label, options, key=key, **look)
    write_query_param(key, value, default, kept_as)
    return value


def choose_several(
    draw: Callable, label: str, options: Sequence, *, key: str, default: Sequence = (), **look: Any
) -> list:
    """As :func:`choose`, for several of ``options`` (st.pills, st.multiselect)."""
    options, default = list(options), list(default)
    read_query_params(key, options, default)
    st.session_state[key] = [value for value in st.session_state[key] or () if value in options]
    value = draw(label, options, key=key, **look)
    write_query_param(key, value, default)
    return value


def number(
    label: str, low: float, high: float, default: float | None, *, key: str, kept_as: str | None = None, **look: Any
) -> float | None:
    """A number from low to high, or none where ``default`` is None; whole where the bounds are."""
    read_query_number(key, low, high, default, kept_as)
    value = st.number_input(label, low, high, key=key, **({"value": None} if default is None else {}), **look)
    write_query_param(key, value, default, kept_as)
    return value


def toggle(label: str, default: bool = False, *, key: str, **look: Any) -> bool:
    """On or off."""
    read_query_param(key, [True, False], default)
    value = st.toggle(label, key=key, **look)
    write_query_param(key, value, default)
    return value


def text(label: str, *, key: str, **look: Any) -> str:
    """What is typed, of at most ``MOST_TEXT`` characters."""
    read_query_text(key)
    value = st.text_input(label, key=key, max_chars=MOST_TEXT, **look)
    write_query_param(key, value, "")
    return value


def forget(*keys: str) -> None:
    """What was chosen under these names gives way to what a link names, or to the defaults."""
    for key in keys:
        for name in (key, _kept(key), _seen(key)):
            st.session_state.pop(name, None)


# ------------------------------------------------------------------------------------------ before and after a widget


def read_query_param(key: str, options: Collection, default: Any, kept_as: str | None = None) -> None:
    """Before a choice is drawn, without a default of its own: it holds what a new link names, or what it held."""
    known = _known(key, options)
    kept = st.session_state.get(_kept(kept_as or key))
    _hold(key, known[0] if known else None, kept if kept in options else default)


def read_query_params(key: str, options: Sequence, default: list) -> None:
    """As :func:`read_query_param`, for a choice of several."""
    kept = [value for value in st.session_state.get(_kept(key)) or () if value in options]
    _hold(key, _known(key, options) or None, kept if _kept(key) in st.session_state else default)


def read_query_number(
    key: str, low: float, high: float, default: float | None = None, kept_as: str | None = None
) -> None:
    """As :func:`read_query_param`, for a number from low to high, or none; whole where low is."""
    value = None
    for text in _asked(key)[:1]:
        try:
            value = type(low)(text)
        except ValueError:
            continue
    kept = st.session_state.get(_kept(kept_as or key))
    usable = isinstance(kept, int | float) and low <= kept <= high
    _hold(key, value if value is not None and low <= value <= high else None, kept if usable else default)


def read_query_text(key: str) -> str:
    """As :func:`read_query_param`, for text; what it holds now."""
    if asked := _asked(key):
        st.session_state[key] = asked[0][:MOST_TEXT]
    elif key not in st.session_state:
        st.session_state[key] = st.session_state.get(_kept(key), "")
    elif _in_popover():
        st.session_state[key] = st.session_state[key]
    return str(st.session_state[key] or "")


def _hold(key: str, named: Any, otherwise: Any) -> None:
    if named is not None:
        st.session_state[key] = named
    elif key not in st.session_state:
        st.session_state[key] = otherwise
    elif _in_popover():
        st.session_state[key] = st.session_state[key]


def _in_popover() -> bool:
    """Whether what is drawn next will be in a popover."""
    return "popover" in st._main._active_dg._ancestor_block_types


def write_query_param(key: str, value: Any, default: Any, kept_as: str | None = None) -> None:
    """After it is drawn: the URL names its value, or nothing where that is the default; the session keeps it."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    is_default = value is None or value == default
    texts = [] if is_default else [_text(v) for v in values]
    if texts != st.query_params.get_all(key):
        if texts:
            st.query_params[key] = texts
        else:
            st.query_params.pop(key, None)
    st.session_state[_seen(key)] = texts
    if value == default:
        st.session_state.pop(_kept(kept_as or key), None)
    else:
        st.session_state[_kept(kept_as or key)] = value


def _text(value: Any) -> str:
    """A value as the URL has it: three decimals where these say it all."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if round(value, 3) == value else f"{value:.6g}"


def _known(key: str, options: Collection) -> list:
    """The options that the URL names under ``key``, where that is news."""
    if not (asked := _asked(key)):
        return []  # patches to choose from are many thousands
    by_text = {str(option): option for option in options}
    return [by_text[text] for text in asked if text in by_text]


def _asked(key: str) -> list[str]:
    """What the URL names under ``key``, where that is news."""
    asked = st.query_params.get_all(key)
    return asked if asked != st.session_state.get(_seen(key)) else []


def _seen(key: str) -> str:
    return f"link_{key}"


def _kept(key: str) -> str:
    return f"kept_{key}"
