"""The Balance page of a run: what balancing did, in a sentence, then the chosen view."""

from __future__ import annotations

import streamlit as st

from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard.balance import audit, counts, interpolation, neighbours, preview, realism, summary, synthetic
from dashboard.patches import card
from dashboard.ui import downloads, guards
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "synthetic": "Synthetic patches",
    "interpolation": "Interpolation",
    "neighbours": "Neighbours",
    "realism": "Realism",
    "audit": "Audit",
}
UNFINISHED = ("synthetic",)  # views of a run that has not finished; the others ask its networks or its scores
PREVIEW = {"preview": "Preview"}  # offered where the run itself has little to show


def of_run(data: Dataset, run: RunFolder) -> bool:
    """Draw the balance of a run; False where it has none to show yet."""
    lineage, finished = run.smote(), guards.run_state(run)["state"] == "succeeded"
    if not run.config().smote.enabled:
        st.markdown("This run was trained without SSIM-SMOTE: its training parts hold real patches only.")
        summary.elsewhere(run, preview_view=False)
        return False
    if lineage.empty:
        reason = "needed no synthetic patches: its classes are even" if finished else "has no synthetic patches yet"
        st.markdown(f"This run {reason}.")
        summary.elsewhere(run, preview_view=False)
        return False
    guards.same_data_or_stop(run, data)
    table = counts.of_run(data, run)
    few = len(lineage) < summary.FEW
    st.markdown(summary.sentence(data, run, table))
    views = VIEWS if finished else {name: VIEWS[name] for name in UNFINISHED}
    view, shown = view_switch("balance", views | (PREVIEW if few else {}), "synthetic"), []
    if few and view not in ("synthetic", "preview"):
        summary.elsewhere(run, preview_view=True)
    if view == "interpolation":
        interpolation.section(data, run, lineage)
    elif view == "neighbours":
        shown = neighbours.section(data, run, lineage)
    elif view == "realism":
        realism.section(data, run)
    elif view == "audit":
        audit.section(run)
    elif view == "preview":
        preview.section(data)
    else:
        synthetic.section(data, run, lineage, table, finished)
    downloads.picture_format()
    card.show_opened(data, run, shown)
    return True
