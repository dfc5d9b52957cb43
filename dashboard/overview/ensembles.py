"""The ensembles beside the runs that they combine; choosing one opens its results."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.ensembles.folder import EnsembleFolder, list_ensembles
from core.errors import LandslideLensError
from dashboard import cache, state, url_state
from dashboard.results.ensembles.kept import CHOSEN, METHODS
from dashboard.runs.listed import table_key
from dashboard.ui import downloads
from dashboard.ui.formatting import interval

NEWEST = 8  # ensembles that are listed


def ensemble_row(ensemble: EnsembleFolder) -> dict[str, Any]:
    """One ensemble as a row; a damaged one has its name and no numbers."""
    row: dict[str, Any] = {"Ensemble": ensemble.name, "Method": "cannot be read", "Members": None, "F1": None}
    row |= {"95% interval": "", "AUC": None, "Dataset": ""}
    try:
        card, summary = ensemble.card(), ensemble.summary()
        oof = summary["oof"]
        return row | {
            "Ensemble": str(card["title"]), "Method": METHODS[card["method"]], "Members": len(card["members"]),
            "F1": oof["f1"], "95% interval": interval(oof.get("f1_interval"), 2), "AUC": oof["auc"],
            "Dataset": str(summary["dataset_name"]),
        }  # fmt: skip
    except (LandslideLensError, OSError, KeyError, TypeError):
        return row


def ensembles_table() -> None:
    """The newest ensembles; nothing where there are none."""
    found = list_ensembles(state.checkpoints(), cache.FILES)[:NEWEST]
    if not found:
        return
    st.header("Ensembles", anchor=False)
    table = pd.DataFrame([ensemble_row(one) for one in found])
    event = downloads.table(
        table, hide_index=True, width="stretch", height="content", on_select="rerun", selection_mode="single-row",
        key=table_key("overview_ensembles", [one.name for one in found]),
        column_config={
            "Members": st.column_config.NumberColumn("Members", help="Heads of runs, and tables of answers."),
            "F1": st.column_config.NumberColumn("F1", format="%.3f", help="Out of fold; weights from the other folds."),
            "95% interval": st.column_config.TextColumn("95% interval", help="Of F1, by bootstrap."),
            "AUC": st.column_config.NumberColumn("AUC", format="%.3f"),
        },
    )  # fmt: skip
    rows = [row for row in event["selection"]["rows"] if row < len(found)] or [0] * (len(found) == 1)
    if st.button("Open the ensemble", disabled=not rows, icon=":material/merge:", key="overview_open_ensemble"):
        _open(found[rows[0]].name, table["Dataset"][rows[0]])


def _open(name: str, dataset: str) -> None:
    """Its results, on its own dataset where that is here."""
    url_state.forget("results_of", CHOSEN)
    known = dataset if dataset in state.choice().datasets else None
    state.open_view("results", dataset=known, filters={"results_of": "ensemble", CHOSEN: name})
