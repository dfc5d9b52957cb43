"""What went wrong, as a sentence on the page."""

from __future__ import annotations

import streamlit as st

from dashboard.ui.formatting import escape_markdown


def show_error(error: Exception | str, icon: str = ":material/error:") -> None:
    """The sentence of an error that the user can mend, shown exactly as written."""
    st.error(escape_markdown(error), icon=icon)
