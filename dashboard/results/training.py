"""How the network of a run learnt, and the provenance of its numbers."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from core.runs.store import RunFolder
from dashboard.train import learning_curves
from dashboard.ui import downloads
from dashboard.ui.formatting import number
from dashboard.ui.guards import or_stop


def training_view(run: RunFolder, summary: dict, oof: pd.DataFrame) -> None:
    """The view."""
    _learning(run)
    st.header("Provenance", anchor=False)
    with st.container(horizontal=True):
        downloads.download(oof, f"{run.name}_oof", "Out-of-fold table (CSV)")
        st.download_button(
            "Summary (JSON)", json.dumps(summary, indent=2), file_name=f"{run.name}_summary.json", type="tertiary",
            mime="application/json", icon=":material/download:", on_click="ignore", key="results_summary",
        )  # fmt: skip
    with st.expander("Versions, device and seeds", icon=":material/receipt_long:"):
        st.json(or_stop(run.provenance), expanded=1)
    with st.expander("All settings", icon=":material/tune:"):
        st.json(or_stop(run.config).model_dump(mode="json"), expanded=2)


def _learning(run: RunFolder) -> None:
    history = or_stop(run.history)
    if not history.empty:
        st.markdown(f"**{sentence(history)}**")
    st.header("Learning curves", anchor=False)
    if history.empty:
        st.info("This run has no learning curves.", icon=":material/info:")
        return
    learning_curves.curves(run, history, "results")
    learning_curves.samples(run, "results")


def sentence(history: pd.DataFrame) -> str:
    """How long the network was trained and what it reached, in Markdown."""
    folds, epochs = history["fold"].nunique(), int(history.groupby("fold").size().max())
    each = f" in each of {folds} folds" if folds > 1 else ""
    words = f"Trained for {epochs:,} {'epoch' if epochs == 1 else 'epochs'}{each}"
    last = history.sort_values("epoch").groupby("fold").tail(1)
    if "val_auc" in last and last["val_auc"].notna().any():
        parts = "parts after the last epoch" if folds > 1 else "part after the last epoch"
        return f"{words}. Mean AUC on the held-out {parts}: {number(last['val_auc'].mean())}."
    return f"{words}."
