"""One cell of a scene: chosen in a list or by a click on the picture, its picture and its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.runs.results import ResultFolder
from dashboard import url_state
from dashboard.predict.figure import NOT_SEEN
from dashboard.ui import downloads
from dashboard.ui.formatting import count, number, percent
from dashboard.ui.guards import or_stop

CELL = "predict_cell"
SIDE = 260  # px of a cell's picture
SHORT = 6  # cells in the list of the first


def picker(cells: pd.DataFrame) -> str | None:
    """The chosen cell, or None."""
    ordered = pd.concat([cells[cells["rank"] > 0].sort_values("rank"), cells[~(cells["rank"] > 0)]])
    ranks = dict(zip(ordered["cell"], ordered["rank"], strict=True))
    return url_state.choose(
        st.selectbox, "Cell", list(ranks), key=CELL, default=None, placeholder="Click one, or choose",
        format_func=lambda name: f"{name} · rank {count(ranks[name])}" if ranks[name] > 0 else f"{name} · not seen",
        help="Row and column from the top left. The list is in the order of looking.",
    )  # fmt: skip


def keep_click(chart: str) -> None:
    """Callback of the picture: the cell that was clicked is the chosen one."""
    points = (st.session_state.get(chart) or {}).get("selection", {}).get("points", [])
    names = [point["customdata"] for point in points if point.get("customdata")]
    if names:
        st.session_state[CELL] = str(names[0] if isinstance(names[0], str) else names[0][0])


def first_cells(cells: pd.DataFrame) -> None:
    """The cells to look at before all others."""
    shown = cells[cells["rank"] > 0].sort_values("rank").head(SHORT)
    table = pd.DataFrame({
        "Rank": shown["rank"].astype(int), "Cell": shown["cell"].astype(str),
        "Expected km²": shown["expected_km2"].map(number), "Highest p": shown["prob_max"].map(number),
    })  # fmt: skip
    downloads.table(table, hide_index=True, width="stretch", height="content")


def inspector(own: ResultFolder, cells: pd.DataFrame, name: str) -> None:
    """Its picture, before and after where both are there, and its numbers."""
    cell = cells[cells["cell"] == name].iloc[0]
    arrays, step = or_stop(own.arrays, "picture"), or_stop(own.json, "picture.json")["step"]
    shown = {title: arrays[key] for title, key in (("Before", "before"), ("After", "after")) if key in arrays}
    with st.container(horizontal=True):
        for title, rgb in shown.items():
            part = cut(rgb, cell, step)
            if part.size:
                alt = f"{title}: cell {name}"
                width = SIDE // len(shown)
                image = Image.fromarray(part).resize((width, max(1, round(width * part.shape[0] / part.shape[1]))))
                st.image(image, caption=title if len(shown) > 1 else None, width=width, alt=alt)
    downloads.table(facts(cell, arrays, step), hide_index=True, width="stretch", height="content")


def facts(cell: pd.Series, arrays: dict[str, np.ndarray], step: int) -> pd.DataFrame:
    """What is known of a cell, a row each."""
    rows = {"Decision": _words(cell)}
    if cell["status"] != NOT_SEEN:
        spread = cut(arrays["disagreement"], cell, step)
        rows |= {
            "Rank": count(cell["rank"]),
            "Expected landslide ground": f"{number(cell['expected_km2'])} km²",
            "At or above the threshold": f"{number(cell['above_km2'])} km²",
            "Highest probability": number(cell["prob_max"]),
            "Disagreement of the folds": number(np.nanmean(spread)) if np.isfinite(spread).any() else "–",
            "Held with all before it": percent(cell["held"], 0),
        }
    rows["Not seen"] = percent(cell["unseen_km2"] / (cell["unseen_km2"] + cell["seen_km2"]), 0)
    if pd.notna(cell.get("slope_deg")):
        rows["Mean slope"] = f"{number(cell['slope_deg'], 0)}°"
    if cell.get("roads"):
        rows["Roads"] = str(cell["roads"])
    return pd.DataFrame({"Number": list(rows), "Value": list(rows.values())})


def _words(cell: pd.Series) -> str:
    if cell["status"] == NOT_SEEN:
        return "none: not seen"
    return "landslide" if cell["above_km2"] > 0 else "no landslide"


def cut(array: np.ndarray, cell: pd.Series, step: int) -> np.ndarray:
    """The part of an overview under a cell."""
    top, bottom = int(cell["top"] // step), int(np.ceil(cell["bottom"] / step))
    left, right = int(cell["left"] // step), int(np.ceil(cell["right"] / step))
    return array[max(0, top) : bottom, max(0, left) : right]
