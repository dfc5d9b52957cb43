"""The files of a scene's map: downloads, and drawing cells and outlines again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.scene_map import NAME, SceneMapOptions
from core.io.plain_file import read_bytes
from core.runs.store import RunFolder
from dashboard import allowed
from dashboard.jobs import analyses
from dashboard.predict import asking
from dashboard.ui.formatting import escape_markdown

MOST_MB = 200  # that pass through the browser
MAP = ("cell_m", "minutes", "prevalence", "miss_rate", "dem", "roads", "date")
MIME = {
    ".tif": "image/tiff", ".tiff": "image/tiff", ".geojson": "application/geo+json", ".csv": "text/csv",
    ".gpkg": "application/geopackage+sqlite3", ".qml": "text/xml", ".onnx": "application/octet-stream",
}  # fmt: skip


def files(report: Mapping[str, Any], png: Callable[[], bytes]) -> None:
    """A button for each file that leaves the house. png: the map as a picture, made when it is wanted."""
    offered = [("Probability (GeoTIFF)", report["scene"]["out"])]
    offered += [("Disagreement (GeoTIFF)", report["scene"]["disagreement"])]
    offered += [("Not seen (GeoTIFF)", report["scene"]["unseen"])]
    if report["scene"].get("novelty_raster"):
        offered += [("Novelty (GeoTIFF)", report["scene"]["novelty_raster"])]
    if report["scene"].get("where"):  # of a run with a mask head
        offered += [("Where in the cell (GeoTIFF)", report["scene"]["where"])]
    by_suffix = {Path(one).suffix: one for one in (report["polygons"] or {}).get("files", [])}
    offered += [(f"Polygons ({name})", by_suffix[suffix]) for suffix, name in SHAPES.items() if suffix in by_suffix]
    by_suffix = {Path(one).suffix: one for one in (report["triage"] or {}).get("files", [])}
    offered += [("Cells (CSV)", by_suffix[".csv"])] if ".csv" in by_suffix else []
    offered += [("Cells (GeoPackage)", by_suffix[".gpkg"])] if ".gpkg" in by_suffix else []
    stem = Path(report["scene"]["scene"]).stem
    with st.container(horizontal=True, key="predict_files"):
        st.download_button(
            "Picture (PNG)", png, f"{stem}_map.png", "image/png", icon=":material/image:", type="tertiary",
            key="predict_png", on_click="ignore",
        )  # fmt: skip
        for label, path in offered:
            file_button(label, Path(path), f"{stem}_{Path(path).name}")


SHAPES = {".geojson": "GeoJSON", ".gpkg": "GeoPackage", ".qml": "QGIS style"}


def file_button(label: str, path: Path, name: str) -> None:
    """A download of a file on this machine; where it is too large for a browser, or gone, that is said."""
    if not path.is_file():
        st.caption(f"{label}: the file is not there any more.")
    elif path.stat().st_size > MOST_MB * 2**20:
        size = path.stat().st_size / 2**30
        st.caption(f"{label}: {size:.1f} GiB, at {escape_markdown(path)}")
    else:
        st.download_button(
            label, partial(read_bytes, path, MOST_MB * 2**20), file_name=name,
            mime=MIME.get(path.suffix, "application/octet-stream"), icon=":material/download:", type="tertiary",
            key=f"predict_file_{path.name}_{label}", on_click="ignore",
        )  # fmt: skip


def draw_again(run: RunFolder, report: Mapping[str, Any]) -> None:
    """The form for other cells and outlines of the same answer."""
    with st.expander(
        "Other cells and outlines: share of landslides, safety target, size, elevation, roads",
        icon=":material/grid_on:",
    ):
        with st.form("predict_again_form", border=False):
            chosen = asking.widgets(SceneMapOptions, MAP, "predict_again", report["options"])
            pressed = st.form_submit_button(
                "Draw again", icon=":material/refresh:", **allowed.to("train", analyses.is_active(run, NAME))
            )
        st.caption("The scene is not predicted again; its map takes seconds.")
    if pressed:
        asking.ask(run, NAME, dict(report["options"]) | chosen | {"reuse": True})
