"""The warm processes that answer for single patches at once (``core.workers.model_client``), shared by all tabs."""

from __future__ import annotations

import streamlit as st

from core.workers.model_client import ModelClient
from core.workers.model_server import IN_BACKGROUND


@st.cache_resource(show_spinner=False, on_release=ModelClient.close)
def models() -> ModelClient:
    """The process that keeps networks loaded."""
    return ModelClient()


@st.cache_resource(show_spinner=False, on_release=ModelClient.close)
def projections() -> ModelClient:
    """The process for projections: compiling UMAP takes seconds that nobody else should wait for."""
    return ModelClient()


@st.cache_resource(show_spinner=False, on_release=ModelClient.close)
def thumbnails() -> ModelClient:
    """The process that draws pictures nobody waits for yet."""
    return ModelClient(IN_BACKGROUND)
