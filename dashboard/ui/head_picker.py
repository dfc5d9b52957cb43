"""The choice of the head whose decisions a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import theme, url_state
from dashboard.ui.formatting import escape_markdown


def head_picker(label: str, heads: Sequence[str], summary: Mapping, key: str, help: str | None = None) -> str:
    """The head whose decisions a page shows; at first the run's headline, or the one that the URL names as ``key``.

    Pages share the choice: whoever looks at a head's numbers finds its mistakes on the next page.
    """
    if not heads:
        st.info("No head of this run has scored a patch.", icon=":material/info:")
        st.stop()
    first = summary["head"] if summary["head"] in heads else heads[0]
    return url_state.choose(
        st.selectbox, label, heads, key=key, default=first, kept_as="head", format_func=theme.head_title, width=240,
        help=help or f"The run's headline is {escape_markdown(theme.head_title(summary['head']))}.",
    )  # fmt: skip
