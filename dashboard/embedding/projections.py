"""The maps of a run: which one is shown, and drawing another as a job.

Comes in: a run folder. Goes out: arrays and card of the chosen map, a head's boundary on it. Nothing is computed here:
maps are drawn by a job, a boundary that a map was drawn without by the process that is kept for maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.config import EmbedConfig
from core.errors import LandslideLensError
from core.jobs.analysis_folder import study_of
from core.runs.store import FINAL_STATES, RunFolder
from dashboard import cache
from dashboard.embedding import fidelity
from dashboard.jobs import analyses, model_client
from dashboard.ui import guards

OWN = "own"
KEY = "embedding_map"
STUDY = "embedding"
AWAITED = "embedding_map_awaited"  # the study that this session asked for


@dataclass(frozen=True)
class Drawn:
    """One fold's map. arrays, card: see ``core.flow.embedding_map.draw_fold``. key: what it is kept under."""

    run: RunFolder
    fold: int
    key: str
    arrays: dict[str, np.ndarray]
    card: dict


def chosen_map(run: RunFolder, fold: int) -> Drawn:
    """The picker of the run's maps with the form that draws another; the map that is chosen. May end the page."""
    _adopt(run)
    cards = _cards(str(run.path), fold, cache.file_version(run.fold_path(fold) / "fold.json"))
    own = fidelity.map_title(read(run, fold).card)
    titles = {OWN: f"The run's own: {own}"} | {key: fidelity.map_title(card) for key, card in cards.items()}
    if st.session_state.get(KEY) not in titles:
        st.session_state[KEY] = OWN
    key = st.selectbox("Map", list(titles), format_func=titles.get, key=KEY, width=330)
    with st.popover("Draw another map", icon=":material/scatter_plot:"):
        _form(run)
    return read(run, fold, key)


def read(run: RunFolder, fold: int, key: str = OWN) -> Drawn:
    """A map of this run. Raises RunError where there is none."""
    arrays, card = _read(str(run.path), int(fold), key, cache.file_version(run.fold_path(fold) / "fold.json"))
    return Drawn(run, int(fold), key, arrays, card)


def same_map(drawn: Drawn, run: RunFolder) -> Drawn:
    """Another run's map of the same fold: with the same settings where it has that, or its own."""
    try:
        return read(run, drawn.fold, drawn.key)
    except LandslideLensError:
        return read(run, drawn.fold, OWN)


def heads(run: RunFolder) -> list[str]:
    """The heads whose boundary can be drawn."""
    return _heads(
        str(run.path), cache.file_version(run.path / "rules.json"), cache.file_version(run.fold_path(0) / "fold.json")
    )


def boundary(drawn: Drawn, head: str) -> tuple[np.ndarray, dict]:
    """Values (G, G) and fidelity of a head on this map; computed where the map was drawn without it."""
    name = f"values_{head}"
    if name in drawn.arrays and head in drawn.card.get("heads", {}):
        return drawn.arrays[name], drawn.card["heads"][head]
    looks = cache.file_version(drawn.run.fold_path(drawn.fold) / "fold.json")
    return _boundary(str(drawn.run.path), drawn.fold, drawn.key, head, looks)


def changes(drawn: Drawn, content_hash: str) -> list[str]:
    """What has changed since the map was drawn, as sentences."""
    from core.analyses.embedding.projections import changes as found

    path = drawn.run.fold_path(drawn.fold)
    looks = tuple(cache.file_version(path / name) for name in ("model.safetensors", "embeddings.safetensors"))
    return found(_made_from(str(drawn.run.path), drawn.fold, looks), drawn.card, content_hash)


# ------------------------------------------------------------------------------------------------- drawing anew


def _form(run: RunFolder) -> None:
    if analyses.under_way(run, STUDY):
        st.markdown("A map is being drawn; its progress is below.")
        return
    method = st.radio(
        "Method", ["umap", "tsne", "pca"], format_func=fidelity.METHODS.get, horizontal=True, key="map_method",
        help="UMAP and PCA place new patches by the rule they learnt. t-SNE cannot: held-out patches are put among "
        "their nearest training patches, so look at their neighbours, not at the gaps.",
    )  # fmt: skip
    with st.form("map_form", border=False):
        chosen = {"method": method}
        chosen["metric"] = st.selectbox(
            "Distance between embeddings", list(fidelity.METRICS), format_func=fidelity.METRICS.get,
            help="Standardised Euclidean is how the SVM measures; cosine compares which features are active.",
        )  # fmt: skip
        if method == "umap":
            chosen["n_neighbors"] = st.slider("Neighbours", 2, 200, 15, help="Few: detail. Many: the broad layout.")
            chosen["min_dist"] = st.slider("Least distance", 0.0, 1.0, 0.1, 0.05, help="Small packs groups tightly.")
        if method == "tsne":
            chosen["perplexity"] = st.slider("Perplexity", 5, 200, 30, help="About how many neighbours count.")
        seed = st.number_input("Seed", 0, 999_999, 0, help="What does not stay under another seed is chance.")
        if st.form_submit_button("Draw it for every fold", type="primary"):
            options = {"settings": EmbedConfig(**chosen).model_dump(mode="json"), "seed": int(seed)}
            st.session_state[AWAITED] = study_of(run, STUDY, options).name
            analyses.begin(run, STUDY, options)
    st.caption("Kept in the run folder beside the other maps. A small UMAP takes ten seconds, a large one minutes.")


def progress(run: RunFolder) -> None:
    """How far the map is that is being drawn, or why there is none."""
    analyses.follow(run, STUDY)


def _adopt(run: RunFolder) -> None:
    """Show a map that this session asked for, once it has been drawn."""
    asked = st.session_state.get(AWAITED)
    found = analyses.newest(run, STUDY)
    if asked is None or found is None or found.name != asked:
        return
    status = guards.run_state(found)
    if status["state"] == "succeeded":
        st.session_state[KEY] = status["result"]["map"]
    if status["state"] in FINAL_STATES:
        st.session_state.pop(AWAITED)


# ------------------------------------------------------------------------------------------------------- caches


@st.cache_data(max_entries=24, show_spinner=False)
def _cards(path: str, fold: int, version: cache.Version) -> dict[str, dict]:
    return cache.run(path).maps(fold)


@st.cache_resource(max_entries=16, show_spinner=False)
def _read(path: str, fold: int, key: str, version: cache.Version) -> tuple[dict[str, np.ndarray], dict]:
    run = cache.run(path)
    return run.umap(fold) if key == OWN else run.map(fold, key)


@st.cache_data(max_entries=24, show_spinner=False)
def _heads(path: str, *version: cache.Version) -> list[str]:
    from core.flow.embedding_map import heads_of

    return list(heads_of(cache.run(path)))


@st.cache_data(max_entries=48, show_spinner="Drawing the boundary…")
def _boundary(path: str, fold: int, key: str, head: str, version: cache.Version) -> tuple[np.ndarray, dict]:
    request = {"do": "boundary", "run": path, "fold": fold, "key": key, "head": head}
    found = model_client.placing().ask(request)
    return np.array(found["values"], np.float32), found["card"]


@st.cache_data(max_entries=24, show_spinner=False)
def _made_from(path: str, fold: int, looks: tuple[cache.Version, ...]) -> dict[str, str]:
    return cache.run(path).made_from(fold)
