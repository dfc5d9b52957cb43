"""The embedding map of one fold: its patches over the regions in which a head decides, as a plotly figure.

Points carry their patch id, so that a selection can be opened. Cells without a patch nearby are hatched, not coloured.
The map fills its frame: the coordinates have no unit, so neither ticks nor equal scales would say anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import DARK_TEXT, escape_html
from dashboard.charts.regions import picture, zero_line

MANY = 3000  # from here on points are drawn by WebGL
CROWDED = 600  # from here on points are drawn smaller
# By ground: opacity of a class's colour where the head is sure, and beside the boundary.
TINTS = {"light": (0.3, 0.14), "dark": (0.45, 0.22)}
HATCH_EVERY = 4  # cells between two lines of the hatching
HEIGHT = 600
LEGEND_PX = 30  # above the map
SEQUENTIAL = "Viridis"
# The boundary: dark in a light rim, so that it shows on points, regions and both backgrounds.
LINES = ({"color": "#FFFFFF", "width": 6.5}, {"color": DARK_TEXT, "width": 3})
UNKNOWN = ("#80888E", 0.13)  # colour and opacity of the ground without patches nearby
RIMS = {"light": DARK_TEXT, "dark": "#E3E9ED"}  # around points: 3:1 or more on every tint
MARK = "#F2C200"  # with a dark rim it stands out from both backgrounds and every class


@dataclass(frozen=True)
class Regions:
    """A head's decision values over the plane. x, y: (G,); values: (G, G), rows are y; near: (G, G) bool."""

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    near: np.ndarray


@dataclass(frozen=True)
class Points:
    """Patches on the map. xy: (n, 2); ids: n texts; group: (n,) names of legend entries, or None with ``value``.

    value: (n,), drawn on the diverging scale of the classes from 0 to 1, or with ``limits`` on a sequential one between
    them; nan is grey. prob: (n,) for the hover text, nan where there is none. words: n more words for it.
    small: (n,) bool, drawn small and faint. wrong: (n,) bool, drawn as crosses.
    """

    xy: np.ndarray
    ids: Sequence[str]
    group: np.ndarray | None = None
    value: np.ndarray | None = None
    value_title: str = ""
    limits: tuple[float, float] | None = None
    prob: np.ndarray | None = None
    words: Sequence[str] | None = None
    small: np.ndarray | None = None
    wrong: np.ndarray | None = None


@dataclass(frozen=True)
class Synthetic:
    """Synthetic patches with their parents. xy, anchor, neighbour: (m, 2); text: m hover texts."""

    xy: np.ndarray
    anchor: np.ndarray
    neighbour: np.ndarray
    text: Sequence[str]


@dataclass(frozen=True)
class Marked:
    """Places that are pointed out. xy: (m, 2); text: m hover texts; to: (m, k, 2) that each is joined with, or None."""

    name: str
    xy: np.ndarray
    text: Sequence[str]
    to: np.ndarray | None = None
    symbol: str = "star"


def boundary_map(
    points: Points,
    colours: Mapping[str, str],
    regions: Regions | None = None,
    synthetic: Synthetic | None = None,
    marked: Sequence[Marked] = (),
    height: int = HEIGHT,
    legend: bool = True,
    dark: bool = False,
) -> go.Figure:
    """Points over regions. colours: legend entry -> colour, in the legend's order. Without ``legend``: a small one.

    dark: the page's ground is dark.
    """
    ground = "dark" if dark else "light"
    figure, rim = go.Figure(), RIMS[ground]
    if regions is not None:
        _add_regions(figure, regions, TINTS[ground])
    if synthetic is not None and len(synthetic.xy):
        _add_synthetic(figure, synthetic, rim)
    none = np.zeros(len(points.xy), bool)
    small, wrong = (none if part is None else part for part in (points.small, points.wrong))
    for kind in ((True, False), (True, True), (False, False), (False, True)):
        part = (small == kind[0]) & (wrong == kind[1])
        if points.value is not None:
            _add_points(figure, points, part, kind, "patches", points.value, not legend, rim)
            continue
        for name, colour in colours.items():
            _add_points(figure, points, part & (points.group == name), kind, name, colour, not legend, rim)
    if regions is not None:
        _add_line(figure, regions)
    for one in marked:
        _add_marked(figure, one)
    if wrong.any():
        _add_key(figure, "wrong decision", {"symbol": "x", "size": 9, "color": theme.INK})
    if regions is not None and not regions.near.all():
        _add_key(figure, "no patches nearby: unknown", {"symbol": "hash-open", "size": 10, "color": theme.INK})
    ranges = _ranges(points, regions, marked)
    figure = theme.apply(figure, height)
    figure.update_xaxes(range=ranges[0], visible=False)
    figure.update_yaxes(range=ranges[1], visible=False)
    figure.add_shape(
        type="rect", xref="paper", yref="paper", x0=0, x1=1, y0=0, y1=1, line={"color": theme.GRID, "width": 1},
        layer="below",
    )  # fmt: skip
    figure.update_layout(
        dragmode="lasso",
        showlegend=legend,
        legend={"itemsizing": "constant", "y": 1.01},
        margin={"l": 0, "r": 0, "t": LEGEND_PX if legend else 4, "b": 2, "pad": 0},
        modebar={"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": theme.INK, "activecolor": theme.NEGATIVE},
    )
    return figure


