"""What the pages on a run ask first: its files, as a sentence where they are missing or damaged, and the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from core.errors import LandslideLensError
from dashboard import theme
from dashboard.components import literal

T = TypeVar("T")


def needed(reader: Callable[..., T], *args: object) -> T:
    """What a reader of a run or dataset gives; where it cannot, its reason is shown and the page ends."""
    try:
        return reader(*args)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/broken_image:")
        st.stop()


def head_picker(label: str, heads: Sequence[str], summary: Mapping, key: str, help: str | None = None) -> str:
    """The head whose decisions a page shows; the run's headline head at first."""
    first = list(heads).index(summary["head"]) if summary["head"] in heads else 0
    return st.selectbox(
        label, heads, index=first, format_func=theme.head_title, key=key, width=240,
        help=help or f"The run's headline is {literal(theme.head_title(summary['head']))}.",
    )  # fmt: skip
