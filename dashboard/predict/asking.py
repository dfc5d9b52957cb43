"""Asking for a job of this page: widgets from its options, and refusals in the words of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import streamlit as st

from core.analyses.base import Options
from core.errors import LandslideLensError
from core.jobs import queue
from core.runs.store import RunFolder
from dashboard import state
from dashboard.jobs import option_words
from dashboard.ui.fields import field_widget
from dashboard.ui.messages import show_error

EXAMPLES = {  # what stands in an empty field
    "scene": "/data/after.tif", "before": "/data/before.tif", "also": "/data/radar.tif", "source": "/data/patches",
    "unit": "as the file says", "dem": "/data/dem.tif", "roads": "/data/roads.geojson", "date": "as the file says",
    "out": "kept with the run", "format": "recognised",
}  # fmt: skip
YES_OR_NO = {None: "as the run was evaluated", True: "yes", False: "no"}


def widgets(asked: type[Options], names: Iterable[str], key: str, held: Mapping[str, Any] | None = None) -> dict:
    """A widget for each of these options, in columns; what they hold.

    held: what they hold at first, instead of the defaults.
    """
    chosen: dict[str, Any] = {}
    with st.grid(min_column_width=240, gap="medium"):
        for name in names:
            field = asked.model_fields[name]
            value = (held or {}).get(name, None if field.is_required() else field.default)
            chosen[name] = _widget(name, field, value, f"{key}_{name}")
    return chosen


def _widget(name: str, field: Any, value: Any, key: str) -> Any:
    kinds = get_args(field.annotation)
    if bool in kinds:
        return st.selectbox(
            field.title, list(YES_OR_NO), list(YES_OR_NO).index(value), format_func=YES_OR_NO.get,
            help=field.description, key=key,
        )  # fmt: skip
    if any(getattr(kind, "__origin__", None) is tuple for kind in kinds):  # names, or none
        text = st.text_input(
            field.title, ", ".join(value or ()), help=field.description, key=key, placeholder="as the file says"
        )
        return text.strip() or None
    return field_widget(field.title, field, value, key, placeholder=EXAMPLES.get(name, "none"))


def ask(run: RunFolder, name: str, options: Mapping[str, Any]) -> None:
    """Queue the analysis and draw the page anew; where it is refused, the reason."""
    try:
        job = queue.submit_analysis(run, name, options)
    except (LandslideLensError, OSError) as error:
        show_error(option_words.of_analysis(str(error), name), ":material/block:")
        return
    st.session_state[f"{state.ASKED}{name}"] = job.name
    st.rerun()
