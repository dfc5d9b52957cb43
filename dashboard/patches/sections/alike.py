"""The training patches that a patch is most like, of each class, and the synthetic patches that were made of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.errors import LandslideLensError
from core.flow.one_patch import made_from
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import gallery, render, tiles
from dashboard.patches.sections.opened import Opened
from dashboard.ui.formatting import count, escape_markdown

TILE_PX, A_ROW = 96, 5  # least width of a neighbour; how many stand in a row at most
MOST_MADE = 3  # synthetic patches that are shown


def draw(opened: Opened) -> None:
    """Both strips side by side, the patch's own class first, and what was made from it."""
    if opened.near is None or not len(opened.near.index):
        st.info(
            "This run kept no embeddings, so that nothing says which patches the network finds alike. Runs that are "
            "trained now keep them.",
            icon=":material/scatter_plot:",
        )
        return
    _two_strips(opened)
    if opened.run is not None:
        _made(opened, opened.run)


def _two_strips(opened: Opened) -> None:
    data, near, own = opened.data, opened.near, opened.label
    labels = data.labels[near.index]
    order = (own, 1 - own) if own >= 0 else (1, 0)
    if own >= 0:
        said = f"**{int((labels == own).sum())} of the {len(labels)} nearest** training patches share its label."
    else:
        said = f"**{int((labels == 1).sum())} of the {len(labels)} nearest** are {escape_markdown(data.positive)}."
    fold = opened.scores["fold"] if opened.scores else 0
    st.markdown(
        said,
        help=f"In the embedding of {theme.fold_title(fold)}'s network, among the patches that it was trained on; this "
        "patch is not one of them. A distance counts only against other distances of the same fold.",
    )
    for column, label in zip(st.columns(2, gap="medium"), order, strict=True):
        index, distance = near.by_label[label]
        which = "Same class" if label == own else "Other class" if own >= 0 else "Class"
        with column:
            least = f" · nearest {distance[0]:.2f} away" if len(distance) else ""
            st.markdown(f"{which}: **{escape_markdown(data.class_names[label])}**{least}")
            _strip(opened, index, distance, label)


def _strip(opened: Opened, index: np.ndarray, distance: np.ndarray, label: int) -> None:
    data = opened.data
    if not len(index):
        st.caption("The training part of this fold has none.")
        return
    ids = data.ids[index].astype(str).tolist()
    drawn = gallery.pictures(data, ids, _plain(opened))
    made = [
        tiles.tile(one, rgb, f"{away:.2f}", chip=tiles.class_chip(data, label), more=f"{away:.2f} away")
        for one, rgb, away in zip(ids, drawn, distance, strict=True)
    ]
    words = f"Nearest training patches labelled {data.class_names[label]}"
    tiles.draw(tiles.payload(made, words, px=TILE_PX, columns=A_ROW), f"card_near_{label}", tiles.open_patch)


def _plain(opened: Opened) -> gallery.Look:
    return replace(opened.look, opacity=0.0, mask=False, raw=False)


# ------------------------------------------------------------------------------------------ synthetic patches


def _made(opened: Opened, run: RunFolder) -> None:
    """Synthetic landslides with this patch as a parent; nothing where there are none."""
    made = _made_of(str(run.path), opened.patch_id, tuple(_versions(run)))
    if made.empty:
        return
    folds = sorted(int(fold) + 1 for fold in made["fold"].unique())
    names = ", ".join(map(str, folds))
    st.markdown(
        f"**Parent of {count(len(made))} synthetic {'patch' if len(made) == 1 else 'patches'}** in the training "
        f"part{'s' if len(folds) > 1 else ''} of fold{'s' if len(folds) > 1 else ''} {names}.",
        help="Made by SMOTE from this patch and another landslide. Those that hold most of this patch come first.",
    )
    shown = _pairs(opened, made)
    if not shown:
        st.caption("The other parents are not in this dataset any more.")
        return
    with st.grid(len(shown), min_column_width=240, gap="medium"):
        for row, pictures in shown:
            with st.container(gap=None):
                st.image(pictures, width="stretch", alt=f"This patch, {row.synthetic}, {row.other}")
                words = f"{row.weight:.0%} of this patch, {1 - row.weight:.0%} of {escape_markdown(row.other)}"
                like = f" · SSIM {row.ssim:.2f}" if np.isfinite(row.ssim) else ""
                st.caption(
                    (words if row.other else "A repetition of this patch") + f" · {theme.fold_title(row.fold)}{like}"
                )
    st.caption("Left this patch, right the other parent, between them the synthetic patch, mixed in the bands' units.")


def _pairs(opened: Opened, made: pd.DataFrame) -> list[tuple]:
    """The first few with their pictures: this patch, the synthetic one, the other parent."""
    data, shown, side = opened.data, [], render.PICTURE_PX // 2
    own = set(opened.look.composite.bands) <= set(data.band_names)
    composite = opened.look.composite if own else composites(data.bands)[0]
    look = replace(_plain(opened), composite=composite, stretch="dataset")
    limits = render.dataset_limits(data.statistics)
    for row in made.drop_duplicates("other").head(MOST_MADE).itertuples():
        try:
            ids = [opened.patch_id, row.other or opened.patch_id]
            rows = data.index_of(ids)
            here, other = gallery.pictures(data, ids, look, side=side)
        except LandslideLensError:
            continue
        images = cache.images(data, rows)
        mixed = row.weight * images[0] + (1 - row.weight) * images[1]
        child = render.picture(mixed, data.band_names, composite, limits, side, look.smooth)
        gap = np.full((here.shape[0], 4, 3), 255, np.uint8)
        shown.append((row, np.concatenate([here, gap, child, gap, other], axis=1)))
    return shown


def _versions(run: RunFolder) -> list[cache.Version]:
    return [cache.file_version(run.fold_path(k) / "smote.parquet") for k in range(run.config().folds.n_splits)]


@st.cache_data(max_entries=128, show_spinner=False)
def _made_of(path: str, patch_id: str, versions: tuple[cache.Version, ...]) -> pd.DataFrame:
    return made_from(cache.run(path), patch_id)
