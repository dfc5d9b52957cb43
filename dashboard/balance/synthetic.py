"""The view of a run's synthetic patches: the protocol, counts before and after, every patch beside its parents."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.config import SmoteConfig
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import counts
from dashboard.balance.triplets import spread, triplets
from dashboard.ui import downloads

PROTOCOLS = {
    "inside_fold": "Parents come from each fold's training part only, never from its validation part.",
    "before_folds": "Synthetic patches were made before the folds were drawn, as in paper A. Their parents may be in "
    "the validation part, so the scores of this run are inflated. Compare them with an inside_fold run.",
}


def section(data: Dataset, run: RunFolder, lineage: pd.DataFrame, fold: int, finished: bool) -> None:
    """Everything about the synthetic patches of a run. lineage: of all folds; triplets are those of ``fold``."""
    _protocol(run.config().smote)
    if "exact_neighbours" in lineage and not lineage["exact_neighbours"].all():
        st.caption(
            "There were too many landslides to compare all pairs: neighbours come from candidates chosen by a cheaper "
            "measure, which finds about nine in ten of the true ones."
        )
    folds, of_fold = run.folds(), lineage[lineage["fold"] == fold]
    counts.by_fold(data, counts.fold_counts(data, folds, lineage))
    with st.expander(f"Counts by group, {theme.fold_title(fold)}", icon=":material/stacked_bar_chart:"):
        counts.by_group(data, folds, lineage, fold)
    st.subheader("Synthetic patches and their parents", anchor=False)
    triplets(data, of_fold, interpolate=finished)
    spread(of_fold)
    downloads.download(lineage, f"{run.name}_smote", "Lineage of all folds (CSV)")


def _protocol(config: SmoteConfig) -> None:
    """The protocol of the run in a sentence, a warning where it leaks, and its settings."""
    text = f"**Protocol {config.protocol}.** {PROTOCOLS[config.protocol]}"
    if config.protocol == "before_folds":
        st.warning(text, icon=":material/warning:")
    else:
        st.markdown(text)
    amount = f"{config.n_syn} per landslide" if config.n_syn else f"up to a ratio of {config.target_ratio:g}"
    st.caption(
        f"{config.k_neighbors} neighbours; anchor weight Beta({config.alpha:g}, {config.beta:g}) within "
        f"{config.clip[0]:g} to {config.clip[1]:g}; {amount}."
    )
