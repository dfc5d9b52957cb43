"""Where the patches to be predicted come from: a path on this machine, an upload, or a dataset of the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.prediction import PredictionOptions
from core.data import uploads
from core.data.bands import choose_bands
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import cache, state, url_state
from dashboard.jobs import stale_uploads
from dashboard.predict import asking
from dashboard.ui import other_datasets
from dashboard.ui.formatting import escape_markdown

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".npy")
TABLES = (".csv",)
WHOLE = (".h5", ".hdf5", ".zip", ".npz", ".tar", ".tgz", ".gz", ".nc", ".mat")
FROM = {
    "path": ":material/folder: On this machine", "upload": ":material/upload: Upload",
    "dataset": ":material/database: A dataset here",
}  # fmt: skip


def chosen_way() -> str:
    """A key of ``FROM``, kept in the URL."""
    return url_state.choose(
        st.segmented_control, "Patches from", list(FROM), key="patches_from", default="path", required=True,
        format_func=FROM.get, label_visibility="collapsed",
    )  # fmt: skip


def widgets(run: RunFolder, way: str) -> dict[str, Any]:
    """What is chosen: ``source`` (a path or ""), or ``files`` that were uploaded."""
    if way == "path":
        return asking.widgets(PredictionOptions, ("source",), "patches")
    if way == "upload":
        return {"files": _uploader()}
    fit, unfit = other_datasets.fitting(run, labelled=False)
    own = state.choice().dataset
    names = [*fit, *([own] if own else [])]
    if not names:
        st.caption("There is no dataset here that this run can read.")
        return {"source": ""}
    name = st.selectbox(
        "Dataset", names, key="patches_dataset", width=420,
        format_func=lambda one: f"{one} (the run's own)" if one == own else one,
    )  # fmt: skip
    if unfit:
        words = "; ".join(f"{escape_markdown(one)} {escape_markdown(why)}" for one, why in unfit.items())
        st.caption(f"Not offered: {words}.")
    return {"source": str(fit.get(name) or state.choice().dataset_path)}


def _uploader() -> list[Any]:
    return st.file_uploader(
        f"Patches: images or arrays (H, W, C), an HDF5 file, or an archive; at most {uploads.MAX_MB} MB each",
        type=[kind[1:] for kind in (*PICTURES, *WHOLE)], accept_multiple_files=True, key="patches_files",
        max_upload_size=uploads.MAX_MB,
        help="Of the run's size, with its bands in the run's order and units unless stated below. Removed when the "
        "prediction has ended.",
    )  # fmt: skip


def source_of(run: RunFolder, chosen: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The options that say where the patches are, and what they are called; uploads are stored for the job.

    Raises DataError for a file that cannot be accepted, or where files of several kinds come together.
    """
    if "files" not in chosen:
        source = (chosen.get("source") or "").strip()
        return {"source": source}, Path(source).stem
    files = chosen["files"]
    if not files:
        return {"source": ""}, ""
    sent = [uploads.Upload(one.name, one, (*PICTURES, *WHOLE)) for one in files]
    whole = [one for one in sent if Path(one.name).suffix.lower() in WHOLE]
    if whole and len(sent) > 1:
        raise LandslideLensError(f"{whole[0].name[:80]} goes alone: upload one archive or HDF5 file, or some images.")
    stale_uploads.sweep(run.checkpoints)
    folder = uploads.keep(sent, run.checkpoints)
    paths = uploads.files_in(folder)
    if whole:
        return {"source": str(paths[0]), "uploaded": True}, paths[0].stem
    one = len(paths) == 1
    named = paths[0].stem if one else f"{paths[0].stem} and {len(paths) - 1} more"
    return {"source": str(paths[0].parent if one else folder), "uploaded": True, **_own_bands(run)}, named


def _own_bands(run: RunFolder) -> dict[str, Any]:
    """Names and unit of the run's bands: an image says neither."""
    try:
        bands = choose_bands(run.config().data.bands, cache.dataset(run.dataset_path()).bands)
    except (LandslideLensError, OSError):
        return {}
    return {
        "bands": [band.name for band in bands],
        "unit": next((band.unit for band in bands if band.family == "optical"), None),
    }
