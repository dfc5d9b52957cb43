"""The text alternative of a figure, written from what the figure holds: title, axes, series and their ranges."""

from __future__ import annotations

import html
import re

import numpy as np
import plotly.graph_objects as go

from core.text import number

MOST_SERIES = 6
_KINDS = {
    "bar": "Bar chart", "scatter": "Chart", "scattergl": "Chart", "heatmap": "Heat map", "histogram": "Histogram",
    "box": "Box plot", "violin": "Violin plot", "contour": "Contour map", "image": "Picture", "scattermap": "Map",
    "scattergeo": "Map", "sankey": "Flow chart",
}  # fmt: skip


def in_words(figure: go.Figure) -> str:
    """What a reader who cannot see the figure should know of it, in at most a few hundred characters."""
    kind = next((_KINDS.get(trace.type, "Chart") for trace in figure.data), "Empty chart")
    title = _plain(figure.layout.title.text)
    across, up = _plain(figure.layout.xaxis.title.text), _plain(figure.layout.yaxis.title.text)
    parts = [f"{kind}: {title}" if title else kind]
    if across or up:
        parts.append(" against ".join(filter(None, [up, across])))
    named = [trace for trace in figure.data if _plain(trace.name) and trace.showlegend is not False]
    names = list(dict.fromkeys(_plain(trace.name) for trace in named))
    if names:
        more = f" and {len(names) - MOST_SERIES} more" if len(names) > MOST_SERIES else ""
        parts.append(f"Series: {', '.join(names[:MOST_SERIES])}{more}")
    if len(figure.data) <= MOST_SERIES:
        rows = figure.layout.yaxis.ticktext is not None  # places on the upright axis are numbers that stand for names
        parts += filter(None, (_range(trace, rows) for trace in figure.data))
    return ". ".join(parts)[:600] + "."


def _range(trace: object, rows: bool = False) -> str:
    """The numbers of a series of bars or points; empty for one without any, or for a picture.

    rows: whether the values are along, for rows that have names.
    """
    if trace.type not in ("bar", "scatter", "scattergl"):
        return ""
    lying = rows or (trace.type == "bar" and trace.orientation == "h")
    values, places = (trace.x, trace.y) if lying else (trace.y, trace.x)
    found = _numbers(values)
    if not len(found):
        return ""
    name = f"{_plain(trace.name)}: " if _plain(trace.name) else ""
    words = [] if places is None else [_plain(place) for place in places if isinstance(place, str)]
    if trace.type == "bar" and len(words) == len(found) <= 12:
        return name + ", ".join(f"{word} {number(value)}" for word, value in zip(words, found, strict=True))
    return f"{name}{len(found):,} values from {number(found.min())} to {number(found.max())}"


def _numbers(values: object) -> np.ndarray:
    try:
        found = np.asarray(values if values is not None else [], dtype=float).ravel()
    except (TypeError, ValueError):
        return np.empty(0)
    return found[np.isfinite(found)]


def _plain(text: object) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", str(text or "")).split()))
