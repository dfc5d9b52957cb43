"""The view of a run's synthetic patches: one large beside its parents, the others, class counts, how it was made."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import counts, summary
from dashboard.balance.charts import lineage_scatter
from dashboard.balance.triplets import triplets
from dashboard.ui import downloads

PROTOCOLS = {
    "inside_fold": "Both parents of every synthetic patch come from the training part of its fold, never from the "
    "validation part.",
    "before_folds": "Synthetic patches were made before the folds were drawn, as in paper A, so a parent may be in "
    "the validation part and the scores of this run are inflated. Compare it with a run that balances inside each "
    "fold (Audit).",
}
METHODS = {
    "ssim": "Neighbours are the most similar landslides by structural similarity (SSIM) of the normalised patches.",
    "plain": "Neighbours are the nearest landslides by Euclidean distance of the normalised patches.",
    "random": "Landslide patches are repeated; nothing is mixed.",
}


def section(data: Dataset, run: RunFolder, lineage: pd.DataFrame, table: pd.DataFrame, finished: bool) -> None:
    """Everything about the synthetic patches of a run. lineage: of all folds. table: ``counts.fold_counts``."""
    few = len(lineage) < summary.FEW
    if run.config().smote.protocol == "before_folds":
        st.warning(PROTOCOLS["before_folds"], icon=":material/warning:")
    more = partial(summary.elsewhere, run, True) if few else None
    row = triplets(data, lineage, fold_picker=True, interpolate=finished, more=more)
    fold = int(row["fold"]) if row is not None else int(lineage["fold"].min())
    counts.by_fold(data, table)
    by_group = f"Class counts by group, {theme.fold_title(fold)}"
    with st.expander(by_group, icon=":material/stacked_bar_chart:", key="balance_groups", on_change="rerun") as opened:
        if opened.open:
            counts.by_group(data, run.folds(), lineage, fold)
    parents = "Similarity of all parents"
    with st.expander(parents, icon=":material/scatter_plot:", key="balance_parents", on_change="rerun") as opened:
        if opened.open:
            spread(lineage[lineage["fold"] == fold])
    _how(run, lineage)
    downloads.download(lineage, f"{run.name}_smote", "Lineage of all folds (CSV)")


def spread(lineage: pd.DataFrame) -> None:
    """How similar the parents are, and how much of the anchor is kept."""
    downloads.show(lineage_scatter(lineage), key="balance_spread")
    st.caption(
        f"{len(lineage):,} synthetic patches. SSIM of the parents: mean {lineage['ssim'].mean():.3f}, lowest "
        f"{lineage['ssim'].min():.3f}; anchor weight: mean {lineage['anchor_weight'].mean():.2f}."
    )


def recomputed() -> None:
    """What the pictures show."""
    st.markdown(
        "Each synthetic patch is recomputed as λ × anchor + (1 − λ) × neighbour in the bands' own units, as training "
        "saw it before normalisation (which sets no-data to the band's centre). The weight λ is the share of the "
        "anchor. SSIM compares the two parents (−1 to 1). The difference is the synthetic patch minus its anchor, "
        "averaged over the bands shown; its scale ends at the 99th percentile."
    )


def _how(run: RunFolder, lineage: pd.DataFrame) -> None:
    config = run.config().smote
    amount = f"{config.n_syn} per landslide" if config.n_syn else (
        f"until there are {config.target_ratio:g} landslides for every other patch"
    )  # fmt: skip
    with st.expander("How this was made", icon=":material/info:"):
        st.markdown(PROTOCOLS[config.protocol], help=f"smote.protocol = {config.protocol}")
        st.markdown(
            f"{METHODS[config.method]} One of the {config.k_neighbors} nearest is drawn. The weight λ is drawn from "
            f"Beta({config.alpha:g}, {config.beta:g}) and kept within {config.clip[0]:g}–{config.clip[1]:g}. Patches "
            f"are added {amount}.", help=f"smote.method = {config.method}",
        )  # fmt: skip
        if "exact_neighbours" in lineage and not lineage["exact_neighbours"].all():
            st.markdown(
                "There were too many landslides to compare all pairs: neighbours come from candidates chosen by a "
                "cheaper measure, which finds about nine in ten of the true ones."
            )
        recomputed()
