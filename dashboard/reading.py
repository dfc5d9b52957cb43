"""Reading what a page cannot do without, so that a missing or damaged file is a sentence and never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core.errors import LandslideLensError
from dashboard.components import literal

T = TypeVar("T")


def needed(reader: Callable[..., T], *args: object) -> T:
    """What a reader of a run or dataset gives; where it cannot, its reason is shown and the page ends."""
    try:
        return reader(*args)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/broken_image:")
        st.stop()
