"""The Scene view: which scene, its progress, and the map that came of it; earlier ones one choice away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses import scene
from core.analyses.scene_map import ANALYSIS, NAME, SceneMapOptions, folder, read
from core.data import uploads
from core.errors import DataError, LandslideLensError
from core.jobs.analysis_folder import list_for
from core.runs.store import RunFolder
from dashboard import allowed, url_state
from dashboard.jobs import analyses
from dashboard.predict import asking, scene_result
from dashboard.ui.formatting import escape_markdown, parse_time
from dashboard.ui.guards import or_stop, run_state
from dashboard.ui.messages import show_error

SHOWN = "predict_scene"  # in the URL: the name of the map that is shown
SOURCES = ("scene", "before", "also")
FROM = {"path": ":material/folder: On this machine", "upload": ":material/upload: Upload"}
RASTERS = (".tif", ".tiff", ".tfw", ".tifw")  # with the world file that tells the place of some
READING = ("bands", "before_bands", "also_bands", "unit", "nodata", "cloud", "cloud_values", "seen")
ANSWERING = ("stride", "flips", "most_unseen", "out")
MAP = ("cell_m", "minutes", "prevalence", "miss_rate", "dem", "roads", "date")


def picker(run: RunFolder) -> str | None:
    """The choice among the run's maps and the way to another one; the name of the one to show, or None."""
    maps = or_stop(read, run) or {}
    if not maps:
        return None
    names = sorted(maps, key=lambda name: str(maps[name].get("made", "")), reverse=True)
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        shown = url_state.choose(
            st.selectbox, "Scene", names, key=SHOWN, default=names[0], width=330, label_visibility="collapsed",
            format_func=lambda name: title_of(maps[name]),
        )  # fmt: skip
        with st.popover("Another scene", icon=":material/add:", width="content", key="predict_new"):
            _without_map(run, maps)
            _form(run)
    return shown


def scene_view(run: RunFolder, shown: str | None) -> None:
    """The chosen map; before the first one, the form."""
    if shown is None:
        st.markdown("**Give this run a satellite scene. It shows where to look first, and what it could not see.**")
    analyses.follow(run, NAME)
    if shown is None:
        _without_map(run, {})
        _form(run)
        _what_comes_of_it(run)
        return
    scene_result.result(run, folder(run, shown), or_stop(read, run)[shown])


def title_of(report: dict[str, Any]) -> str:
    """The file's name, and when it was answered."""
    made = parse_time(report.get("made"))
    when = f" · {made.day} {made:%b %Y %H:%M}" if made else ""
    return f"{Path(report['scene']['scene']).name}{when}"


def _without_map(run: RunFolder, maps: Mapping[str, Any]) -> None:
    """The scenes that were answered on the command line and have no map yet, each with the button that draws it."""
    drawn = {report["scene"]["out"] for report in maps.values()}
    for job in list_for(run, scene.NAME):
        if run_state(job)["state"] != "succeeded" or (out := job.options().get("out")) in drawn:
            continue
        drawn.add(out)
        name = Path(str(job.options()["scene"])).name
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{escape_markdown(name)}** · {escape_markdown(Path(str(out)).name)}, answered without a map")
            if st.button(
                "Draw its map", icon=":material/map:", key=f"predict_draw_{job.path.name}",
                **allowed.to("train", analyses.is_active(run, NAME)),
            ):  # fmt: skip
                asking.ask(run, NAME, job.options() | {"reuse": True})


def _form(run: RunFolder) -> None:
    way = url_state.choose(
        st.segmented_control, "Scene from", list(FROM), key="scene_from", default="path", required=True,
        format_func=FROM.get, label_visibility="collapsed",
    )  # fmt: skip
    with st.form("predict_scene_form", border=False):
        sent, chosen = {}, {}
        if way == "upload":
            sent = _uploaders()
        else:
            chosen = asking.widgets(SceneMapOptions, SOURCES, "predict_new")
            st.caption("Paths of GeoTIFFs on this machine, or of a folder with the tiles of one scene.")
        with st.expander("How the rasters are read: bands, units, clouds", icon=":material/layers:"):
            chosen |= asking.widgets(SceneMapOptions, READING, "predict_new")
        with st.expander("How densely it answers, and where the rasters go", icon=":material/tune:"):
            chosen |= asking.widgets(SceneMapOptions, ANSWERING, "predict_new")
        with st.expander("Cells, outlines, elevation and roads", icon=":material/grid_on:"):
            chosen |= asking.widgets(SceneMapOptions, MAP, "predict_new")
        pressed = st.form_submit_button(
            "Predict the scene", type="primary", icon=":material/travel_explore:",
            **allowed.to("train", analyses.is_active(run, NAME)),
        )  # fmt: skip
    if not pressed:
        return
    if way == "upload":
        try:
            chosen |= _kept(run, sent)
        except (LandslideLensError, OSError) as error:
            show_error(error, ":material/block:")
            return
    if not (chosen.get("scene") or "").strip():
        words = "Name the file of the scene first." if way == "path" else "Drop the file of the scene first."
        st.warning(words, icon=":material/edit:")
        return
    asking.ask(run, ANALYSIS.name, chosen)


def _uploaders() -> dict[str, list[Any]]:
    """The files that were dropped, by option."""
    found = {}
    with st.grid(min_column_width=240, gap="medium"):
        for name in SOURCES:
            field = SceneMapOptions.model_fields[name]
            words = f"{field.description} At most {uploads.MAX_MB} MB a file; a larger one is named by its path."
            found[name] = st.file_uploader(
                str(field.title), type=[kind[1:] for kind in RASTERS], accept_multiple_files=True,
                key=f"predict_sent_{name}", max_upload_size=uploads.MAX_MB, help=words,
            )  # fmt: skip
    st.caption("Several files under Scene are tiles of one scene. They are kept beside the datasets, for its map.")
    return found


def _kept(run: RunFolder, sent: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The options that name what was dropped, once it is stored. Raises DataError for what cannot be accepted."""
    chosen: dict[str, Any] = {}
    for name, files in sent.items():
        if not files:
            continue
        folder = uploads.keep_scene([uploads.Upload(one.name, one, RASTERS) for one in files], run.checkpoints)
        rasters = sorted(path for path in folder.iterdir() if path.suffix.lower() in scene.TIFF)
        if not rasters:
            raise DataError(f"There is a world file and no GeoTIFF under {SceneMapOptions.model_fields[name].title}.")
        one = str(rasters[0] if len(rasters) == 1 else folder)
        chosen[name] = [str(path) for path in rasters] if name == "also" else one
    return chosen


def _what_comes_of_it(run: RunFolder) -> None:
    st.caption(
        "The answer is a raster of probability on the scene's own pixels, one of the folds' disagreement, polygons for "
        "QGIS, and a grid of cells in the order of looking. A large scene is read in parts; it can be cancelled and "
        "goes on where it stopped.",
        help=f"The same on the command line: python -m core analyse {NAME} {run.name} --scene after.tif",
    )
