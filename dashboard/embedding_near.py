"""What a patch is like: its nearest neighbours in one fold's embedding, and new patches placed on the map.

Comes in: a drawn map, an open dataset. It draws with Streamlit; what computes lives in ``core`` and is loaded when it
is asked for. New patches are embedded and placed by a process of their own, which is kept warm.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.paths import slug
from core.runs.store import RunFolder
from dashboard import (
    cached,
    components,
    embedding_words,
    explain_helper,
    gallery,
    map_chart,
    outcomes,
    state,
    tasks,
    theme,
)
from dashboard.components import literal
from dashboard.embedding_maps import Drawn

K = 6  # neighbours of each part
KINDS = ("png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "npy", "h5", "hdf5")
MOST_BYTES = 64 * 2**20  # of an uploaded patch
FAR = 0.95  # of held-out patches lie nearer to the training part: a new patch is unlike it
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
            str(drawn.run.path), drawn.fold, row, _metric(drawn), cached.stamp(drawn.run.fold_path(drawn.fold))
        )
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/broken_image:")
        return []
    label = _label(data, row)
    st.caption(
        f"{literal(patch_id)}, {literal(label)}, among the embeddings of {theme.fold_title(drawn.fold)}'s network, "
        f"{embedding_words.METRICS[_metric(drawn)]} distance: not places on the map. Other folds have other spaces."
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
        return f"{literal(row['label'])}{prob}  \n{row['distance']:.3f} away"

    gallery.gallery(data, table, look, key, caption=caption)
    return ids


def _first_of(drawn: Drawn, data: Dataset) -> list[str]:
    oof = cached.oof(drawn.run)
    return oof.loc[oof["fold"] == drawn.fold, "id"].astype(str).tolist()


def _judged(run: RunFolder, head: str) -> pd.DataFrame:
    oof, summary = cached.oof(run), cached.summary(run)
    name = head if f"prob_{head}" in oof else summary["head"]
    return outcomes.judged(oof, name, outcomes.thresholds_of(summary, name)).astype({"id": str})


def _label(data: Dataset, row: int) -> str:
    label = int(data.labels[row])
    return "unlabelled" if label < 0 else data.class_names[label]


def _metric(drawn: Drawn) -> str:
    return drawn.card.get("settings", {}).get("metric", "euclidean")


@st.cache_data(max_entries=64, show_spinner=False)
def _alike(path: str, fold: int, row: int, metric: str, looks: cached.Stamp) -> list[tuple[np.ndarray, np.ndarray]]:
    from core.config import EmbedConfig
    from core.studies.maps import alike

    parts = alike(RunFolder(Path(path)), fold, row, K, EmbedConfig(metric=metric))
    return [(part.index, part.distance) for part in parts]


# ------------------------------------------------------------------------------------------------- new patches


def newcomers(drawn: Drawn, data: Dataset) -> None:
    """Patches from elsewhere, put on the map by this fold's network."""
    st.subheader("New patches on this map", anchor=False)
    task = tasks.newest(state.checkpoints(), _kind(drawn))
    if task is None or not task.running:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            source = st.segmented_control(
                "From", ["Another dataset", "A file"], default="Another dataset", required=True, key="new_source"
            )
            begin = _from_dataset(drawn, data) if source == "Another dataset" else _from_file(drawn)
            if st.button("Place on the map", type="primary", disabled=begin is None, key="new_place") and begin:
                begin()
                st.rerun()
    tasks.watch(_kind(drawn), "new", "Placing was cancelled.")
    if task is not None and task.result is not None:
        _answer(task.result, drawn, data)


def marked(drawn: Drawn) -> list[map_chart.Marked]:
    """The new patches that were placed on this very map, for its chart."""
    task = tasks.newest(state.checkpoints(), _kind(drawn))
    found = None if task is None else task.result
    if found is None or (found.fold, found.key) != (drawn.fold, drawn.key):
        return []
    text = [f"new: {name}" for name in found.ids.astype(str)]
    to = drawn.arrays["xy"][found.index[:, :3]] if len(found.ids) <= 8 else None
    return [map_chart.Marked("new patch, joined to its nearest", found.xy, text, to)]


def _from_dataset(drawn: Drawn, data: Dataset) -> Callable[[], object] | None:
    choice = state.choice()
    name = st.selectbox(
        "Dataset", list(choice.datasets), key="new_dataset", width=200,
        index=next((i for i, path in enumerate(choice.datasets.values()) if path != data.path.resolve()), 0),
    )  # fmt: skip
    try:
        other = cached.dataset(choice.datasets[name])
    except (LandslideLensError, OSError) as error:
        st.error(literal(error), icon=":material/broken_image:")
        return None
    first = st.number_input("From row", 1, len(other), 1, key="new_row", width=110)
    many = st.number_input("Patches", 1, 64, 1, key="new_many", width=110)
    rows = np.arange(first - 1, min(first - 1 + many, len(other)))

    asked = {"source": str(other.path.resolve()), "rows": rows.tolist()}
    return lambda: _start(drawn, f"{len(rows)} patches of {name}", asked)


