"""The picture of a map on the page: its layers, made once, and what is chosen by a click or with the swipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluate.prevalence import shifted
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from core.text import counted
from dashboard import cache, url_state
from dashboard.predict import figure, novelty, picture
from dashboard.predict.figure import Place
from dashboard.ui.guards import or_stop

NAME = "predict_picture"
CELL, SPOT, SWIPE = "predict_cell", "predict_spot", "predict_before"  # in the URL


def overlays(own: ResultFolder) -> dict[str, str]:
    """What can be laid over this scene, with its title."""
    there = or_stop(own.arrays, "picture")
    return {
        name: title for name, title in figure.OVERLAYS.items()
        if name == "none" or (name in there and np.isfinite(there[name]).any())
    }  # fmt: skip


def draw(
    run: RunFolder, own: ResultFolder, report: Mapping[str, Any], drawn: picture.Drawn, overlay: str, opacity: int
) -> None:
    """The picture with what lies over it."""
    scene, facts = report["scene"], or_stop(own.json, "picture.json")
    place = Place.of(scene["shape"], facts["pixel_m"])
    layers, top = _layers(*_version(own), overlay, shares(run, report), _own=own)
    swipe = _swipe() if layers.before else 0
    wide, high = place.size
    first = counted(drawn.first, "cell")
    alt = (
        f"The scene in {', '.join(facts['bands'])}, {wide:.3g} by {high:.3g} {place.unit}, with "
        f"{figure.OVERLAYS[overlay].lower()} over it, {first} to look at first. Their numbers are in the "
        "tables for download."
    )
    label = "The scene. Plus and minus zoom, arrows move; cells can also be chosen in the list."
    data = picture.payload(place, layers, drawn, scale_of(overlay, top), opacity, swipe, label, alt)
    picture.draw(data, NAME, pick, _keep_swipe)


def scale_of(overlay: str, top: float) -> picture.Scale:
    """What the densest colour means."""
    words = novelty.DENSEST if overlay == novelty.OVERLAY else f"{top:g} {figure.OVERLAYS[overlay].lower()}"
    return picture.Scale(words, figure.colour_of(overlay))


def pick(row: int, col: int, cell: str | None) -> None:
    """Callback: this pixel was clicked, in this cell."""
    st.session_state[SPOT] = f"r{row} c{col}"
    if cell is not None:
        st.session_state[CELL] = cell


def _swipe() -> int:
    url_state.read_query_number(SWIPE, 0, 100, 0)
    value = int(st.session_state[SWIPE])
    url_state.write_query_param(SWIPE, value, 0)
    return value


def _keep_swipe(percent: int) -> None:
    st.session_state[SWIPE] = percent


def png_bytes(
    run: RunFolder, own: ResultFolder, report: Mapping[str, Any], overlay: str, opacity: int,
    outlines: np.ndarray | None, cells: pd.DataFrame | None,
) -> bytes:  # fmt: skip
    """The map as one picture."""
    found = own.arrays("picture")
    layers = [(figure.unseen_over(found["unseen"]), 100)]
    if overlay != "none":
        values, top = _values(found, overlay, shares(run, report))
        layers.append((figure.over(values, top, figure.colour_of(overlay)), opacity))
    return figure.png(figure.drawn(found["after"], layers, report["scene"]["shape"], outlines, cells))


def shares(run: RunFolder, report: Mapping[str, Any]) -> tuple[float, float] | None:
    """The run's own share of landslides and the one that was stated for this ground; None where none was."""
    stated = (report["triage"] or {}).get("share_of_landslides")
    return None if stated is None else (own_share(run), stated)


def own_share(run: RunFolder) -> float:
    """Landslides among the patches that the run was evaluated on."""
    counts = or_stop(run.summary)["oof"]["confusion"]
    return (counts["tp"] + counts["fn"]) / max(1, sum(counts.values()))


def as_stated(probs: np.ndarray, run: RunFolder, report: Mapping[str, Any]) -> np.ndarray:
    """Probabilities for the share of landslides that was stated, as the map shows them."""
    both = shares(run, report)
    return np.asarray(probs, np.float64) if both is None else shifted(np.asarray(probs, np.float64), *both)


def _version(own: ResultFolder) -> tuple[str, cache.Version]:
    return str(own.path), cache.file_version(own.path / "picture.safetensors")


def _values(
    found: Mapping[str, np.ndarray], overlay: str, both: tuple[float, float] | None
) -> tuple[np.ndarray, float]:
    values = found[overlay]
    if overlay == "disagreement":
        return values, figure.MOST_SPREAD
    if overlay == novelty.OVERLAY:
        return novelty.strangeness(values), novelty.TOP
    if overlay == "probability" and both is not None:
        values = shifted(values, *both)
    return values, figure.top_of(values)


@st.cache_data(max_entries=8, show_spinner=False)
def _layers(
    path: str, version: cache.Version, overlay: str, both: tuple[float, float] | None, _own: ResultFolder
) -> tuple[picture.Layers, float]:
    """The pictures, and the value that the overlay's densest colour means."""
    found = _own.arrays("picture")
    inked, top = None, 1.0
    if overlay != "none":
        values, top = _values(found, overlay, both)
        inked = figure.as_uri(figure.over(values, top, figure.colour_of(overlay)))
    before = figure.as_uri(figure.greyed(found["before"])) if "before" in found else None
    unseen = figure.as_uri(figure.unseen_over(found["unseen"])) if (found["unseen"] > 0).any() else None
    return picture.Layers(f"{path} {version}", figure.as_uri(found["after"]), before, unseen, inked), top
