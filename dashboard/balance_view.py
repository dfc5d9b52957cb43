"""The parts of the Balance page: counts by fold, every synthetic patch beside its two parents, and what leads on.

Comes in: an open dataset, a run in any state or none. It draws; paths, neighbours, realism and audit have their own
modules.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.config import SmoteConfig
from core.data.bands import Composite, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import (
    balance_audit,
    balance_counts,
    balance_kin,
    balance_path,
    balance_realism,
    cached,
    components,
    data_charts,
    gallery,
    links,
    outcomes,
    patch_card,
    patch_view,
    state,
    theme,
)
from dashboard.balance_pictures import blend
from dashboard.components import literal

VIEWS = {
    "made": "Synthetic patches",
    "path": "Path",
    "kin": "Neighbours",
    "real": "How realistic",
    "audit": "Does it flatter?",
}
FINISHED_ONLY = ("path", "kin", "real", "audit")

ORDERS = {
    "Most similar parents first": ("ssim", False),
    "Least similar parents first": ("ssim", True),
    "Highest anchor weight first": ("anchor_weight", False),
    "Lowest anchor weight first": ("anchor_weight", True),
    "As they were made": ("synthetic", True),
}
PROTOCOLS = {
    "inside_fold": "Parents come from each fold's training part only: no synthetic patch has seen a validation patch.",
    "before_folds": "Synthetic patches were made before the folds were drawn, as the paper did: parents may sit in the "
    "validation part, so the scores of this run are inflated. Compare them with an inside-fold run.",
}
TRIPLETS_PER_PAGE = 6


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


def triplets(data: Dataset, lineage: pd.DataFrame, walk: bool = False) -> None:
    """Anchor, neighbour and the synthetic patch between them, sorted and paged; any band or composite.

    walk: whether each leads to its path, which a finished run has.
    """
    ways = {way.name: way for way in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Order", list(ORDERS), key="balance_order", width=250)
        way = ways[st.selectbox("Shown as", list(ways), key="balance_composite", width=300)]
        stretch = st.selectbox(
            "Stretch",
            list(gallery.STRETCHES),
            format_func=gallery.STRETCHES.get,
            key="balance_stretch",
            width=190,
        )
    by, ascending = ORDERS[order]
    ordered = lineage.sort_values([by, "synthetic"], ascending=[ascending, True], kind="stable")
    page, number, pages = outcomes.page_of(ordered, st.session_state.get("balance_page", 1), TRIPLETS_PER_PAGE)
    try:
        drawn = pictures(data, page, way, stretch)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/error:")
        return
    with st.grid(min_column_width=420, gap="medium"):
        for (_, row), three in zip(page.iterrows(), drawn, strict=True):
            _triplet(row, three, walk)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(ordered):,} synthetic patches, page {number} of {pages}.", width="content")
        if pages > 1:
            st.pagination(pages, key="balance_page")
    st.caption(
        "Each synthetic patch is computed again here as weight × anchor + (1 − weight) × neighbour in the bands' "
        "own units, as training saw it before normalisation (which reads no-data as the band's centre). "
        "SSIM compares the two parents. The difference is that of synthetic and anchor in the bands shown, "
        "brightest where it is half their range."
    )


def pictures(data: Dataset, page: pd.DataFrame, way: Composite, stretch: str) -> list[list[np.ndarray]]:
    """For each row its anchor, neighbour, synthetic patch and what tells it from its anchor, as RGB pictures.

    The first three on one scale; the last is :func:`difference`.
    """
    anchors, neighbours = (cached.images(data, data.index_of(page[name].tolist())) for name in ("anchor", "neighbour"))
    made = blend(anchors, neighbours, page["anchor_weight"].to_numpy(np.float32))
    shared = patch_view.dataset_limits(data.statistics)
    drawn = []
    for three in zip(anchors, neighbours, made, strict=True):
        limits = patch_view.patch_limits(np.concatenate(three, axis=1), data.nodata) if stretch == "patch" else shared
        seen = [patch_view.picture(image, data.band_names, way, limits, data.nodata) for image in three]
        shown = [list(data.band_names).index(name) for name in way.bands]
        drawn.append([*seen, difference(three[0][shown], three[2][shown], limits[shown])])
    return drawn


def difference(anchor: np.ndarray, made: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How far a synthetic patch is from its anchor in the bands shown, (n, H, W): RGB, brightest at half their range.

    limits: (n, 3) of display; the bands' distances are averaged.
    """
    span = np.maximum(limits[:, 2] - limits[:, 0], 1e-12)[:, None, None]
    apart = np.nan_to_num(np.abs(made.astype(np.float64) - anchor) / span).mean(axis=0)
    rgb = np.round(patch_view.colours(np.clip(2.0 * apart, 0.0, 1.0))).astype(np.uint8)
    return patch_view.enlarge(rgb, patch_view.PICTURE_PX)


