"""Imports as jobs: the one under way, the report of the newest one, and what is cleared away after them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core import access
from core.analyses.datasets.importing import ANALYSIS
from core.data.readers import spool
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.text import duration
from dashboard import allowed, cache, state
from dashboard.dataset.importing.options import on_page
from dashboard.jobs import analyses, progress
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop, run_state

FORMAT_TITLES = {
    "zindi": "Zindi: Train.csv and one .npy (64, 64, 12) per patch",
    "landslide4sense": "Landslide4Sense: img and mask folders of .h5 files",
    "cas": "CAS Landslide: img, mask and label folders of .tif files",
    "geotiff": "GeoTIFF: scenes that are cut into patches, or one file per patch",
    "netcdf": "netCDF-4: one file per patch, one variable per band, also over time (Sen12Landslides)",
    "hdf5": "HDF5: arrays of patches in one file",
    "npy": "NumPy: arrays of all patches (.npy files or one .npz)",
    "before_after": "Pictures before and after the event, one patch a pair",
    "folders": "Folders of images or .npy: one folder per class, or a labels CSV",
    **{f"set{n}": f"Set {n} of the paper on EfficientNet: a folder for each of its sources" for n in range(1, 8)},
}


def import_jobs(root: Path) -> None:
    """The newest import: its progress, why it has no result, or its report; nothing once that is cleared away."""
    target = cache.checkpoints_target(root)
    job = analyses.newest(target, ANALYSIS.name)
    if job is None:
        return
    if analyses.follow(target, ANALYSIS.name):
        st.caption("Cancelling, or stopping the server, never leaves an incomplete dataset.")
        return
    status = run_state(job)
    resumable = status["state"] in ("cancelled", "interrupted") and not job.options()["uploaded"]
    if status.get("seen"):
        out = Path(job.options()["out"])
        if resumable and not is_being_written(root, out):
            spool.discard(out)
    elif status["state"] == "succeeded":
        _report(job)
    elif resumable:
        st.caption("No dataset was written. Patches read so far are kept: **Try again** continues from there.")


def _report(job: AnalysisFolder) -> None:
    report = or_stop(job.result)
    unlabelled = f", {report['n_unlabelled']:,} unlabelled" if report["n_unlabelled"] else ""
    aside = f" {len(report['rejected']):,} files or rows were set aside." if report["rejected"] else ""
    st.success(
        f"{report['n']:,} patches imported: {report['n_positive']:,} positive{unlabelled}.{aside}",
        icon=":material/check_circle:",
    )
    title = FORMAT_TITLES.get(report["format"], report["format"])
    name = Path(report["dataset"]).stem
    st.caption(f"{escape_markdown(name)}: {escape_markdown(title)}. {duration(report['seconds'])}.")
    for warning in report["warnings"]:
        st.warning(escape_markdown(on_page(warning)), icon=":material/warning:")
    if report["rejected"]:
        table = pd.DataFrame(report["rejected"], columns=["file", "reason"]).rename(columns=str.capitalize)
        downloads.table(table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 360)
        downloads.download(table, "set_aside", "Files set aside")
    with st.container(horizontal=True):
        here = state.choice().datasets.get(name) == Path(report["dataset"])
        if here and st.button("Open the dataset", type="primary", key="import_open"):
            if access.may("train"):
                progress.dismiss(job)
            state.open_view("dataset", dataset=name, view="facts")
        if st.button("Clear", icon=":material/close:", type="tertiary", key="import_clear",
                     **allowed.to("train")):  # fmt: skip
            progress.dismiss(job)
            st.rerun()


def is_being_written(root: Path, out: Path) -> bool:
    """Whether an import into this file waits or runs."""
    jobs = list_for(cache.checkpoints_target(root), ANALYSIS.name)
    return any(progress.is_active(job) and job.options()["out"] == str(out) for job in jobs)
