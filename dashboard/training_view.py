"""How the network of a run learnt, and where its numbers come from."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from core.runs.store import RunFolder
from dashboard import cached, charts, components
from dashboard.reading import needed


def training_view(run: RunFolder, summary: dict, oof: pd.DataFrame) -> None:
    """The view."""
    _learning(run)
    st.subheader("Where these numbers come from", anchor=False)
    with st.container(horizontal=True):
        components.download(oof, f"{run.name}_oof", "Out-of-fold table (CSV)")
        st.download_button(
            "Summary (JSON)", json.dumps(summary, indent=2), file_name=f"{run.name}_summary.json", type="tertiary",
            mime="application/json", icon=":material/download:", on_click="ignore", key="results_summary",
        )  # fmt: skip
    st.json(needed(run.provenance), expanded=1)
    st.json(needed(run.config).model_dump(mode="json"), expanded=False)


def _learning(run: RunFolder) -> None:
    st.subheader("How it learnt", anchor=False)
    history = needed(cached.history, run)
    if history.empty:
        st.info("This run kept no learning curves.", icon=":material/info:")
        return
    which = st.segmented_control(
        "Beside the loss", ["val_f1", "val_auc", "lr", "images_per_second"], default="val_f1", required=True,
        key="results_history", format_func=charts.HISTORY_TITLES.get,
    )  # fmt: skip
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        components.show(charts.learning_curves(history, "val_loss"), key="results_loss")
    with grid.cell():
        components.show(charts.learning_curves(history, which), key="results_score")
    st.caption(
        "Network alone, on each fold's validation part; the last epoch is kept, chosen without looking at these curves."
    )
    components.download(history, f"{run.name}_history", "Learning curves (CSV)")