def _triplet(row: pd.Series, three: list[np.ndarray], walk: bool) -> None:
    weight = float(row["anchor_weight"])
    captions = (
        f"**Anchor** × {weight:.2f}  \n{literal(row['anchor'])}",
        f"**Neighbour** × {1 - weight:.2f}  \n{literal(row['neighbour'])}",
        f"**Synthetic**  \nSSIM {row['ssim']:.3f}",
        "**Difference**  \nfrom the anchor",
    )
    alts = (f"Anchor {row['anchor']}", f"Neighbour {row['neighbour']}", "Synthetic patch between them", "Difference")
    with st.container(border=True):
        with st.grid(4, wrap=False, min_column_width=80, gap="small"):
            for rgb, text, alt in zip(three, captions, alts, strict=True):
                with st.container(gap="xxsmall"):
                    st.image(rgb, width="stretch", output_format="PNG", alt=alt)
                    st.caption(text)
        if walk:
            st.button(
                "Walk its path", key=f"balance_walk_{row['synthetic']}", type="tertiary", icon=":material/route:",
                on_click=balance_path.follow, args=(str(row["synthetic"]),),
                help="From the neighbour through the anchor to the other class, with the model's answers.",
            )  # fmt: skip


def spread(lineage: pd.DataFrame) -> None:
    """How similar the parents are, and how much of the anchor is kept."""
    components.show(data_charts.lineage_scatter(lineage), key="balance_spread")
    st.caption(
        f"{len(lineage):,} synthetic patches. SSIM: mean {lineage['ssim'].mean():.3f}, "
        f"lowest {lineage['ssim'].min():.3f}; anchor weight: mean {lineage['anchor_weight'].mean():.2f}."
    )


# ------------------------------------------------------------------------------------------------ run or preview


def of_run(data: Dataset, run: RunFolder) -> bool:
    """The balance of a run; False when it has none to show yet."""
    config = run.config()
    lineage = cached.smote(run)
    if not config.smote.enabled:
        st.info("This run was trained without SSIM-SMOTE. Below is a preview of what it would make.",
                icon=":material/info:")  # fmt: skip
        return False
    if lineage.empty:
        done = components.run_state(run)["state"] == "succeeded"
        reason = "needed no synthetic patch: its classes are even" if done else "has made no synthetic patch yet"
        st.info(f"This run {reason}. Below is a preview on the whole dataset.", icon=":material/balance:")
        return False
    finished = components.run_state(run)["state"] == "succeeded"
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
        balance_path.section(data, run, int(fold), mine)
    elif view == "kin":
        shown = balance_kin.section(data, run, int(fold), mine)
    elif view == "real":
        balance_realism.section(data, run)
    elif view == "audit":
        balance_audit.section(run)
    else:
        _made(data, run, lineage, mine, int(fold), finished)
    components.picture_format()
    patch_card.show_opened(data, run, shown)
    return True


def _view(finished: bool) -> str:
    """Which part of the page; what asks the networks needs a finished run."""
    views = VIEWS if finished else {name: title for name, title in VIEWS.items() if name not in FINISHED_ONLY}
    links.taken("balance_view", list(views), "made")
    if (asked := state.asked_view("balance")) in views:
        st.session_state["balance_view"] = asked
    if st.session_state["balance_view"] not in views:
        st.session_state["balance_view"] = "made"
    view = st.segmented_control(
        "View", list(views), required=True, format_func=VIEWS.get, key="balance_view", label_visibility="collapsed",
    )  # fmt: skip
    links.kept("balance_view", view, "made")
    return view


def _made(data: Dataset, run: RunFolder, lineage: pd.DataFrame, mine: pd.DataFrame, fold: int, finished: bool) -> None:
    protocol(run.config().smote)
    if "exact_neighbours" in lineage and not lineage["exact_neighbours"].all():
        st.caption(
            "There were too many landslides to compare all pairs on this machine: neighbours are the most similar of "
            "candidates that a cheaper measure chose, which finds about nine in ten of the true ones."
        )
    folds = cached.folds(run)
    balance_counts.by_fold(data, balance_counts.fold_counts(data, folds, lineage))
    with st.expander(f"Counts by group, {theme.fold_title(fold)}", icon=":material/stacked_bar_chart:"):
        balance_counts.by_group(data, folds, lineage, fold)
    st.subheader("Synthetic patches and their parents", anchor=False)
    triplets(data, mine, walk=finished)
    spread(mine)
    components.download(lineage, f"{run.name}_smote", "Lineage of all folds")


def preview(data: Dataset) -> None:
    """SSIM-SMOTE on the spot, without a run: a preview, and said to be one."""
    n_positive = int((data.labels == 1).sum())
    if n_positive < 2:
        st.info(
            f"SSIM-SMOTE needs two {literal(data.positive)} patches at the least; this dataset has {n_positive}.",
            icon=":material/info:",
        )
        return
    most = 300
    used = min(n_positive, most)
    st.markdown(
        f"A **preview** of what SSIM-SMOTE makes of {used:,} of the {n_positive:,} {literal(data.positive)} patches, "
        "one synthetic each. It belongs to no run and to no fold."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = st.number_input("Neighbours", 1, 50, 5, key="balance_k", width=140)
        if st.button("Make the preview", type="primary", icon=":material/auto_awesome:", key="balance_preview"):
            st.session_state["balance_previewed"] = data.name
    if st.session_state.get("balance_previewed") != data.name:
        return
    try:
        lineage = cached.smote_preview(data, int(k))
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/error:")
        return
    if lineage.empty:
        st.info("All of these patches are copies of one another; there is nothing in between.", icon=":material/info:")
        return
    triplets(data, lineage)
    spread(lineage)
    components.download(lineage, f"{data.name}_smote_preview", "Lineage of the preview")
