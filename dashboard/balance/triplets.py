"""One synthetic patch, large, beside its two parents and its difference; a strip of the others to choose from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import Composite, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import theme, url_state
from dashboard.balance import interpolation, pictures
from dashboard.balance.charts import difference_picture
from dashboard.patches import drawn_once, gallery, tiles
from dashboard.ui import downloads, paging
from dashboard.ui.formatting import escape_markdown, number
from dashboard.ui.messages import show_error

ORDERS = {
    "Most similar parents first": ("ssim", False),
    "Least similar parents first": ("ssim", True),
    "Highest anchor weight first": ("anchor_weight", False),
    "Lowest anchor weight first": ("anchor_weight", True),
    "In the order of creation": ("synthetic", True),
}
ORDER, PAGE, CHOSEN = "balance_order", "balance_page", pictures.CHOSEN
PER_PAGE, TILE_PX = 18, 60  # small pictures in the strip, and the least width of one
LARGE_PX, DIFFERENCE_PX = 512, 300
MOST_WIDTH_PX = 1120  # of the row on wide screens, so that it and the strip are seen together


def triplets(
    data: Dataset,
    lineage: pd.DataFrame,
    fold_picker: bool,
    interpolate: bool = False,
    more: Callable[[], None] | None = None,
) -> pd.Series | None:
    """Anchor, neighbour and the synthetic patch between them, the difference, and the strip; the one that is large.

    fold_picker: whether lineage is of a run's folds. interpolate: whether it leads to its interpolation, which needs a
    finished run. more: draws what else to see, where there are few.
    """
    by_name = {composite.name: composite for composite in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="center"):
        if fold_picker:
            lineage = pictures.of_chosen_fold(lineage, label_visibility="collapsed")
        order = next(iter(ORDERS))
        if len(lineage) > 1:
            order = url_state.choose(
                st.selectbox, "Order", list(ORDERS), key=ORDER, default=order, width=240, label_visibility="collapsed",
                on_change=_from_the_start,
                help="Similarity is the SSIM of the two parents; the anchor weight is the share of the anchor.",
            )  # fmt: skip
        with st.popover("Picture", icon=":material/tune:"):
            composite = by_name[gallery.composite_picker(list(by_name), "balance")]
            stretch = pictures.stretch_picker("balance_stretch")
        by, ascending = ORDERS[order]
        ordered = lineage.sort_values([by, "synthetic"], ascending=[ascending, True], kind="stable")
        names = ordered["synthetic"].astype(str).tolist()
        at = names.index(_chosen(names))
        if len(names) > 1:
            _stepper(names, at)
    row = ordered.iloc[at]
    page, _, pages = paging.of(ordered, PAGE, PER_PAGE)
    try:
        large = pictures.of_triplet(data, row, composite, stretch, LARGE_PX)
        small = pictures.of_synthetics(data, page, composite, stretch)
    except LandslideLensError as error:
        show_error(error)
        return None
    with st.container(width=MOST_WIDTH_PX, gap="small"):
        with st.grid(3, wrap=False, min_column_width=96, gap="small"):
            _parent("Anchor", "anchor", float(row["anchor_weight"]), row, large[0])
            _parent("Neighbour", "neighbour", 1 - float(row["anchor_weight"]), row, large[1])
            _synthetic(row, large[2], interpolate)
        below = st.grid(3, min_column_width=200, gap="small")
        with below.cell(column_span=2):
            if len(names) > 1:
                _others(page, small, str(row["synthetic"]), by)
                with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                    st.caption(f"{len(names):,} synthetic patches, {by_words(by)} below each.", width="content")
                    paging.pages(pages, PAGE, max_visible_pages=5, on_change=_first_of_page)
            else:
                st.caption(f"The only synthetic patch here: {escape_markdown(lineage_words(row))}.")
            if more:
                more()
        with below.cell():
            _difference(data, row, composite)
    return row


def by_words(by: str) -> str:
    """What stands below the small pictures, for this order."""
    return "anchor weight" if by == "anchor_weight" else "SSIM of the parents"


# ------------------------------------------------------------------------------------------------- which is large


def _chosen(names: list[str]) -> str:
    """The one that is large: what the link names or the strip chose; else the first of the page that is open."""
    linked = PAGE not in st.query_params and st.query_params.get(CHOSEN) not in (None, st.session_state.get(CHOSEN))
    url_state.read_query_param(CHOSEN, names, None)
    if st.session_state[CHOSEN] not in names:
        st.session_state[CHOSEN] = None
        url_state.read_query_number(PAGE, 1, paging.MOST_PAGES, 1)
        start = (int(st.session_state[PAGE]) - 1) * PER_PAGE
        chosen = names[start if start < len(names) else 0]
    else:
        chosen = str(st.session_state[CHOSEN])
        if linked:
            st.session_state[PAGE] = names.index(chosen) // PER_PAGE + 1
    url_state.write_query_param(CHOSEN, st.session_state[CHOSEN], None)
    return chosen


def _choose(name: str, page: int | None = None) -> None:
    st.session_state[CHOSEN] = name
    if page:
        st.session_state[PAGE] = page


def _from_the_start() -> None:
    """Callback of another order: its first is large, on its first page."""
    _first_of_page()
    url_state.forget(PAGE)
    st.query_params.pop(PAGE, None)


def _first_of_page() -> None:
    """Callback of another page: its first is large."""
    url_state.forget(CHOSEN)
    st.query_params.pop(CHOSEN, None)


def _stepper(names: list[str], at: int) -> None:
    for label, icon, to in (("Previous", "arrow_back", at - 1), ("Next", "arrow_forward", at + 1)):
        there = 0 <= to < len(names)
        st.button(
            label, icon=f":material/{icon}:", key=f"balance_{label.lower()}", disabled=not there, on_click=_choose,
            args=(names[to], to // PER_PAGE + 1) if there else (names[at],),
        )  # fmt: skip
    st.caption(f"{at + 1:,} of {len(names):,}", width="content")


# ------------------------------------------------------------------------------------------------------- pictures


def lineage_words(row: pd.Series) -> str:
    """Where a synthetic patch comes from, in a sentence; ids as they are written."""
    fold = f", {theme.fold_title(row['fold'])}" if int(row.get("fold", -1)) >= 0 else ""
    return f"{row['synthetic']}{fold}: {mix_words(row)}; seed {row['seed']}"


def mix_words(row: pd.Series) -> str:
    """What of which parents it is made of, and how alike they are."""
    weight = float(row["anchor_weight"])
    return (
        f"{weight:.3f} × {row['anchor']} + {1 - weight:.3f} × {row['neighbour']}; "
        f"SSIM of the parents {number(row['ssim'])}"
    )


def _parent(title: str, column: str, weight: float, row: pd.Series, rgb: np.ndarray) -> None:
    patch_id = str(row[column])
    with st.container(gap="xxsmall"):
        drawn_once.image(rgb, f"{title} {patch_id}")
        sign = "λ" if column == "anchor" else "1 − λ"
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(f"**{title}**, {sign} = **{weight:.2f}**", width="content")
            st.button(
                escape_markdown(gallery.short(patch_id)), key=f"balance_open_{column}", type="tertiary",
                icon=":material/open_in_full:", help=f"Open {escape_markdown(patch_id)}", on_click=gallery.open_patch,
                args=(patch_id,),
            )  # fmt: skip


def _synthetic(row: pd.Series, rgb: np.ndarray, interpolate: bool) -> None:
    with st.container(gap="xxsmall"):
        drawn_once.image(rgb, f"Synthetic patch {lineage_words(row)}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                f"**Synthetic**, SSIM **{number(row['ssim'], 2)}**", width="content",
                help=f"{escape_markdown(lineage_words(row))}. SSIM is the structural similarity of the two parents, "
                "from −1 to 1.",
            )  # fmt: skip
            if interpolate:
                st.button(
                    "Interpolate", key=f"balance_interpolate_{row['synthetic']}", type="tertiary",
                    icon=":material/route:", on_click=interpolation.open_for, args=(str(row["synthetic"]),),
                    help="From the neighbour through the anchor to the other class, with the model's predictions.",
                )  # fmt: skip


def _others(page: pd.DataFrame, small: list[np.ndarray], chosen: str, by: str) -> None:
    column = by if by == "anchor_weight" else "ssim"
    made = [
        tiles.tile(str(row["synthetic"]), rgb, number(row[column], 2), more=mix_words(row))
        for (_, row), rgb in zip(page.iterrows(), small, strict=True)
    ]
    label = "Synthetic patches; choose one to see it large"
    tiles.draw(tiles.payload(made, label, px=TILE_PX, current=chosen), "balance_strip_tiles", _choose)


def _difference(data: Dataset, row: pd.Series, composite: Composite) -> None:
    values, unit = pictures.difference(data, row, composite)
    downloads.show(difference_picture(values, unit), key="balance_difference", width=DIFFERENCE_PX)
    bands = {band.name: band.title for band in data.bands}
    shown = ", ".join(escape_markdown(bands[name]) for name in composite.bands)
    mean = "mean of " if len(composite.bands) > 1 else ""
    st.caption(f"**Synthetic − anchor** ({mean}{shown})")
