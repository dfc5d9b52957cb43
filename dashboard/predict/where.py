"""Where in a chosen cell: the finest map that was measured for this run, over the cell, and how coarse it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from core.analyses import where
from core.errors import LandslideLensError
from core.predict.scene_map.overview import window
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import cache, state
from dashboard.patches import render
from dashboard.ui.formatting import escape_markdown, interval_percent, number, percent
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

SIDE = 300  # px of the picture
MOST_PX = 256  # of a cell that are read


class Finest(NamedTuple):
    """raster: the file that is drawn. way: of the run's report on where in a patch; None: none was measured."""

    raster: Path
    way: Mapping[str, Any] | None
    is_outline: bool


def finest(run: RunFolder, scene: Mapping[str, Any]) -> Finest:
    """The finest raster of a scene's answer whose way was measured to be good for this; else the probability."""
    report = where.report_of(run)
    ways = {} if report is None else report["ways"]
    if scene.get("where") and ways.get("outline", {}).get("offered"):
        return Finest(Path(scene["where"]), ways["outline"], True)
    small = ways.get("windows")
    # Measured at one stride: a scene that was answered more coarsely says less than what was measured.
    as_fine = report is not None and scene["stride"] <= (report["options"]["stride"] or max(1, report["hw"][0] // 8))
    return Finest(Path(scene["out"]), small if small and small["offered"] and as_fine else None, False)


def section(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cell: str) -> None:
    """The cell with the finest map over it, and in words how exactly that can be read.

    own: the map's results; report: theirs; cell: the name of one of its cells.
    """
    cells = or_stop(own.table, "cells")
    place = cells[cells["cell"].astype(str) == cell].iloc[0]
    shown = or_stop(finest, run, report["scene"])
    box = tuple(int(place[side]) for side in ("top", "bottom", "left", "right"))
    try:
        values = _values(str(shown.raster), cache.file_version(shown.raster), box)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    if not np.isfinite(values).any():
        st.caption("Nothing was seen here.")
        return
    facts = or_stop(own.json, "picture.json")
    picture = over(or_stop(own.arrays, "picture")["after"], facts["step"], box, values)
    if shown.is_outline:
        picture = render.outline(picture, np.nan_to_num(values) >= shown.way["threshold"])
    st.image(picture, width=SIDE, alt=f"Cell {cell} with the map over it, brighter where a landslide is likelier")
    pixel_m = None if facts["pixel_m"] is None else float(np.mean(facts["pixel_m"]))
    st.caption(sentence(shown, report["scene"], pixel_m, float(np.nanmax(values))))
    if shown.way is None and st.button(
        "Measure how exact this run is", key="predict_where_measure", type="tertiary", icon=":material/my_location:"
    ):
        state.open_view("explain", run=run.name, view="location")


def sentence(shown: Finest, scene: Mapping[str, Any], pixel_m: float | None, highest: float) -> str:
    """What is drawn, and how coarse it is, as Markdown."""
    if shown.way is None:
        side = where.distance(scene["side"][0], pixel_m)
        return (
            f"Probability of whole windows, {side} a side: a landslide somewhere around the bright part. For this run "
            "nothing finer was measured."
        )
    way = shown.way
    pointing = way["pointing"]
    inside = f"{percent(pointing['value'], 0)} ({interval_percent((pointing['lo'], pointing['hi']))}"
    within = where.distance(way["within_px"], pixel_m)
    return (
        f"{escape_markdown(way['title'])}, highest value {number(highest, 2)}. On held-out patches with a landslide "
        f"its highest point was inside in {inside}, n = {pointing['n']:,})"
        + ("." if way["within_px"] < 0.5 else f"; 9 in 10 within {within}.")
        + (
            f" Outlined at {number(way['threshold'], 2)}, which fits the masks best."
            if shown.is_outline
            else " A window is as large as a patch; only the highest point is this exact."
        )
    )


def over(after: np.ndarray, step: int, box: tuple[int, int, int, int], values: np.ndarray) -> np.ndarray:
    """(SIDE, width, 3) uint8: the overview under a box of the scene's pixels, with the values over it.

    after: (h, w, 3) of the whole scene, ``step`` pixels each; values: (h, w) in 0-1, nan where nothing was seen.
    """
    top, bottom, left, right = box
    part = after[max(0, top) // step : -(-bottom // step), max(0, left) // step : -(-right // step)]
    rgb = render.enlarge(np.ascontiguousarray(part), SIDE)
    return render.overlay(rgb, np.nan_to_num(values, nan=0.0), top=1.0)


@st.cache_data(max_entries=32, show_spinner=False)
def _values(path: str, version: cache.Version, box: tuple[int, int, int, int]) -> np.ndarray:
    return window(Path(path), box, MOST_PX)
