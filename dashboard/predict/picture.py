"""The scene in the browser: before and after with a swipe, what was found over it, zoom, and clicks on ground.

:func:`payload` is everything that is sent; nothing comes from the internet. A click tells the pixel and the cell that
lies there, a swipe where its edge is; what is chosen lives in the session and the URL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import theme
from dashboard.predict.figure import Place, hover

PICKED, SWIPED = "picked", "swiped"  # what the browser tells
WHITE, CHOSEN = "#FFFFFF", "#8EC9F2"
MOST_LABELS = 60  # cells whose rank is written on the picture
JUDGED = {"landslide": ("✓", theme.POSITIVE), "not": ("✗", theme.NEGATIVE), "unsure": ("?", "#5F666E"),
          "disagree": ("≠", "#5F666E")}  # fmt: skip
_HERE = Path(__file__).parent
_HTML = """
<div class="scene">
  <div class="keys">
    <div class="legend"></div>
    <div class="scale"><span>0</span><span class="ramp"></span><span class="top"></span></div>
  </div>
  <div class="frame" role="group" tabindex="0">
    <div class="stage">
      <img class="after" alt=""><img class="before" alt="" hidden><img class="unseen" alt="" hidden>
      <img class="over" alt="" hidden>
      <svg class="shapes" preserveAspectRatio="none" aria-hidden="true"></svg>
      <div class="labels" aria-hidden="true"></div>
    </div>
    <div class="handle" role="slider" tabindex="0" aria-label="Before the event, from the left" aria-valuemin="0"
      aria-valuemax="100" aria-valuenow="0" hidden>
      <b aria-hidden="true">⇆</b>
      <span class="side left" aria-hidden="true">Before</span><span class="side right" aria-hidden="true">After</span>
    </div>
    <div class="ruler" aria-hidden="true"><div class="bar"></div></div>
    <div class="tip" hidden></div>
    <div class="zoom">
      <button type="button" class="in" aria-label="Zoom in" title="Zoom in (+, or Ctrl and the wheel)">+</button>
      <button type="button" class="out" aria-label="Zoom out" title="Zoom out (-)">−</button>
      <button type="button" class="all" aria-label="Whole scene" title="Whole scene (0)">⤢</button>
    </div>
  </div>
