"""Find more like this: the unseen patches that a network finds most like one landslide."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.runs.store import RunFolder
from core.stats.design_effect import share_interval
from dashboard import cache, stakeholder, theme, url_state
from dashboard.patches import card, gallery
from dashboard.tour import parts
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import class_word, percent

K, FOLD, KEY = 8, 0, "tour_like"
MOST = 40  # landslides to choose from


def view(run: RunFolder) -> None:
    """The stop."""
    data = guards.or_stop(lambda: cache.dataset(run.dataset_path()))
    known = guards.or_stop(run.embeddings, FOLD)["embeddings"]
    oof = guards.or_stop(run.oof)
    held = oof[(oof["fold"] == FOLD) & (oof["label"] >= 0)]
    rows = data.index_of(held["id"].astype(str).tolist())
    labels = held["label"].to_numpy(int)
    groups = held["group"].astype(str).to_numpy() if "group" in held else np.arange(len(held)).astype(str)
    near = nearest(known[rows], groups)
    ids = held["id"].astype(str).to_numpy()
    asked = [name for name, label in zip(ids, labels, strict=True) if label == 1][:MOST]
    if not asked or near.shape[1] < 1:
        st.info("This fold holds out no landslide to look for.", icon=":material/image_search:")
        return
    chosen = url_state.choose(st.selectbox, "A landslide", asked, key=KEY, default=asked[0], width=260)
    at = int(np.flatnonzero(ids == chosen)[0])
    hits = labels[near[labels == 1]] == 1
    share, low, high = share_interval(hits.ravel().astype(float), np.repeat(groups[labels == 1], near.shape[1]))
    parts.said(
        f"Show it one landslide, and {100 * share:.0f} of 100 places that it finds alike are landslides too; among all "
        f"places {100 * labels.mean():.0f} of 100 are."
    )
    table = pd.DataFrame({"id": ids[near[at]], "label": labels[near[at]], "rank": np.arange(1, near.shape[1] + 1)})
    table["outcome"] = None
    look = gallery.Look(composites(data.bands)[0])
    left, right = st.columns([1, 3], gap="medium")
    with left:
        st.markdown("**This one**")
        st.image(
            gallery.pictures(data, [chosen], look, side=320)[0], width="stretch", alt=f"Patch {chosen}, landslide",
            output_format="PNG",
        )  # fmt: skip
        parts.big_number(
            "Alike and a landslide", percent(share, 0), f"{low:.0%}–{high:.0%}",
            f"Of the {near.shape[1]} most alike unseen patches of other scenes, for each of the {len(hits):,} "
            f"landslides that {theme.fold_title(FOLD)} holds out (of n = {len(ids):,}); cosine distance in that fold's "
            f"embedding. "
            f"Groups kept together. Among all of them {labels.mean():.1%} are landslides.",
        )  # fmt: skip
        downloads.download(table.drop(columns="outcome"), f"alike_{chosen}", "The list (CSV)", key="tour_alike_csv")
    with right:
        st.markdown("**More like it**, the most alike first")
        _pictures(run, data, table, look)


def _pictures(run: RunFolder, data: Dataset, table: pd.DataFrame, look: gallery.Look) -> None:
    """The patches with their class; a click opens one, but for stakeholders, who have nothing to do there."""
    if not stakeholder.is_on():
        gallery.gallery(
            data, table, look, "tour_alike", columns=4,
            caption=lambda row: class_word(data, int(row["label"])),
        )  # fmt: skip
        card.show_opened(data, run, table["id"].tolist())
        return
    drawn = gallery.pictures(data, table["id"].tolist(), look, side=240)
    with st.grid(4, min_column_width=120, gap="small"):
        for row, rgb in zip(table.itertuples(), drawn, strict=True):
            words = "Landslide" if row.label == 1 else "Other ground"
            st.image(rgb, caption=words, width="stretch", alt=f"{words}, patch {row.id}", output_format="PNG")


def nearest(embeddings: np.ndarray, groups: np.ndarray, k: int = K) -> np.ndarray:
    """(N, k) positions of the most alike rows of other groups, by cosine; fewer where there are not as many."""
    rows = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    alike = rows @ rows.T
    alike[groups[:, None] == groups[None, :]] = -np.inf
    k = max(0, min(k, int(np.isfinite(alike).sum(axis=1).min(initial=len(rows)))))
    return np.argsort(-alike, axis=1, kind="stable")[:, :k]
