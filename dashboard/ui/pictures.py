"""Vector pictures on a page: as images, in which nothing runs and nothing is fetched, and as files to download."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.ui import narrow


def show(draw: Callable[[bool, bool], str], key: str, name: str, alt: str) -> None:
    """A picture for the viewer's ground and window, and the button that saves it. draw: (dark, narrow) -> SVG text.

    name: of the file, without its ending. alt: what a reader who cannot see it should know. What is saved has a light
    ground and its full width.
    """
    st.image(draw(st.context.theme.type == "dark", narrow.is_narrow()), width="stretch", alt=alt)
    st.download_button(
        "Picture (SVG)", lambda: draw(False, False).encode(), file_name=f"{name}.svg", mime="image/svg+xml",
        icon=":material/download:", type="tertiary", key=f"{key}_svg", on_click="ignore",
    )  # fmt: skip
