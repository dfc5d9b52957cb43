"""What a patch is like: its nearest neighbours in the embedding of one fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.embedding.projections import nearest_patches
from core.config import EmbedConfig
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.embedding import fidelity
from dashboard.embedding.projections import Drawn
from dashboard.patches import gallery, outcomes
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

K = 6  # neighbours of each part
NEAREST = "embedding_near"
MORE = "embedding_more"  # what is shown below the map


def ask(patch_id: str) -> None:
    """Callback: show the neighbours of this patch."""
    st.session_state[MORE], st.session_state[NEAREST] = "near", patch_id


def neighbours(drawn: Drawn, data: Dataset, ids: Sequence[str], head: str) -> list[str]:
    """The patches that this fold's network finds most like one patch; the ids shown."""
    options = list(dict.fromkeys([*ids[:50], *_first_of(drawn, data)]))
    if not options:
        st.markdown("This fold holds out no patches.")
        return []
    patch_id = url_state.choose(
        st.selectbox, "Of patch", options, key=NEAREST, default=options[0], width=330, format_func=gallery.short,
        help="Patches selected above come first, then the fold's held-out ones.",
    )  # fmt: skip
    row = int(data.index_of([patch_id])[0])
    fold = drawn.run.fold_path(drawn.fold)
    versions = cache.file_versions(*(fold / name for name in ("embeddings.safetensors", "head_rows.safetensors")))
    try:
        parts = _nearest(str(drawn.run.path), drawn.fold, row, _metric(drawn), versions)
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return []
    label = label_of(data, row)
    st.caption(
        f"{escape_markdown(patch_id)}, {escape_markdown(label)}. Nearest in the embedding of "
        f"{theme.fold_title(drawn.fold)}'s network ({fidelity.METRICS[_metric(drawn)]} distance), not on the "
        "projection. Each fold has its own embedding."
    )
    look = gallery.look_controls(data, "embedding_near")
    shown = [patch_id]
    judged = judged_by(drawn.run, head)
    for words, (index, distance) in zip(("Training part", "Held out"), parts, strict=True):
        same = sum(data.labels[i] == data.labels[row] for i in index)
        st.markdown(f"**{words}** · {same} of {len(index)} share its label")
        shown += gallery_row(data, index, distance, judged, look, f"near_{words}")
    return shown


def gallery_row(
    data: Dataset, index: np.ndarray, distance: np.ndarray, judged: pd.DataFrame, look: gallery.Look, key: str
) -> list[str]:
    """The patches at these rows of the dataset with their distances and out-of-fold decisions; their ids."""
    ids = data.ids[index].astype(str).tolist()
    table = pd.DataFrame({"id": ids, "distance": distance, "label": [label_of(data, i) for i in index]})
    table = table.merge(judged[["id", "prob", "outcome"]], on="id", how="left")
    if table["outcome"].isna().any():
        table = table.drop(columns="outcome")

    def caption(row: pd.Series) -> str:
        prob = f" · p {row['prob']:.2f}" if row["prob"] == row["prob"] else ""
        return f"{escape_markdown(row['label'])}{prob}  \n{row['distance']:.3f} away"

    gallery.gallery(data, table, look, key, caption=caption)
    return ids


def _first_of(drawn: Drawn, data: Dataset) -> list[str]:
    oof = drawn.run.oof()
    return oof.loc[oof["fold"] == drawn.fold, "id"].astype(str).tolist()


def judged_by(run: RunFolder, head: str) -> pd.DataFrame:
    """The out-of-fold decisions of a head, or of the headline head where that has none."""
    oof, summary = run.oof(), run.summary()
    name = head if f"prob_{head}" in oof else summary["head"]
    return outcomes.judged(oof, name, outcomes.thresholds_of(summary, name)).astype({"id": str})


def label_of(data: Dataset, row: int) -> str:
    """The class of this row of the dataset, in a word."""
    label = int(data.labels[row])
    return "unlabelled" if label < 0 else data.class_names[label]


def _metric(drawn: Drawn) -> str:
    return drawn.card.get("settings", {}).get("metric", "euclidean")


@st.cache_data(max_entries=64, show_spinner=False)
def _nearest(
    path: str, fold: int, row: int, metric: str, versions: tuple[cache.Version, ...]
) -> list[tuple[np.ndarray, np.ndarray]]:
    parts = nearest_patches(cache.run(path), fold, row, K, EmbedConfig(metric=metric))
    return [(part.index, part.distance) for part in parts]
