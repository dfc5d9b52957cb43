"""The pairs of patches that are known to show the same ground, whichever analysis found them."""

from __future__ import annotations

import streamlit as st

from core.analyses.datasets import leakage
from core.data.leakage.split_audit import Leaks, cached_leaks, leaks_path
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cache, state


def known_pairs(data: Dataset) -> Leaks | None:
    """The pairs found in this very content: beside the dataset file, or in the results of the leakage analysis."""
    beside = _leaks(str(data.path), cache.file_version(data.path), cache.file_version(leaks_path(data.path)))
    if beside is not None:
        return beside
    try:
        return leakage.reported(cache.dataset_target(data.path, state.checkpoints()), data)
    except LandslideLensError:
        return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _leaks(path: str, version: cache.Version, leaks_version: cache.Version) -> Leaks | None:
    return cached_leaks(cache.dataset(path))
