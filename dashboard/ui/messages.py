"""What went wrong, as a sentence on the page."""

from __future__ import annotations

import streamlit as st

from core.errors import NotMadeError
from dashboard.ui.formatting import escape_markdown


def show_error(error: Exception | str, icon: str = ":material/error:") -> None:
    """The sentence of an error that the user can mend, shown exactly as written; no alarm where nothing is wrong."""
    if isinstance(error, NotMadeError):
        st.info(escape_markdown(error), icon=":material/info:")
    else:
        st.error(escape_markdown(error), icon=icon)
