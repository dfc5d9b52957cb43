"""The parts of the Balance page: counts by fold, every synthetic patch beside its two parents, and what leads on.

Comes in: an open dataset, a run in any state or none. It draws; paths, neighbours, realism and audit have their own
modules.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.config import SmoteConfig
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.balance import audit, counts, interpolation, realism
from dashboard.balance import neighbours as balance_kin
from dashboard.balance.preview import smote_preview
from dashboard.balance.triplets import spread, triplets
from dashboard.patches import card
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown

VIEWS = {
    "made": "Synthetic patches",
    "path": "Path",
    "kin": "Neighbours",
    "real": "How realistic",
    "audit": "Does it flatter?",
}
FINISHED_ONLY = ("path", "kin", "real", "audit")

PROTOCOLS = {
    "inside_fold": "Parents come from each fold's training part only: no synthetic patch has seen a validation patch.",
    "before_folds": "Synthetic patches were made before the folds were drawn, as the paper did: parents may sit in the "
    "validation part, so the scores of this run are inflated. Compare them with an inside-fold run.",
}


def protocol(config: SmoteConfig) -> None:
    """Which way the run went, in a sentence; the leaking way is a warning."""
    amount = f"{config.n_syn} per landslide" if config.n_syn else f"up to a ratio of {config.target_ratio:g}"
    settings = (
        f"{config.k_neighbors} neighbours; anchor weight Beta({config.alpha:g}, {config.beta:g}) within "
        f"{config.clip[0]:g} to {config.clip[1]:g}; {amount}."
    )
    if config.protocol == "before_folds":
        st.warning(f"**Protocol before_folds.** {PROTOCOLS['before_folds']}", icon=":material/warning:")
        st.caption(settings)
    else:
        st.markdown(f"**Protocol inside_fold.** {PROTOCOLS['inside_fold']}")
        st.caption(settings)


# ------------------------------------------------------------------------------------------------------- triplets


# ------------------------------------------------------------------------------------------------ run or preview


def of_run(data: Dataset, run: RunFolder) -> bool:
    """The balance of a run; False when it has none to show yet."""
    config = run.config()
    lineage = run.smote()
    if not config.smote.enabled:
        st.info("This run was trained without SSIM-SMOTE. Below is a preview of what it would make.",
                icon=":material/info:")  # fmt: skip
        return False
    if lineage.empty:
        done = guards.run_state(run)["state"] == "succeeded"
        reason = "needed no synthetic patch: its classes are even" if done else "has made no synthetic patch yet"
        st.info(f"This run {reason}. Below is a preview on the whole dataset.", icon=":material/balance:")
        return False
    finished = guards.run_state(run)["state"] == "succeeded"
    view = _view(finished)
    folds = sorted(int(fold) for fold in lineage["fold"].unique())
    fold, shown = folds[0], []
    if view in ("made", "path", "kin"):
        fold = st.segmented_control(
            "Fold", folds, default=folds[0], required=True, key="balance_fold",
            format_func=lambda k: theme.fold_title(k).capitalize(),
            help="Each fold has its own network and its own synthetic patches.",
        )  # fmt: skip
    mine = lineage[lineage["fold"] == (fold if fold in folds else folds[0])]
    if view == "path":
        interpolation.section(data, run, int(fold), mine)
    elif view == "kin":
        shown = balance_kin.section(data, run, int(fold), mine)
    elif view == "real":
        realism.section(data, run)
    elif view == "audit":
        audit.section(run)
    else:
        _made(data, run, lineage, mine, int(fold), finished)
    downloads.picture_format()
    card.show_opened(data, run, shown)
    return True


def _view(finished: bool) -> str:
    """Which part of the page; what asks the networks needs a finished run."""
    views = VIEWS if finished else {name: title for name, title in VIEWS.items() if name not in FINISHED_ONLY}
    url_state.read_query_param("balance_view", list(views), "made")
    if (asked := state.asked_view("balance")) in views:
        st.session_state["balance_view"] = asked
    if st.session_state["balance_view"] not in views:
        st.session_state["balance_view"] = "made"
    view = st.segmented_control(
        "View", list(views), required=True, format_func=VIEWS.get, key="balance_view", label_visibility="collapsed",
    )  # fmt: skip
    url_state.write_query_param("balance_view", view, "made")
    return view


def _made(data: Dataset, run: RunFolder, lineage: pd.DataFrame, mine: pd.DataFrame, fold: int, finished: bool) -> None:
    protocol(run.config().smote)
    if "exact_neighbours" in lineage and not lineage["exact_neighbours"].all():
        st.caption(
            "There were too many landslides to compare all pairs on this machine: neighbours are the most similar of "
            "candidates that a cheaper measure chose, which finds about nine in ten of the true ones."
        )
    folds = run.folds()
    counts.by_fold(data, counts.fold_counts(data, folds, lineage))
    with st.expander(f"Counts by group, {theme.fold_title(fold)}", icon=":material/stacked_bar_chart:"):
        counts.by_group(data, folds, lineage, fold)
    st.subheader("Synthetic patches and their parents", anchor=False)
    triplets(data, mine, walk=finished)
    spread(mine)
    downloads.download(lineage, f"{run.name}_smote", "Lineage of all folds")


def preview(data: Dataset) -> None:
    """SSIM-SMOTE on the spot, without a run: a preview, and said to be one."""
    n_positive = int((data.labels == 1).sum())
    if n_positive < 2:
        st.info(
            f"SSIM-SMOTE needs two {escape_markdown(data.positive)} patches at the least; this dataset has {n_positive}.",
            icon=":material/info:",
        )
        return
    most = 300
    used = min(n_positive, most)
    st.markdown(
        f"A **preview** of what SSIM-SMOTE makes of {used:,} of the {n_positive:,} {escape_markdown(data.positive)} patches, "
        "one synthetic each. It belongs to no run and to no fold."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = st.number_input("Neighbours", 1, 50, 5, key="balance_k", width=140)
        if st.button("Make the preview", type="primary", icon=":material/auto_awesome:", key="balance_preview"):
            st.session_state["balance_previewed"] = data.name
    if st.session_state.get("balance_previewed") != data.name:
        return
    try:
        lineage = smote_preview(data, int(k))
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    if lineage.empty:
        st.info("All of these patches are copies of one another; there is nothing in between.", icon=":material/info:")
        return
    triplets(data, lineage)
    spread(lineage)
    downloads.download(lineage, f"{data.name}_smote_preview", "Lineage of the preview")
