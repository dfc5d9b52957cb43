"""Synthetic patches beside their two parents, sorted and paged; how similar the parents are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import Composite, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cache
from dashboard.balance import interpolation
from dashboard.balance.charts import lineage_scatter
from dashboard.balance.pictures import blend
from dashboard.patches import gallery, outcomes, render
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

ORDERS = {
    "Most similar parents first": ("ssim", False),
    "Least similar parents first": ("ssim", True),
    "Highest anchor weight first": ("anchor_weight", False),
    "Lowest anchor weight first": ("anchor_weight", True),
    "In the order of creation": ("synthetic", True),
}
TRIPLETS_PER_PAGE = 6


def triplets(data: Dataset, lineage: pd.DataFrame, interpolate: bool = False) -> None:
    """Anchor, neighbour and the synthetic patch between them, in any band or composite.

    interpolate: whether each leads to its interpolation, which needs a finished run.
    """
    by_name = {composite.name: composite for composite in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Order", list(ORDERS), key="balance_order", width=250)
        composite = by_name[st.selectbox("Shown as", list(by_name), key="balance_composite", width=300)]
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
        drawn = pictures(data, page, composite, stretch)
    except LandslideLensError as error:
        show_error(error)
        return
    with st.grid(min_column_width=420, gap="medium"):
        for (_, row), three in zip(page.iterrows(), drawn, strict=True):
            _triplet(row, three, interpolate)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(ordered):,} synthetic patches, page {number} of {pages}.", width="content")
        if pages > 1:
            st.pagination(pages, key="balance_page")
    st.caption(
        "Each synthetic patch is recomputed as weight × anchor + (1 − weight) × neighbour in the bands' own units, as "
        "training saw it before normalisation (which sets no-data to the band's centre). SSIM compares the two "
        "parents. The difference is between the synthetic patch and its anchor in the bands shown, brightest at half "
        "their range."
    )


def pictures(data: Dataset, page: pd.DataFrame, composite: Composite, stretch: str) -> list[list[np.ndarray]]:
    """For each row its anchor, neighbour, synthetic patch and its difference from the anchor, as RGB pictures.

    The first three on one scale; the last is :func:`difference`.
    """
    anchors, neighbours = (cache.images(data, data.index_of(page[name].tolist())) for name in ("anchor", "neighbour"))
    made = blend(anchors, neighbours, page["anchor_weight"].to_numpy(np.float32))
    shared = render.dataset_limits(data.statistics)
    drawn = []
    for three in zip(anchors, neighbours, made, strict=True):
        limits = render.patch_limits(np.concatenate(three, axis=1)) if stretch == "patch" else shared
        seen = [render.picture(image, data.band_names, composite, limits) for image in three]
        shown = [list(data.band_names).index(name) for name in composite.bands]
        drawn.append([*seen, difference(three[0][shown], three[2][shown], limits[shown])])
    return drawn


def difference(anchor: np.ndarray, made: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How far a synthetic patch is from its anchor in the bands shown, (n, H, W): RGB, brightest at half their range.

    limits: (n, 3) of display; the bands' distances are averaged.
    """
    span = np.maximum(limits[:, 2] - limits[:, 0], 1e-12)[:, None, None]
    distance = np.nan_to_num(np.abs(made.astype(np.float64) - anchor) / span).mean(axis=0)
    rgb = np.round(render.colours(np.clip(2.0 * distance, 0.0, 1.0))).astype(np.uint8)
    return render.enlarge(rgb, render.PICTURE_PX)


def _triplet(row: pd.Series, three: list[np.ndarray], interpolate: bool) -> None:
    weight = float(row["anchor_weight"])
    captions = (
        f"**Anchor** × {weight:.2f}  \n{escape_markdown(row['anchor'])}",
        f"**Neighbour** × {1 - weight:.2f}  \n{escape_markdown(row['neighbour'])}",
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
        if interpolate:
            st.button(
                "Interpolate", key=f"balance_interpolate_{row['synthetic']}", type="tertiary", icon=":material/route:",
                on_click=interpolation.open_for, args=(str(row["synthetic"]),),
                help="From the neighbour through the anchor to the other class, with the model's predictions.",
            )  # fmt: skip


def spread(lineage: pd.DataFrame) -> None:
    """How similar the parents are, and how much of the anchor is kept."""
    downloads.show(lineage_scatter(lineage), key="balance_spread")
    st.caption(
        f"{len(lineage):,} synthetic patches. SSIM: mean {lineage['ssim'].mean():.3f}, "
        f"lowest {lineage['ssim'].min():.3f}; anchor weight: mean {lineage['anchor_weight'].mean():.2f}."
    )
