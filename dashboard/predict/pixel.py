"""The pixel inspector: what the map and the rasters say at one place, clicked on the picture or typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.predict.maps.grid import grid_of
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import url_state
from dashboard.predict import at_once, map_picture
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

_NOW = "predict_spot_now"
_PIXEL = re.compile(r"\s*r(?:ow)?\s*(\d{1,9})[\s,;]*c(?:ol(?:umn)?)?\s*(\d{1,9})\s*", re.IGNORECASE)
_DEGREES = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*[,;\s]\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*")


def remember() -> None:
    """Keep the place that was clicked or typed: Streamlit forgets what a field holds that is not drawn."""
    st.session_state[_NOW] = url_state.read_query_text(map_picture.SPOT)
    url_state.write_query_param(map_picture.SPOT, st.session_state[_NOW], "")


def spot() -> tuple[int, int] | None:
    """(row, column) of the pixel that was clicked; None for none, or for a place in degrees."""
    asked = parsed(str(st.session_state.get(_NOW) or ""))
    return (asked["row"], asked["col"]) if asked and "row" in asked else None


def parsed(text: str) -> dict[str, Any] | None:
    """``row`` and ``col``, or ``lat`` and ``lon``, of what was typed; None for what is neither."""
    if found := _PIXEL.fullmatch(text):
        return {"row": int(found[1]), "col": int(found[2])}
    if (found := _DEGREES.fullmatch(text)) and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180:
        return {"lat": float(found[1]), "lon": float(found[2])}
    return None


def lonlat_of(report: Mapping[str, Any], row: float, col: float) -> tuple[float, float] | None:
    """Degrees of a place in pixels; None where the scene has no place."""
    try:
        lon, lat = grid_of(Path(report["scene"]["out"])).to_lonlat(np.array([[col, row]]))[0]
    except (LandslideLensError, OSError):
        return None
    return float(lon), float(lat)


def section(run: RunFolder, own: ResultFolder, report: Mapping[str, Any]) -> None:
    """The field for a place, and what is known there."""
    text = url_state.text(
        "Place", key=map_picture.SPOT, placeholder="42.7245, 142.0241", width=260,
        help="Click on the picture, or type latitude and longitude in degrees, or row and column as r500 c1100.",
    )  # fmt: skip
    if not text.strip():
        st.caption("Click a pixel on the picture, or type a place.")
        return
    asked = parsed(text)
    if asked is None:
        st.warning(
            f"“{escape_markdown(text)}” is no place. Accepted: latitude, longitude in degrees, such as 42.7245, "
            "142.0241; or row and column, such as r500 c1100.",
            icon=":material/edit_location:",
        )
        return
    request = {"do": "scene_pixel", "run": str(run.path), "map": own.path.name, **asked}
    request["made"] = report.get("made")  # another answer after the map was drawn again
    at_once.ask(request, "Reading the rasters…", lambda answer: _show(run, report, answer))


def _show(run: RunFolder, report: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    where = f"row {answer['row']:,}, column {answer['col']:,}"
    if answer["lonlat"]:
        lon, lat = answer["lonlat"]
        where += f"; {abs(lat):.5f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.5f}° {'E' if lon >= 0 else 'W'}"
    if answer["unseen"]:
        st.markdown(f"**No answer here: {answer['unseen']}.**")
    else:
        prob = float(map_picture.as_stated(np.array([answer["probability"]]), run, report)[0])
        st.markdown(
            f"**Probability {number(prob)}**, standard deviation of the folds {number(answer['disagreement'])}.",
            help="Interpolated between the middles of windows: both are of the ground around the pixel, not of the "
            "pixel alone.",
        )
    st.caption(f"At {where}.")
    downloads.table(bands_table(answer["bands"], "value"), hide_index=True, width="stretch", height="content")


def bands_table(rows: list[dict[str, Any]], value: str) -> pd.DataFrame:
    """A row a band. value: "value" of a pixel, or "q50" of a cell, which has a range as well."""
    table: dict[str, list] = {"Band": [row["band"] for row in rows], "Unit": [row["unit"] or "–" for row in rows]}
    table["Here" if value == "value" else "Median here"] = [amount(row[value]) for row in rows]
    if value != "value":
        table["5–95% here"] = [_range(row["q05"], row["q95"]) for row in rows]
    table["Median in training"] = [amount(row["trained_q50"]) for row in rows]
    table["5–95% in training"] = [_range(row["trained_q05"], row["trained_q95"]) for row in rows]
    table["Compared"] = [compared(row, value) for row in rows]
    return pd.DataFrame(table)


def compared(row: Mapping[str, Any], value: str) -> str:
    """Where a value lies in the range of training, in words."""
    at, low, high = row[value], row["trained_q05"], row["trained_q95"]
    if at is None or not np.isfinite(at):
        return "no data"
    if low is None or high is None:
        return "training not known"
    return "below training" if at < low else "above training" if at > high else "within"


def amount(value: float | None) -> str:
    """A value of a band with four digits."""
    return "–" if value is None or not np.isfinite(value) else f"{value:,.4g}".replace("-", "−")


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{amount(low)} to {amount(high)}"