</div>
"""
_component = st.components.v2.component(
    "landslide_lens_scene",
    html=_HTML,
    css=(_HERE / "picture.css").read_text(encoding="utf-8"),
    js=(_HERE / "picture.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Scale:
    """What the densest colour of the overlay means, in words, and that colour."""

    words: str
    colour: str


@dataclass(frozen=True)
class Layers:
    """Pictures as data URIs, as large as the scene; None: not drawn. name: changes when the scene does."""

    name: str
    after: str
    before: str | None
    unseen: str | None
    over: str | None


@dataclass(frozen=True)
class Drawn:
    """What lies over the pictures.

    outlines: (n, 2) column and row, nan between rings. cells: all cells (None: none can be clicked); ``first`` of them
    in the order of their rank are outlined, where ``show_cells``. chosen: a cell's name. judged: verdict by cell.
    alike: names of cells, the most alike first. pixel: (row, column) that was clicked.
    """

    outlines: np.ndarray | None = None
    cells: pd.DataFrame | None = None
    first: int = 0
    show_cells: bool = True
    chosen: str | None = None
    judged: Mapping[str, str] | None = None
    alike: Sequence[str] = ()
    pixel: tuple[int, int] | None = None


def payload(
    place: Place, layers: Layers, drawn: Drawn, scale: Scale, opacity: int, swipe: int, label: str, alt: str
) -> dict[str, Any]:
    """What the browser gets. opacity, swipe: percent."""
    height, width = place.shape
    wide, high = place.size
    shapes, labels, legend = [], [], []
    if drawn.outlines is not None and len(drawn.outlines):
        shapes.append({"path": svg_path(drawn.outlines), "colour": theme.POSITIVE, "kind": "line"})
        legend.append({"text": "Landslide polygons", "colour": theme.POSITIVE})
    cells = drawn.cells
    if cells is not None and drawn.show_cells:
        ranked = cells[cells["rank"].between(1, drawn.first)].sort_values("rank")
        shapes.append({"path": _boxes(ranked), "colour": WHITE, "kind": "box"})
        legend.append({"text": "Cells to look at first", "colour": WHITE})
        labels += [
            {"x": row.left, "y": row.top, "text": f"{int(row.rank)}", "kind": "rank"}
            for row in ranked.head(MOST_LABELS).itertuples()
        ]
    if cells is not None:
        shapes += _highlights(cells, drawn)
        labels += _marks(cells, drawn)
    if drawn.pixel is not None:
        labels.append({"x": drawn.pixel[1] + 0.5, "y": drawn.pixel[0] + 0.5, "text": "✛", "kind": "cross"})
    if layers.unseen is not None:
        legend.append({"text": "Not seen", "colour": theme.UNLABELLED, "fill": True})
    shown = {
        "width": width, "height": height, "aspect": wide / high, "wide": wide, "unit": place.unit,
        "after": layers.after, "before": layers.before, "unseen": layers.unseen, "over": layers.over,
        "opacity": opacity / 100, "shapes": shapes, "labels": labels, "legend": legend,
        "scale": scale.words, "ink": scale.colour, "label": label, "alt": alt, "cells": _clickable(cells),
    }  # fmt: skip
    version = hashlib.blake2b(json.dumps(shown).encode(), digest_size=12).hexdigest()
    return shown | {"swipe": swipe, "picture": layers.name, "version": version}


def draw(
    data: Mapping[str, Any],
    key: str,
    on_pick: Callable[[int, int, str | None], None],
    on_swipe: Callable[[int], None],
) -> None:
    """Draw what :func:`payload` made. on_pick(row, column, cell or None) and on_swipe(percent) are callbacks."""
    names = set(data["cells"]["name"])

    def picked() -> None:
        said = st.session_state[key].get(PICKED)
        if not isinstance(said, dict):
            return
        row, col, cell = said.get("row"), said.get("col"), said.get("cell")
        if isinstance(row, int) and isinstance(col, int) and 0 <= row < data["height"] and 0 <= col < data["width"]:
            on_pick(row, col, cell if cell in names else None)

    def swiped() -> None:
        said = st.session_state[key].get(SWIPED)
        if isinstance(said, int | float) and 0 <= said <= 100:
            on_swipe(round(said))

    _component(key=key, data=dict(data), on_picked_change=picked, on_swiped_change=swiped)


def svg_path(xy: np.ndarray) -> str:
    """Rings (n, 2) of column and row, nan between them, as the path of an SVG."""
    parts, begins = [], True
    for x, y in np.asarray(xy, np.float64).round(1):
        if not np.isfinite(x):
            begins = True
            if parts:
                parts.append("Z")
            continue
        parts.append(f"{'M' if begins else 'L'}{x:g} {y:g}")
        begins = False
    return "".join(parts)


def _boxes(cells: pd.DataFrame) -> str:
    boxes = cells[["left", "top", "right", "bottom"]].to_numpy(np.float64).round(1)
    return "".join(f"M{a:g} {b:g}H{c:g}V{d:g}H{a:g}Z" for a, b, c, d in boxes)


def _highlights(cells: pd.DataFrame, drawn: Drawn) -> list[dict[str, Any]]:
    found = []
    if drawn.alike:
        found.append(
            {"path": _boxes(cells[cells["cell"].isin(list(drawn.alike))]), "colour": "#F2D94E", "kind": "line"}
        )
    if drawn.chosen is not None:
        found.append({"path": _boxes(cells[cells["cell"] == drawn.chosen]), "colour": CHOSEN, "kind": "chosen"})
    return [one for one in found if one["path"]]


def _marks(cells: pd.DataFrame, drawn: Drawn) -> list[dict[str, Any]]:
    by_name = cells.set_index("cell")
    found = []
    for name, verdict in (drawn.judged or {}).items():
        if name in by_name.index and verdict in JUDGED:
            text, colour = JUDGED[verdict]
            at = by_name.loc[name]
            found.append({"x": at["right"], "y": at["top"], "text": text, "kind": "mark", "colour": colour})
    for k, name in enumerate(drawn.alike, 1):
        if name in by_name.index:
            at = by_name.loc[name]
            middle = {"x": (at["left"] + at["right"]) / 2, "y": (at["top"] + at["bottom"]) / 2}
            found.append(middle | {"text": chr(64 + k), "kind": "like"})
    return [{key: float(v) if isinstance(v, np.number) else v for key, v in one.items()} for one in found]


def _clickable(cells: pd.DataFrame | None) -> dict[str, list]:
    if cells is None:
        return {"name": [], "box": [], "text": []}
    boxes = cells[["left", "top", "right", "bottom"]].to_numpy(np.float64).round(1)
    return {
        "name": cells["cell"].astype(str).tolist(), "box": boxes.tolist(),
        "text": [hover(row) for row in cells.to_dict("records")],
    }  # fmt: skip
