"""The map of one fold's embeddings over the regions in which a head decides.

Comes in: positions, the raster of a head's decision values, what each point shall say. Goes out: a plotly figure whose
points carry their patch id, so that a selection can be opened. Cells without a patch nearby are left blank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts import plain

MANY = 3000  # from here on points are drawn by WebGL
CROWDED = 600  # from here on points are drawn smaller
REGION_OPACITY = 0.38


@dataclass(frozen=True)
class Regions:
    """A head's decision values over the plane. x, y: (G,); values: (G, G), rows are y; near: (G, G) bool."""

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    near: np.ndarray


@dataclass(frozen=True)
class Points:
    """Patches on the map. xy: (n, 2); ids, hover: n texts; group: n names of legend entries, or None with ``value``.

    value: (n,) 0-1, drawn on the diverging scale. small: (n,) bool, drawn small and faint (training part).
    """

    xy: np.ndarray
    ids: Sequence[str]
    hover: Sequence[str]
    group: np.ndarray | None = None
    value: np.ndarray | None = None
    value_title: str = ""
    small: np.ndarray | None = None


def boundary_map(points: Points, colours: Mapping[str, str], regions: Regions | None = None) -> go.Figure:
    """Points over regions. colours: legend entry -> colour, in the legend's order."""
    figure = go.Figure()
    if regions is not None:
        _add_regions(figure, regions)
    small = np.zeros(len(points.xy), bool) if points.small is None else points.small
    for is_small in (True, False):
        part = small == is_small
        if points.value is not None:
            _add_points(figure, points, part, is_small, "patches", points.value[part])
            continue
        for name, colour in colours.items():
            _add_points(figure, points, part & (points.group == name), is_small, name, colour)
    figure.update_xaxes(title_text="UMAP 1 (no unit)", showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(title_text="UMAP 2 (no unit)", showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    figure.update_layout(dragmode="lasso", modebar={"bgcolor": "rgba(0,0,0,0)", "color": theme.INK})
    figure = theme.apply(figure, 500)
    figure.update_layout(legend={"y": -0.1, "yanchor": "top"})  # above, the toolbar would lie on it
    return figure


def _add_regions(figure: go.Figure, regions: Regions) -> None:
    """Shade the plane by the sign and strength of the decision; draw the line where it changes sign."""
    shown = np.where(regions.near, regions.values, np.nan)
    known = np.abs(shown[np.isfinite(shown)])
    if not known.size:
        return
    top = float(np.quantile(known, 0.9)) or 1.0
    figure.add_heatmap(
        x=regions.x, y=regions.y, z=shown, zmin=-top, zmax=top, colorscale=theme.DIVERGING, opacity=REGION_OPACITY,
        showscale=False, hoverinfo="skip", zsmooth=False,
    )  # fmt: skip
    figure.add_contour(
        x=regions.x, y=regions.y, z=shown, showscale=False, hoverinfo="skip", showlegend=False,
        contours={"start": 0, "end": 0, "size": 1, "coloring": "none"}, line={"color": theme.INK, "width": 2},
    )  # fmt: skip


def _add_points(
    figure: go.Figure, points: Points, part: np.ndarray, is_small: bool, name: str, colour: str | np.ndarray
) -> None:
    rows = np.flatnonzero(part)
    if not rows.size:
        return
    size = 8 if len(points.xy) <= CROWDED else 6
    marker = {"size": size - 3 if is_small else size, "opacity": 0.45 if is_small else 0.9, "color": colour}
    if not is_small:
        marker["line"] = {"width": 0.8, "color": "rgba(255,255,255,0.85)"}
    if not isinstance(colour, str):
        bar = {"title": {"text": points.value_title, "side": "right"}, "thickness": 10, "len": 0.8}
        marker |= {"colorscale": theme.DIVERGING, "cmin": 0, "cmax": 1, "showscale": not is_small, "colorbar": bar}
    trace = go.Scattergl if len(points.xy) > MANY else go.Scatter
    figure.add_trace(
        trace(
            x=points.xy[rows, 0], y=points.xy[rows, 1], mode="markers", marker=marker,
            name=plain(name) + (" (training part)" if is_small else ""), showlegend=isinstance(colour, str),
            customdata=[[points.ids[row]] for row in rows], text=[plain(points.hover[row]) for row in rows],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip


def selected_ids(event: object) -> list[str]:
    """Patch ids of the points chosen in the figure, each once, in the order chosen. ``event``: what Streamlit gives."""
    points = (event or {}).get("selection", {}).get("points", [])  # a PlotlyState is a dictionary
    found = []
    for point in points:
        data = point.get("customdata")
        value = data[0] if isinstance(data, (list, tuple)) and data else data
        if isinstance(data, dict):
            value = next(iter(data.values()), None)
        if value is not None:
            found.append(str(value))
    return list(dict.fromkeys(found))
