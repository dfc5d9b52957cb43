"""One cell of a scene: chosen in a list or by a click on the picture, its picture and numbers, and a section at a time.

A section is a title and a function; another one is another row of ``SECTIONS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import url_state
from dashboard.predict import alike, cell_answer, pixel, where
from dashboard.predict.figure import NOT_SEEN, greyed
from dashboard.predict.map_picture import CELL
from dashboard.ui import downloads, narrow
from dashboard.ui.formatting import count, escape_markdown, number, percent
from dashboard.ui.guards import or_stop

SECTION = "predict_section"
SIDE = 260  # px of a cell's picture
SHORT = 6  # cells in the list of the first
SECTIONS = {
    "model": ("What the model sees", cell_answer.section),
    "where": ("Where in the cell", where.section),
    "alike": ("More like this", alike.section),
    "pixel": ("Pixel", lambda run, own, report, cell: pixel.section(run, own, report)),
}


def picker(cells: pd.DataFrame) -> str | None:
    """The chosen cell, or None."""
    ordered = pd.concat([cells[cells["rank"] > 0].sort_values("rank"), cells[~(cells["rank"] > 0)]])
    ranks = dict(zip(ordered["cell"], ordered["rank"], strict=True))
    return url_state.choose(
        st.selectbox, "Cell", list(ranks), key=CELL, default=None, placeholder="Click one, or choose",
        format_func=lambda name: f"{name} · rank {count(ranks[name])}" if ranks[name] > 0 else f"{name} · not seen",
        help="Row and column from the top left. The list is in the order of looking.",
    )  # fmt: skip


def sections(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cell: str | None) -> None:
    """Below the picture: one section at a time about the chosen cell; without one, the pixel."""
    if cell is None:
        with st.expander("Pixel values at a place", icon=":material/my_location:", expanded=pixel.spot() is not None):
            pixel.section(run, own, report)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"Cell {cell}", anchor=False, width="content")
        chosen = url_state.choose(
            st.segmented_control, "About the cell", list(SECTIONS), key=SECTION, default="model", required=True,
            format_func=lambda name: SECTIONS[name][0], label_visibility="collapsed", width="content", wrap=True,
        )  # fmt: skip
    SECTIONS[chosen][1](run, own, report, cell)


def shown_section() -> str:
    """The section that is open."""
    return str(st.session_state.get(SECTION) or "model")


def first_cells(cells: pd.DataFrame) -> None:
    """The cells to look at before all others."""
    shown = cells[cells["rank"] > 0].sort_values("rank").head(SHORT)
    table = pd.DataFrame({
        "Rank": shown["rank"].astype(int), "Cell": shown["cell"].astype(str),
        "Expected km²": shown["expected_km2"].map(number), "Highest p": shown["prob_max"].map(number),
    })  # fmt: skip
    downloads.table(table, hide_index=True, width="stretch", height="content")


def pictures(own: ResultFolder, cells: pd.DataFrame, name: str) -> None:
    """The cell before and after, as far as both are there."""
    cell = cells[cells["cell"] == name].iloc[0]
    arrays, step = or_stop(own.arrays, "picture"), or_stop(own.json, "picture.json")["step"]
    shown = {title: arrays[key] for title, key in (("Before", "before"), ("After", "after")) if key in arrays}
    with st.container(horizontal=True, gap="small"):
        for title, rgb in shown.items():
            part = cut(rgb, cell, step)
            if part.size:
                width = SIDE // len(shown)
                size = width, max(1, round(width * part.shape[0] / part.shape[1]))
                image = Image.fromarray(greyed(part)).resize(size, Image.Resampling.LANCZOS)
                st.image(image, caption=title if len(shown) > 1 else None, width=width, alt=f"{title}: cell {name}")


def numbers(own: ResultFolder, cells: pd.DataFrame, name: str) -> None:
    """What the map says of the cell."""
    cell = cells[cells["cell"] == name].iloc[0]
    arrays, step = or_stop(own.arrays, "picture"), or_stop(own.json, "picture.json")["step"]
    table = facts(cell, arrays, step)
    if narrow.is_narrow():  # eight cards would be long on a phone
        lines = [f"{escape_markdown(name)}: **{escape_markdown(value)}**" for name, value in table.to_numpy()]
        st.markdown("  \n".join(lines))
        return
    downloads.table(table, hide_index=True, width="stretch", height="content")


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
