"""Results that were made smaller than usual, as a demo's are: what is less about them, and the way to the whole."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses.base import Analysis
from core.analyses.showcase import reduced_words, whole_options
from core.runs.store import RunFolder
from dashboard import allowed
from dashboard.jobs import analyses
from dashboard.ui.formatting import escape_markdown


def follow(run: RunFolder, declared: Analysis, result: Any) -> bool:
    """The progress of the newest job of this analysis, below the verdict of ``result``; whether it waits or runs.

    Where ``result`` is smaller than usual, that is said, and the usual one is a click away.
    """
    active = analyses.follow(run, declared.name)
    if less := reduced_words(declared, result):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Quick version", icon=":material/bolt:", color="gray")
            st.caption(f"{escape_markdown(less)}.", width="content")
            if st.button(
                "Run the full version", icon=":material/play_arrow:", type="tertiary",
                key=f"explain_full_{declared.name}", **allowed.to("train", active)
            ):  # fmt: skip
                analyses.begin(run, declared.name, whole_options(declared, result))
    return active
