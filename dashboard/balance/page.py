"""The Balance page of a run: which view, which fold, and the view itself."""

from __future__ import annotations

import streamlit as st

from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import audit, interpolation, neighbours, realism, synthetic
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
BY_FOLD = ("synthetic", "interpolation", "neighbours")


def of_run(data: Dataset, run: RunFolder) -> bool:
    """Draw the balance of a run; False where it has none to show yet."""
    lineage, finished = run.smote(), guards.run_state(run)["state"] == "succeeded"
    if not run.config().smote.enabled:
        st.info("This run was trained without SSIM-SMOTE. Below is a preview of what it would make.",
                icon=":material/info:")  # fmt: skip
        return False
    if lineage.empty:
        reason = "needed no synthetic patches: its classes are even" if finished else "has no synthetic patches yet"
        st.info(f"This run {reason}. Below is a preview on the whole dataset.", icon=":material/balance:")
        return False
    guards.same_data_or_stop(run, data)
    views = VIEWS if finished else {name: VIEWS[name] for name in UNFINISHED}
    view = view_switch("balance", views, "synthetic")
    folds = sorted(int(fold) for fold in lineage["fold"].unique())
    fold, shown = folds[0], []
    if view in BY_FOLD:
        fold = int(st.segmented_control(
            "Fold", folds, default=folds[0], required=True, key="balance_fold",
            format_func=lambda k: theme.fold_title(k).capitalize(),
            help="Each fold has its own network and its own synthetic patches.",
        ))  # fmt: skip
    of_fold = lineage[lineage["fold"] == (fold if fold in folds else folds[0])]
    if view == "interpolation":
        interpolation.section(data, run, fold, of_fold)
    elif view == "neighbours":
        shown = neighbours.section(data, run, fold, of_fold)
    elif view == "realism":
        realism.section(data, run)
    elif view == "audit":
        audit.section(run)
    else:
        synthetic.section(data, run, lineage, fold, finished)
    downloads.picture_format()
    card.show_opened(data, run, shown)
    return True
