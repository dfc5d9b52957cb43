"""The few rules of style that Streamlit's theme cannot say. Fixed text: nothing of a user's is ever part of it."""

from __future__ import annotations

import streamlit as st

HIDDEN = "hidden_from_sight"  # key of a container that nobody is to see
# White on the primary colour reads at 5.8:1 on light ground. On dark ground that colour is light, so that it reads as
# text, and what stands on it is dark: 7.8:1. The page itself knows its ground; a popover hangs beside the page, where
# only the server's word is to be had, which comes a moment later than the first picture.
_ON_PRIMARY = (
    '[data-testid^="stBaseButton-primary"]:not(:disabled), [data-testid="stMultiSelectTagsContainer"] [data-tag], '
    '[data-testid="stMultiSelectTagsContainer"] [data-tag] *'
)
_ON_PRIMARY_HERE = f'[data-testid="stApp"] :is({_ON_PRIMARY}) {{ color: light-dark(#FFFFFF, #0B131A); }}'
_ON_PRIMARY_DARK = f"{_ON_PRIMARY} {{ color: #0B131A; }}"
# Segments as high as the fields and buttons that they stand in a row with.
_SEGMENTS = '[data-testid="stButtonGroup"] [data-variant="segmented_control"] { min-height: 2.5rem; }'


def frame_style() -> None:
    """Draw them; once, in the frame."""
    dark = st.context.theme.type == "dark"
    rules = (f".st-key-{HIDDEN} {{ display: none; }}", _SEGMENTS, _ON_PRIMARY_HERE, _ON_PRIMARY_DARK if dark else "")
    st.html(f"<style>{' '.join(rules)}</style>")


def large_type() -> None:
    """For stakeholders; once, in the frame. All on a page is measured in the root's font size, 16 px without this."""
    st.html(
        "<style>html { font-size: 19px; } .st-key-stakeholder_words p { font-size: 1.3rem; line-height: 1.5; }</style>"
    )
