"""The other datasets that a run can judge, and why it cannot judge the rest."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.bands import choose_bands
from core.errors import LandslideLensError
from core.predict.fit import misfit
from core.runs.store import RunFolder
from dashboard import cache, state
from dashboard.ui.empty_states import open_import
from dashboard.ui.formatting import escape_markdown


def fitting(run: RunFolder, labelled: bool) -> tuple[dict[str, Path], dict[str, str]]:
    """Datasets by name that the run can judge, without its own; and of the others the reason why not.

    labelled: whether only datasets with labels will do.
    """
    fit, unfit = {}, {}
    try:
        own = cache.dataset(run.dataset_path())
        bands, shape_hw = choose_bands(run.config().data.bands, own.bands), own.shape[1:]
    except (LandslideLensError, OSError):
        bands, shape_hw = (), None  # the job will say
    for name, path in state.choice().datasets.items():
        if name == state.choice().dataset:
            continue
        try:
            other = cache.dataset(path)
        except (LandslideLensError, OSError):
            unfit[name] = "cannot be opened"
            continue
        reason = misfit(bands, shape_hw or other.shape[1:], other, labelled)
        if reason:
            unfit[name] = reason
        else:
            fit[name] = path
    return fit, unfit


def not_offered(unfit: dict[str, str], key: str) -> None:
    """Says which datasets are not offered and why, with the way to bring one that fits."""
    if unfit:
        words = "; ".join(f"{escape_markdown(name)} {escape_markdown(reason)}" for name, reason in unfit.items())
        st.caption(f"Not offered: {words}.")
    if st.button("Import a dataset", icon=":material/drive_folder_upload:", key=key, type="tertiary"):
        open_import()
