"""New patches on a projection: which ones, placing them as a job, what the network makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.embedding.new_patches import MOST, NAME, Placed, key_of, read_placed
from core.data import uploads
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from core.text import counted, duration
from dashboard import allowed, cache, state, theme, url_state
from dashboard.charts import embedding_map
from dashboard.embedding.neighbours import K, gallery_row, judged_by, label_of
from dashboard.embedding.projections import Drawn
from dashboard.jobs import analyses, progress, stale_uploads
from dashboard.patches import gallery
from dashboard.ui import downloads, guards, other_datasets
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

KINDS = ("png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "npy", "h5", "hdf5")
FAR = 0.95  # of held-out patches are nearer to the training part: a new patch is unlike it
JOINED = 8  # up to so many new patches are joined to their nearest


def new_patches(drawn: Drawn, data: Dataset) -> None:
    """Patches from elsewhere, placed on the projection by this fold's network."""
    active = analyses.is_active(drawn.run, NAME)
    if not active:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            source = st.segmented_control(
                "From", ["Another dataset", "A file"], default="Another dataset", required=True, key="new_source"
            )
            options = _from_dataset(data, drawn.run) if source == "Another dataset" else _from_file()
            if (
                st.button("Place them", type="primary", key="new_place", **allowed.to("train", options is None))
                and options
            ):
                _begin(drawn, options)
    analyses.follow(drawn.run, NAME)
    placed = _newest(drawn.run)
    if placed is not None:
        _answer(placed, drawn, data)


def marked(drawn: Drawn) -> list[embedding_map.Marked]:
    """The new patches that were placed on this very projection, for its chart."""
    placed = _newest(drawn.run)
    if placed is None or (placed.fold, placed.key) != (drawn.fold, drawn.key):
        return []
    text = [f"new: {name}" for name in placed.ids.astype(str)]
    to = drawn.arrays["xy"][placed.index[:, :3]] if len(placed.ids) <= JOINED else None
    return [embedding_map.Marked("new patch, joined to its nearest", placed.xy, text, to)]


def are_there(run: RunFolder) -> bool:
    """Whether new patches are being placed, or lie on one of the run's projections."""
    return analyses.is_active(run, NAME) or _newest(run) is not None


def _newest(run: RunFolder) -> Placed | None:
    """The answer to the question that was asked last, unless it was removed from the page."""
    job = analyses.newest(run, NAME)
    status = {} if job is None else guards.run_state(job)
    if status.get("state") != "succeeded" or status.get("seen"):
        return None
    try:
        return read_placed(run, key_of(job.options()))
    except LandslideLensError:
        return None  # a run folder that was copied without it


# ---------------------------------------------------------------------------------------------- which patches


def _from_dataset(data: Dataset, run: RunFolder) -> dict[str, Any] | None:
    others, _ = other_datasets.fitting(run, labelled=False)
    others |= {data.name: data.path}  # its own patches come last
    name = url_state.choose(
        st.selectbox, "Dataset", list(others), key="new_dataset", default=next(iter(others)), width=200
    )
    try:
        other = cache.dataset(others[name])
    except (LandslideLensError, OSError) as error:
        show_error(error, ":material/broken_image:")
        return None
    first = st.number_input("From row", 1, len(other), 1, key="new_row", width=110)
    many = st.number_input("Patches", 1, MOST, 1, key="new_many", width=110)
    rows = range(first - 1, min(first - 1 + many, len(other)))
    return {"source": str(other.path.resolve()), "rows": list(rows)}


def _from_file() -> dict[str, Any] | None:
    upload = st.file_uploader(
        "A patch", type=KINDS, key="new_file", width=420, max_upload_size=uploads.MAX_MB,
        help="An image or .npy (H, W, C) of the run's size, with its bands in the run's order and units, or a dataset "
        "file.",
    )  # fmt: skip
    return None if upload is None else {"upload": upload}


def _begin(drawn: Drawn, options: dict[str, Any]) -> None:
    """Queue the job; an upload is stored for it first."""
    if upload := options.pop("upload", None):
        root = drawn.run.checkpoints
        try:
            stale_uploads.sweep(root)
            sent = uploads.Upload(upload.name, upload, [f".{kind}" for kind in KINDS])
            (path,) = uploads.files_in(uploads.keep([sent], root))
        except (LandslideLensError, OSError) as error:
            show_error(error)
            return
        options |= {"source": str(path.parent), "uploaded": True}
        if path.suffix.lower() in (".h5", ".hdf5"):
            options["source"] = str(path)
        else:
            bands = cache.dataset(state.choice().dataset_path).bands
            unit = next((band.unit for band in bands if band.family == "optical"), None)
            options |= {"bands": [band.name for band in bands], "unit": unit}
    analyses.begin(drawn.run, NAME, options | {"fold": drawn.fold, "projection": drawn.key})


# ------------------------------------------------------------------------------------------ what came of them


def _answer(placed: Placed, drawn: Drawn, data: Dataset) -> None:
    """What is known of the new patches: place, heads' answers, nearest training patches."""
    if (placed.fold, placed.key) != (drawn.fold, drawn.key):
        st.caption(
            f"{counted(len(placed.ids), 'patch was', 'patches were')} placed on another projection "
            f"({theme.fold_title(placed.fold)}). Each fold's network has its own space: place them again for this one."
        )
        return
    table = _table(placed, data)
    downloads.table(table, hide_index=True, width="stretch", height="content" if len(table) <= 10 else 360)
    for text in placed.warnings:
        st.warning(escape_markdown(text), icon=":material/warning:")
    far = int((placed.unlike >= FAR).sum())
    if far:
        st.warning(
            f"{far} of {len(placed.ids)} are farther from the training part than {FAR:.0%} of held-out patches. The "
            "network has seen little like them, so its answers for them are guesses.", icon=":material/explore_off:",
        )  # fmt: skip
    st.caption(
        f"Probability of {escape_markdown(data.positive)} by {theme.fold_title(placed.fold)}'s model alone; ✓: above "
        f"its threshold. {placed.note} {duration(placed.seconds) or 'Under a second'} altogether."
    )
    with st.container(horizontal=True):
        downloads.download(table, f"{drawn.run.name}_new_patches", "New patches (CSV)")
        if st.button("Remove from the page", icon=":material/close:", type="tertiary", key="new_clear",
                     **allowed.to("train")):  # fmt: skip
            progress.dismiss(analyses.newest(drawn.run, NAME))
            st.rerun()
    names = table["Patch"].tolist()
    at = names.index(st.selectbox("Neighbours of", names, key="new_shown", width=330))
    look = gallery.look_controls(data, "embedding_new")
    gallery_row(data, placed.index[at, :K], placed.distance[at, :K], judged_by(drawn.run, "fc"), look, "new_near")


def _table(placed: Placed, data: Dataset) -> pd.DataFrame:
    table = pd.DataFrame({"Patch": placed.ids.astype(str)})
    for head, probs in placed.probs.items():
        called = np.asarray(placed.called[head], bool)
        table[theme.head_title(head)] = [
            f"{p:.3f} ✓" if above else f"{p:.3f}" for p, above in zip(probs, called, strict=True)
        ]
    nearest = placed.index[:, 0]
    table["Nearest training patch"] = data.ids[nearest].astype(str)
    table["Its label"] = [label_of(data, row) for row in nearest]
    table["Distance"] = placed.distance[:, 0].round(4)
    table["Held-out patches that are nearer"] = [f"{share:.0%}" for share in placed.unlike]
    return table
