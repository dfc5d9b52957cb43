"""The graph of one landslide's neighbours: pictures around the patch in the middle, edges with their SSIM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import escape_html
from dashboard.patches.gallery import short


def neighbour_figure(
    graph: Mapping[str, Any], made: Mapping[tuple[str, str], int], pictures: Mapping[str, str]
) -> go.Figure:
    """A landslide in the middle, its nearest around it (closer: more similar), theirs as faint dots outside.

    graph: see ``core.analyses.smote.neighbours.NeighbourGraph``. made: (anchor, neighbour) -> synthetic patches between
    them. pictures: id -> a picture as a data URI.
    """
    places, further = layout(graph)
    centre, figure = str(graph["id"]), go.Figure()
    for start, end, ssim in graph["further"]:
        _edge(figure, places[start], places[end], f"SSIM {ssim:.3f}", theme.INK, 1.0, 0.35)
    for name, ssim in zip(graph["nearest"], graph["ssim"], strict=True):
        n = made.get((centre, name), 0) + made.get((name, centre), 0)
        colour, width = (theme.POSITIVE, 2.0 + min(n, 4)) if n else (theme.INK, 1.5)
        text = f"SSIM {ssim:.3f}, {n} synthetic{'' if n == 1 else 's'} between them"
        _edge(figure, places[centre], places[name], text, colour, width, 1.0)
        middle = 0.55 * np.asarray(places[name])
        figure.add_annotation(
            x=middle[0], y=middle[1], text=f"{ssim:.2f}" + (f" · {n}" if n else ""), showarrow=False,
            font={"size": 12, "color": "#16202A"}, bgcolor="rgba(255,255,255,0.85)", borderpad=2,
        )  # fmt: skip
    side = picture_side(len(graph["nearest"]))
    for name in [centre, *graph["nearest"]]:
        x, y = places[name]
        linked = name == centre or made.get((centre, name), 0) + made.get((name, centre), 0) > 0
        if name in pictures:
            figure.add_layout_image(
                source=pictures[name], x=x, y=y, xref="x", yref="y", sizex=side, sizey=side, xanchor="center",
                yanchor="middle", layer="above",
            )  # fmt: skip
        figure.add_shape(
            type="rect", x0=x - side / 2, x1=x + side / 2, y0=y - side / 2, y1=y + side / 2, layer="above",
            line={"color": theme.POSITIVE if linked else theme.INK, "width": 2.5 if linked else 1},
        )  # fmt: skip
        if name != centre:  # outwards, where no edge runs; the patch in the middle is named by its picker
            up = y > 0
            figure.add_annotation(
                x=x, y=y + (side / 2 if up else -side / 2), text=escape_html(short(name)), showarrow=False, borderpad=1,
                yanchor="bottom" if up else "top", font={"size": 11},
            )  # fmt: skip
    shown = [(centre, "the patch"), *((name, f"neighbour {i + 1}") for i, name in enumerate(graph["nearest"]))]
    _nodes(figure, places, shown, 44, 0.01)  # over the pictures: what is clicked
    _nodes(figure, places, [(name, "neighbour of a neighbour") for name in further], 11, 0.45)
    drawn = np.array(list(places.values()))
    (left, bottom), (right, top) = drawn.min(axis=0) - 0.7 * side, drawn.max(axis=0) + 0.7 * side
    figure.update_xaxes(range=[left, right], visible=False, constrain="domain")
    figure.update_yaxes(range=[bottom, top], visible=False, scaleanchor="x", scaleratio=1, constrain="domain")
    theme.apply(figure, 560)
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 28, "b": 0})


def picture_side(n: int) -> float:
    """Side of a picture in the graph's units, so that those of n neighbours do not touch."""
    return float(min(0.6, 2.0 * np.sin(np.pi / max(n, 3)) * 0.66))


def layout(graph: Mapping[str, Any]) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Id -> place, the patch at (0, 0); and the ids of the second degree that are not of the first."""
    nearest, ssim = [str(name) for name in graph["nearest"]], np.asarray(graph["ssim"], float)
    span = max(float(np.ptp(ssim)) if len(ssim) else 0.0, 1e-9)
    places: dict[str, tuple[float, float]] = {str(graph["id"]): (0.0, 0.0)}
    angles = {name: np.pi / 2 - 2 * np.pi * i / max(len(nearest), 1) for i, name in enumerate(nearest)}
    for name, value in zip(nearest, ssim, strict=True):
        radius = 1.0 + 0.35 * (ssim.max() - value) / span
        places[name] = (radius * np.cos(angles[name]), radius * np.sin(angles[name]))
    parents: dict[str, list[str]] = {}
    for start, end, _ in graph["further"]:
        if end not in places:
            parents.setdefault(str(end), []).append(str(start))
    by_first: dict[str, list[str]] = {}
    for name, nearest_of in parents.items():
        by_first.setdefault(nearest_of[0], []).append(name)
    sector = 2 * np.pi / max(len(nearest), 1)
    for first, names in by_first.items():
        for i, name in enumerate(names):
            angle = angles[first] + 0.65 * sector * ((i + 0.5) / len(names) - 0.5)
            places[name] = (1.85 * np.cos(angle), 1.85 * np.sin(angle))
    return places, list(parents)


def _edge(
    figure: go.Figure, a: Sequence[float], b: Sequence[float], text: str, colour: str, width: float, opacity: float
):
    middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
    figure.add_scatter(
        x=[a[0], middle[0], b[0]], y=[a[1], middle[1], b[1]], mode="lines", line={"color": colour, "width": width},
        opacity=opacity, showlegend=False, text=[text] * 3, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _nodes(
    figure: go.Figure,
    places: Mapping[str, Sequence[float]],
    named: Sequence[tuple[str, str]],
    size: int,
    opacity: float,
) -> None:
    """Points that carry their id, so that a click opens the patch."""
    if named:
        xy = np.array([places[name] for name, _ in named])
        figure.add_scatter(
            x=xy[:, 0], y=xy[:, 1], mode="markers", showlegend=False, customdata=[[name] for name, _ in named],
            marker={"size": size, "color": theme.POSITIVE, "opacity": opacity, "symbol": "circle"},
            text=[f"{escape_html(name)}: {what}. Click to open" for name, what in named],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
