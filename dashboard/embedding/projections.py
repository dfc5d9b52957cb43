"""The projections of a run: which one is shown, making another as a job, a head's boundary on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.analyses.embedding import projections as core_projections
from core.analyses.embedding.projections import NAME, OWN
from core.errors import LandslideLensError
from core.flow.embedding_map import heads_of
from core.runs.store import FINAL_STATES, RunFolder
from dashboard import cache, url_state
from dashboard.embedding import fidelity
from dashboard.jobs import analyses, model_client
from dashboard.ui import guards

KEY = "embedding_projection"
NOT_ASKED = {  # settings that a method does not use
    "umap": ("perplexity",),
    "tsne": ("n_neighbors", "min_dist"),
    "pca": ("n_neighbors", "min_dist", "perplexity"),
}


@dataclass(frozen=True)
class Drawn:
    """One fold's projection. arrays, card: see ``core.flow.embedding_map.draw_fold``. key: what it is kept under."""

    run: RunFolder
    fold: int
    key: str
    arrays: dict[str, np.ndarray]
    card: dict


def chosen(run: RunFolder, fold: int) -> Drawn:
    """The projection that is chosen, before :func:`controls`. Raises RunError where the run has none."""
    _show_what_was_asked_for(run)
    url_state.read_query_param(KEY, list(_titles(run, fold)), OWN)
    if st.session_state[KEY] not in _titles(run, fold):
        st.session_state[KEY] = OWN
    return read(run, fold, st.session_state[KEY])


def controls(run: RunFolder, fold: int) -> None:
    """The picker of the run's projections, with the form that makes another."""
    titles = _titles(run, fold)
    url_state.choose(st.selectbox, "Projection", list(titles), key=KEY, default=OWN, format_func=titles.get)
    st.markdown("**New projection**")
    _form(run)


def _titles(run: RunFolder, fold: int) -> dict[str, str]:
    titles = {OWN: f"The run's own: {fidelity.projection_title(read(run, fold).card)}"}
    return titles | {key: fidelity.projection_title(card) for key, card in core_projections.cards(run, fold).items()}


def read(run: RunFolder, fold: int, key: str = OWN) -> Drawn:
    """A projection of this run. Raises RunError where there is none."""
    return Drawn(run, int(fold), key, *core_projections.projection(run, int(fold), key))


def same_projection(drawn: Drawn, run: RunFolder) -> Drawn:
    """Another run's projection of the same fold: with the same settings where it has that, or its own."""
    try:
        return read(run, drawn.fold, drawn.key)
    except LandslideLensError:
        return read(run, drawn.fold, OWN)


def heads(run: RunFolder) -> list[str]:
    """The heads whose boundary can be drawn."""
    return list(heads_of(run))


def boundary(drawn: Drawn, head: str) -> tuple[np.ndarray, dict]:
    """Values (G, G) and fidelity of a head on this projection; computed where it was made without this head."""
    name = f"values_{head}"
    if name in drawn.arrays and head in drawn.card.get("heads", {}):
        return drawn.arrays[name], drawn.card["heads"][head]
    return _boundary(str(drawn.run.path), drawn.fold, drawn.key, head, versions(drawn))


def versions(drawn: Drawn) -> tuple[cache.Version, ...]:
    """Of all files that its map is drawn from, but for the dataset's."""
    run, fold = drawn.run, drawn.run.fold_path(drawn.fold)
    made = core_projections.made_of(run, drawn.fold, drawn.key)
    of_run = (run.path / name for name in ("oof.parquet", "summary.json", "rules.json"))
    of_fold = (fold / name for name in ("scores.safetensors", "refit.safetensors", "smote.parquet"))
    return cache.file_versions(made, *of_run, *of_fold)


def changes(drawn: Drawn, content_hash: str) -> list[str]:
    """What has changed since the projection was made, as sentences."""
    run, fold = drawn.run, drawn.run.fold_path(drawn.fold)
    read_for_it = run.path / "provenance.json", fold / "model.safetensors", fold / "embeddings.safetensors"
    made_from = _made_from(str(run.path), drawn.fold, cache.file_versions(*read_for_it))
    return core_projections.changes(made_from, drawn.card, content_hash)


# --------------------------------------------------------------------------------------------- making another


def _form(run: RunFolder) -> None:
    method = st.radio(
        "Method", list(fidelity.METHODS), format_func=fidelity.METHODS.get, horizontal=True, key="projection_method",
        help="UMAP and PCA place new patches with the fitted projection. t-SNE cannot: held-out patches are placed "
        "among their nearest training patches, so read their neighbours, not the gaps.",
    )  # fmt: skip
    hidden = ("method", "grid", *NOT_ASKED[method])
    analyses.options_form(run, NAME, "Project every fold", {"method": method}, hidden, key=f"projection_{method}")
    st.caption(
        "Kept in the run folder with the other projections. A small UMAP takes ten seconds, a large one minutes."
    )


def progress(run: RunFolder) -> None:
    """How far the projection is that is being made, or why there is none."""
    analyses.follow(run, NAME)


def _show_what_was_asked_for(run: RunFolder) -> None:
    """Choose a projection that this session asked for, once it has been made."""
    job = analyses.newest(run, NAME)
    if job is None or not analyses.asked_here(job):
        return
    status = guards.run_state(job)
    if status["state"] in FINAL_STATES:
        analyses.forget_asked(job)
    if status["state"] == "succeeded":
        st.session_state[KEY] = job.result()["projection"]


# ------------------------------------------------------------------------------------------------------- caches


@st.cache_data(max_entries=48, show_spinner="Drawing the boundary…")
def _boundary(
    path: str, fold: int, key: str, head: str, versions: tuple[cache.Version, ...]
) -> tuple[np.ndarray, dict]:
    request = {"do": "boundary", "run": path, "fold": fold, "key": key, "head": head}
    answer = model_client.projections().ask(request)
    return np.array(answer["values"], np.float32), answer["card"]


@st.cache_data(max_entries=24, show_spinner=False)
def _made_from(path: str, fold: int, versions: tuple[cache.Version, ...]) -> dict[str, str]:
    return cache.run(path).made_from(fold)