def hatching(regions: Regions) -> tuple[np.ndarray, np.ndarray]:
    """Slanting lines over the cells without data nearby, as x and y of one broken line (nan between the pieces).

    Each piece runs through neighbouring cells of one diagonal: a few hundred numbers, however fine the raster.
    """
    far, n_rows, n_columns = ~regions.near, *regions.near.shape
    half_x, half_y = (np.ptp(axis) / max(len(axis) - 1, 1) / 2 for axis in (regions.x, regions.y))
    xs, ys = [], []
    for offset in range(-n_rows + 1, n_columns, HATCH_EVERY):
        column = np.arange(max(0, offset), min(n_columns, n_rows + offset))
        row = column - offset
        on = np.concatenate([[False], far[row, column], [False]])
        for begin, end in zip(np.flatnonzero(on[1:] & ~on[:-1]), np.flatnonzero(on[:-1] & ~on[1:]) - 1, strict=True):
            xs += [regions.x[column[begin]] - half_x, regions.x[column[end]] + half_x, np.nan]
            ys += [regions.y[row[begin]] - half_y, regions.y[row[end]] + half_y, np.nan]
    return np.array(xs, np.float32), np.array(ys, np.float32)


def _add_regions(figure: go.Figure, regions: Regions, tints: tuple[float, float]) -> None:
    """Tint the plane by sign and strength of the decision; hatch what is far from any patch."""
    if not (regions.near & np.isfinite(regions.values)).any():
        return
    source = picture(regions.values, regions.near, (theme.NEGATIVE, theme.POSITIVE), tints, UNKNOWN)
    width, height = (np.ptp(axis) * len(axis) / max(len(axis) - 1, 1) for axis in (regions.x, regions.y))
    left, top = np.mean(regions.x[[0, -1]]) - width / 2, np.mean(regions.y[[0, -1]]) + height / 2
    figure.add_layout_image(
        source=source, xref="x", yref="y", x=float(left), y=float(top), sizex=float(width), sizey=float(height),
        sizing="stretch", layer="below",
    )  # fmt: skip
    x, y = hatching(regions)
    if len(x):
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": theme.INK, "width": 0.7}, opacity=0.5, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip


def _add_line(figure: go.Figure, regions: Regions) -> None:
    """The line where the decision changes sign, above the points, which would hide it."""
    x, y = zero_line(regions.x, regions.y, regions.values, regions.near)
    if not len(x):
        return
    for line in LINES:
        figure.add_scatter(
            x=x, y=y, mode="lines", line=line, name="boundary", hoverinfo="skip", showlegend=False, connectgaps=False
        )  # fmt: skip


def _add_key(figure: go.Figure, name: str, marker: Mapping) -> None:
    """An entry of the legend that is no patch."""
    figure.add_scatter(x=[None], y=[None], mode="markers", name=name, marker=dict(marker), hoverinfo="skip")


def _ranges(points: Points, regions: Regions | None, marked: Sequence[Marked]) -> tuple[list[float], list[float]]:
    """Ranges of both axes around everything that is drawn; the raster of the regions fills them."""
    corners = [points.xy, *(one.xy for one in marked)]
    if regions is not None:
        corners.append(np.stack([regions.x[[0, -1]], regions.y[[0, -1]]], axis=1))
    everything = np.concatenate([part for part in corners if len(part)] or [np.zeros((1, 2))])
    low, high = everything.min(axis=0), everything.max(axis=0)
    room = (0.004 if regions is not None else 0.03) * np.maximum(high - low, 1e-6)
    if marked:
        room *= 5
    low, high = (low - room).tolist(), (high + room).tolist()
    return [low[0], high[0]], [low[1], high[1]]