def _from_file(drawn: Drawn) -> Callable[[], object] | None:
    upload = st.file_uploader(
        "A patch", type=KINDS, key="new_file", width=420, max_upload_size=MOST_BYTES // 2**20,
        help="An image or .npy (H, W, C) in the run's size, its bands in the run's order and units, or a dataset file.",
    )  # fmt: skip
    if upload is None:
        return None

    def begin() -> object:
        folder = Path(tempfile.mkdtemp(prefix="landslide-new-"))
        path = folder / slug(upload.name)
        path.write_bytes(upload.getvalue())
        asked = {"source": str(path)}
        if path.suffix.lower() not in (".h5", ".hdf5"):
            bands = cached.dataset(state.choice().dataset_path).bands
            unit = next((band.unit for band in bands if band.family == "optical"), None)
            asked = {"source": str(folder), "bands": [band.name for band in bands], "unit": unit}
        return _start(drawn, upload.name, asked, lambda: shutil.rmtree(folder, ignore_errors=True))

    return begin


def _start(drawn: Drawn, what: str, asked: Mapping, after: Callable[[], None] | None = None) -> tasks.Task:
    """Ask the process that is kept for maps, in a thread: the page stays usable. asked: source, and rows or bands."""
    request = {"do": "place", "run": str(drawn.run.path), "fold": drawn.fold, "key": drawn.key} | dict(asked)

    def work(task: tasks.Task) -> Placed:
        found = explain_helper.placing().ask(request, lambda share, text: task.step(share, 1.0, text))
        return Placed.of(found)

    return tasks.start(state.checkpoints(), _kind(drawn), f"Placing {what}", work, after=after)


@dataclass(frozen=True)
class Placed:
    """New patches on a map: the fields of ``core.predict.on_map.Newcomers``."""

    fold: int
    key: str
    ids: np.ndarray
    xy: np.ndarray
    probs: dict[str, np.ndarray]
    called: dict[str, np.ndarray]
    index: np.ndarray
    distance: np.ndarray
    unlike: np.ndarray
    note: str
    seconds: float

    @classmethod
    def of(cls, said: Mapping) -> Placed:
        """From what the process answered."""
        arrays = {name: np.array(said[name]) for name in ("ids", "xy", "index", "distance", "unlike")}
        by_head = {
            name: {head: np.array(values) for head, values in said[name].items()} for name in ("probs", "called")
        }
        return cls(said["fold"], said["key"], note=said["note"], seconds=said["seconds"], **arrays, **by_head)


def _answer(found: Placed, drawn: Drawn, data: Dataset) -> None:
    """What is known of the new patches: place, heads' answers, nearest training patches."""
    if (found.fold, found.key) != (drawn.fold, drawn.key):
        st.caption(
            f"{len(found.ids)} patches were placed on another map ({theme.fold_title(found.fold)}): each fold's "
            "network has its own space. Place them again for this one."
        )
        return
    table = pd.DataFrame({"Patch": found.ids.astype(str)})
    for head, probs in found.probs.items():
        table[theme.head_title(head)] = [
            f"{p:.3f} {'✓' if said else ''}".strip() for p, said in zip(probs, found.called[head], strict=True)
        ]
    table["Nearest training patch"] = data.ids[found.index[:, 0]].astype(str)
    table["Its label"] = [_label(data, row) for row in found.index[:, 0]]
    table["Distance"] = found.distance[:, 0].round(4)
    table["Nearer held-out patches"] = [f"{share:.0%}" for share in found.unlike]
    st.dataframe(table, hide_index=True, width="stretch", height="content" if len(table) <= 10 else 360)
    far = int((found.unlike >= FAR).sum())
    if far:
        st.warning(
            f"{far} of {len(found.ids)} lie farther from the training part than {FAR:.0%} of held-out patches: the "
            "network has seen little like them, and its answers for them are guesses.", icon=":material/explore_off:",
        )  # fmt: skip
    st.caption(
        f"Probability of {literal(data.positive)} by {theme.fold_title(found.fold)}'s model alone; ✓: above its "
        f"threshold. {found.note} {components.duration(found.seconds) or 'Under a second'} altogether."
    )
    components.download(table, f"{drawn.run.name}_new_patches", "New patches (CSV)")
    name = st.selectbox("Neighbours of", table["Patch"].tolist(), key="new_shown", width=330)
    at = table["Patch"].tolist().index(name)
    look = gallery.look_controls(data, "embedding_new")
    _row_of(data, found.index[at, :K], found.distance[at, :K], _judged(drawn.run, "fc"), look, "new_near")


def _kind(drawn: Drawn) -> str:
    return f"new on map {drawn.run.path}"
