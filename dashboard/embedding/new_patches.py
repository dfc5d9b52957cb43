"""TODO-ROOM"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.io.safe_paths import slug
from dashboard import cache, state, theme
from dashboard.charts import embedding_map
from dashboard.embedding.neighbours import K, _judged, _label, _row_of
from dashboard.embedding.projections import Drawn
from dashboard.jobs import background, model_client
from dashboard.patches import gallery
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown

KINDS = ("png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "npy", "h5", "hdf5")


MOST_BYTES = 64 * 2**20  # of an uploaded patch


FAR = 0.95  # of held-out patches lie nearer to the training part: a new patch is unlike it


def newcomers(drawn: Drawn, data: Dataset) -> None:
    """Patches from elsewhere, put on the map by this fold's network."""
    st.subheader("New patches on this map", anchor=False)
    task = background.newest(state.checkpoints(), _kind(drawn))
    if task is None or not task.running:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            source = st.segmented_control(
                "From", ["Another dataset", "A file"], default="Another dataset", required=True, key="new_source"
            )
            begin = _from_dataset(drawn, data) if source == "Another dataset" else _from_file(drawn)
            if st.button("Place on the map", type="primary", disabled=begin is None, key="new_place") and begin:
                begin()
                st.rerun()
    background.watch(_kind(drawn), "new", "Placing was cancelled.")
    if task is not None and task.result is not None:
        _answer(task.result, drawn, data)


def marked(drawn: Drawn) -> list[embedding_map.Marked]:
    """The new patches that were placed on this very map, for its chart."""
    task = background.newest(state.checkpoints(), _kind(drawn))
    found = None if task is None else task.result
    if found is None or (found.fold, found.key) != (drawn.fold, drawn.key):
        return []
    text = [f"new: {name}" for name in found.ids.astype(str)]
    to = drawn.arrays["xy"][found.index[:, :3]] if len(found.ids) <= 8 else None
    return [embedding_map.Marked("new patch, joined to its nearest", found.xy, text, to)]


def _from_dataset(drawn: Drawn, data: Dataset) -> Callable[[], object] | None:
    choice = state.choice()
    name = st.selectbox(
        "Dataset", list(choice.datasets), key="new_dataset", width=200,
        index=next((i for i, path in enumerate(choice.datasets.values()) if path != data.path.resolve()), 0),
    )  # fmt: skip
    try:
        other = cache.dataset(choice.datasets[name])
    except (LandslideLensError, OSError) as error:
        st.error(escape_markdown(error), icon=":material/broken_image:")
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
            bands = cache.dataset(state.choice().dataset_path).bands
            unit = next((band.unit for band in bands if band.family == "optical"), None)
            asked = {"source": str(folder), "bands": [band.name for band in bands], "unit": unit}
        return _start(drawn, upload.name, asked, lambda: shutil.rmtree(folder, ignore_errors=True))

    return begin


def _start(drawn: Drawn, what: str, asked: Mapping, after: Callable[[], None] | None = None) -> background.Task:
    """Ask the process that is kept for maps, in a thread: the page stays usable. asked: source, and rows or bands."""
    request = {"do": "place", "run": str(drawn.run.path), "fold": drawn.fold, "key": drawn.key} | dict(asked)

    def work(task: background.Task) -> Placed:
        found = model_client.placing().ask(request, lambda share, text: task.step(share, 1.0, text))
        return Placed.of(found)

    return background.start(state.checkpoints(), _kind(drawn), f"Placing {what}", work, after=after)


@dataclass(frozen=True)
class Placed:
    """New patches on a map: the fields of ``core.analyses.embedding.new_patches.Newcomers``."""

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
        f"Probability of {escape_markdown(data.positive)} by {theme.fold_title(found.fold)}'s model alone; ✓: above its "
        f"threshold. {found.note} {formatting.duration(found.seconds) or 'Under a second'} altogether."
    )
    downloads.download(table, f"{drawn.run.name}_new_patches", "New patches (CSV)")
    name = st.selectbox("Neighbours of", table["Patch"].tolist(), key="new_shown", width=330)
    at = table["Patch"].tolist().index(name)
    look = gallery.look_controls(data, "embedding_new")
    _row_of(data, found.index[at, :K], found.distance[at, :K], _judged(drawn.run, "fc"), look, "new_near")


def _kind(drawn: Drawn) -> str:
    return f"new on map {drawn.run.path}"