def _add_points(
    figure: go.Figure,
    points: Points,
    part: np.ndarray,
    kind: tuple[bool, bool],
    name: str,
    colour: str | np.ndarray,
    small_map: bool,
    rim: str,
) -> None:
    """One trace. part: (n,) bool, the patches in it; kind: whether they are small and whether they are wrong."""
    rows = np.flatnonzero(part)
    if not rows.size:
        return
    is_small, is_wrong = kind
    many = len(points.xy) > MANY
    crowded = len(points.xy) > CROWDED
    size = 4 if many or (crowded and small_map) else 6 if crowded or small_map else 8
    opacity = (0.85, 0.5) if many else (1.0, 0.75)  # WebGL's points hide the line: through many it must be seen
    marker = {"size": size - (1 if many else 3) if is_small else size, "opacity": opacity[is_small]}
    width = 0.5 if many or is_small else 0.7 if crowded else 1
    marker["line"] = {"width": width, "color": rim}  # tells a point from a tint of its own colour
    if is_wrong:
        marker |= {"symbol": "x", "size": marker["size"] + 3}
    if isinstance(colour, str):
        marker["color"] = colour
    else:
        bar = {"title": {"text": points.value_title, "side": "right"}, "thickness": 10, "len": 0.8}
        low, high = points.limits or (0.0, 1.0)
        scale = theme.DIVERGING if points.limits is None else SEQUENTIAL
        marker |= {"color": colour[rows].astype(np.float32), "colorscale": scale, "cmin": low, "cmax": high}
        marker |= {"showscale": not (is_small or is_wrong) or bool(np.all(part)), "colorbar": bar}
    trace = go.Scattergl if many else go.Scatter
    custom, template = _hover(points, rows)
    xy = points.xy[rows].astype(np.float32)
    group = "" if points.value is not None or points.words is not None else " · %{fullData.name}"
    known = {trace.name for trace in figure.data if trace.showlegend is not False}
    shown = escape_html(name) + (" (training part)" if is_small else "")
    figure.add_trace(
        trace(
            x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, name=shown, legendgroup=shown,
            showlegend=isinstance(colour, str) and shown not in known,
            customdata=custom, hovertemplate=f"{template}{group}<extra></extra>",
        )
    )  # fmt: skip


def _hover(points: Points, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """What each point carries (n, 1 to 4), its id first, and the template of its hover text; as little as possible.

    An array of objects, which plotly takes as it is; it would check every item of a list.
    """
    ids = [str(points.ids[row]) for row in rows]
    columns, template = [ids], "%{customdata[0]}"
    if points.prob is not None:
        probs = np.round(points.prob[rows].astype(float), 3).tolist()
        columns.append([prob if prob == prob else "none" for prob in probs])
        template += " · p %{customdata[1]} out of fold"
    if points.words is not None:
        columns.append([escape_html(points.words[row]) for row in rows])
        template += f" · %{{customdata[{len(columns) - 1}]}}"
    if any(sign in name for name in ids for sign in "<>&"):  # plotly reads a little HTML in hover texts
        columns.append([escape_html(name) for name in ids])
        template = template.replace("%{customdata[0]}", f"%{{customdata[{len(columns) - 1}]}}")
    custom = np.empty((len(ids), len(columns)), dtype=object)
    for number, column in enumerate(columns):
        custom[:, number] = column
    return custom, template


def _add_synthetic(figure: go.Figure, synthetic: Synthetic, rim: str) -> None:
    gap = np.full_like(synthetic.xy, np.nan)
    ends = np.stack([synthetic.anchor, synthetic.xy, synthetic.neighbour, gap], axis=1)
    lines = ends.reshape(-1, 2).astype(np.float32)
    figure.add_scatter(
        x=lines[:, 0], y=lines[:, 1], mode="lines", line={"color": theme.SYNTHETIC, "width": 1}, opacity=0.5,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    xy = synthetic.xy.astype(np.float32)
    figure.add_scatter(
        x=xy[:, 0], y=xy[:, 1], mode="markers", name="synthetic, joined to its parents",
        marker={"symbol": "diamond", "size": 8, "color": theme.SYNTHETIC, "line": {"width": 1, "color": rim}},
        text=[escape_html(text) for text in synthetic.text], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _add_marked(figure: go.Figure, marked: Marked) -> None:
    if marked.to is not None and marked.to.size:
        own = np.repeat(marked.xy[:, None], marked.to.shape[1], axis=1)
        lines = np.stack([own, marked.to, np.full_like(own, np.nan)], axis=2).reshape(-1, 2).astype(np.float32)
        figure.add_scatter(
            x=lines[:, 0], y=lines[:, 1], mode="lines", line={"color": theme.INK, "width": 1.2}, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip
    figure.add_scatter(
        x=marked.xy[:, 0], y=marked.xy[:, 1], mode="markers", name=escape_html(marked.name),
        marker={"symbol": marked.symbol, "size": 15, "color": MARK, "line": {"width": 1.5, "color": DARK_TEXT}},
        text=[escape_html(text) for text in marked.text], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def selected_ids(event: object) -> list[str]:
    """Patch ids of the points chosen in the figure, each once, in the order chosen. ``event``: what Streamlit gives."""
    points = (event or {}).get("selection", {}).get("points", [])  # a PlotlyState is a dictionary
    ids = []
    for point in points:
        data = point.get("customdata")
        value = data[0] if isinstance(data, (list, tuple)) and data else data
        if isinstance(data, dict):
            value = next(iter(data.values()), None)
        if value is not None:
            ids.append(str(value))
    return list(dict.fromkeys(ids))
