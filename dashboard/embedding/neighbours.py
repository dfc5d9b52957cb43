"""What a patch is like: its nearest neighbours in one fold's embedding, and new patches placed on the map.

Comes in: a drawn map, an open dataset. It draws with Streamlit; what computes lives in ``core`` and is loaded when it
is asked for. New patches are embedded and placed by a process of their own, which is kept warm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.embedding import fidelity
from dashboard.embedding.projections import Drawn
from dashboard.patches import gallery, outcomes
from dashboard.ui.formatting import escape_markdown

K = 6  # neighbours of each part
NEAREST = "embedding_near"


# -------------------------------------------------------------------------------------------------- neighbours


def neighbours(drawn: Drawn, data: Dataset, ids: Sequence[str], head: str) -> list[str]:
    """The patches that this fold's network holds to be like one patch; the ids shown."""
    st.subheader("Nearest neighbours", anchor=False)
    options = list(dict.fromkeys([*ids[:50], *_first_of(drawn, data)]))
    if st.session_state.get(NEAREST) not in options:
        st.session_state[NEAREST] = options[0] if options else None
    if not options:
        st.markdown("This fold holds out no patch.")
        return []
    patch_id = st.selectbox(
        "Of patch", options, key=NEAREST, width=330, format_func=gallery.short,
        help="Patches selected on a map come first, then the fold's held-out ones.",
    )  # fmt: skip
    row = int(data.index_of([patch_id])[0])
    try:
        parts = _alike(
            str(drawn.run.path),
            drawn.fold,
            row,
            _metric(drawn),
            cache.file_version(drawn.run.fold_path(drawn.fold) / "fold.json"),
        )
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/broken_image:")
        return []
    label = _label(data, row)
    st.caption(
        f"{escape_markdown(patch_id)}, {escape_markdown(label)}, among the embeddings of {theme.fold_title(drawn.fold)}'s network, "
        f"{fidelity.METRICS[_metric(drawn)]} distance: not places on the map. Other folds have other spaces."
    )
    look = gallery.look_controls(data, "embedding_near")
    shown = [patch_id]
    judged = _judged(drawn.run, head)
    for words, (index, distance) in zip(("Training part", "Held out"), parts, strict=True):
        same = sum(data.labels[i] == data.labels[row] for i in index)
        st.markdown(f"**{words}** · {same} of {len(index)} have its label")
        shown += _row_of(data, index, distance, judged, look, f"near_{words}")
    return shown


def _row_of(
    data: Dataset, index: np.ndarray, distance: np.ndarray, judged: pd.DataFrame, look: gallery.Look, key: str
) -> list[str]:
    ids = data.ids[index].astype(str).tolist()
    table = pd.DataFrame({"id": ids, "distance": distance, "label": [_label(data, i) for i in index]})
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


def _judged(run: RunFolder, head: str) -> pd.DataFrame:
    oof, summary = run.oof(), run.summary()
    name = head if f"prob_{head}" in oof else summary["head"]
    return outcomes.judged(oof, name, outcomes.thresholds_of(summary, name)).astype({"id": str})


def _label(data: Dataset, row: int) -> str:
    label = int(data.labels[row])
    return "unlabelled" if label < 0 else data.class_names[label]


def _metric(drawn: Drawn) -> str:
    return drawn.card.get("settings", {}).get("metric", "euclidean")


@st.cache_data(max_entries=64, show_spinner=False)
def _alike(path: str, fold: int, row: int, metric: str, version: cache.Version) -> list[tuple[np.ndarray, np.ndarray]]:
    from core.analyses.embedding.projections import alike
    from core.config import EmbedConfig

    parts = alike(cache.run(path), fold, row, K, EmbedConfig(metric=metric))
    return [(part.index, part.distance) for part in parts]


# ------------------------------------------------------------------------------------------------- new patches
