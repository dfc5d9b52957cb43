"""Maps of where patches lie: longitude over latitude at true proportions, with a bar of kilometres and no network call.

Points carry their patch id, so that a selection can be opened. With ``tiles`` the viewer's browser asks a tile server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import escape_html
from dashboard.charts.embedding_map import CROWDED, MANY

KM_PER_DEGREE = 111.195  # of latitude
EVENT = "#A45BA8"
SIZE_PX = {"small": 8, "medium": 10, "large": 13, "very_large": 16, "catastrophic": 19}
HEIGHT = 520


@dataclass(frozen=True)
class Places:
    """Patches on the ground. lonlat: (n, 2) degrees, finite; ids, hover: n texts; group: (n,) legend entries."""

    lonlat: np.ndarray
    ids: Sequence[str]
    hover: Sequence[str]
    group: np.ndarray


def place_map(
    places: Places,
    colours: Mapping[str, str],
    events: pd.DataFrame | None = None,
    lines: np.ndarray | None = None,
    tiles: bool = False,
) -> go.Figure:
    """Points of patches, events of inventories, and a line from each patch to its event.

    colours: legend entry -> colour, in the legend's order. events: see ``core.data.inventories``. lines: (m, 2, 2)
    degrees, from and to. tiles: draw over OpenStreetMap, which the viewer's browser fetches.
    """
    figure = go.Figure()
    if lines is not None and len(lines):
        gap = np.full((len(lines), 1, 2), np.nan)
        path = np.concatenate([lines, gap], axis=1).reshape(-1, 2)
        _add(figure, tiles, path, mode="lines", line={"color": EVENT, "width": 1.4}, hoverinfo="skip",
             name="patch to its event", opacity=0.7)  # fmt: skip
    if events is not None and len(events):
        _add_events(figure, events, tiles)
    for name, colour in colours.items():
        rows = np.flatnonzero(places.group == name)
        if rows.size:
            _add(
                figure, tiles, places.lonlat[rows], mode="markers", name=f"{escape_html(name)} ({rows.size:,})",
                marker={"size": 9 if len(places.ids) <= CROWDED else 6, "color": colour, "opacity": 0.85},
                customdata=[[places.ids[row]] for row in rows], text=[escape_html(places.hover[row]) for row in rows],
                hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip
    seen = places.lonlat if events is None or not len(events) else np.concatenate(
        [places.lonlat, events[["longitude", "latitude"]].to_numpy()]
    )  # fmt: skip
    return _on_tiles(figure, seen) if tiles else _on_axes(figure, seen)


def _add(figure: go.Figure, tiles: bool, lonlat: np.ndarray, **look) -> None:
    if tiles:
        figure.add_trace(go.Scattermap(lon=lonlat[:, 0], lat=lonlat[:, 1], **look))
    else:
        kind = go.Scattergl if len(lonlat) > MANY else go.Scatter
        figure.add_trace(kind(x=lonlat[:, 0], y=lonlat[:, 1], **look))


def _add_events(figure: go.Figure, events: pd.DataFrame, tiles: bool) -> None:
    said = [
        ", ".join(filter(None, (
            f"event {row.event_id}" if row.event_id else "event", row.inventory, row.date,
            row.size.replace("_", " "), "" if np.isnan(row.confidence) else f"confidence {row.confidence:g}",
            "" if np.isnan(row.elevation_m) else f"{row.elevation_m:,.0f} m",
            "" if np.isnan(row.accuracy_km) else f"location accurate to {row.accuracy_km:g} km",
        )))
        for row in events[["event_id", "inventory", "date", "size", "confidence", "elevation_m", "accuracy_km"]]
        .rename(columns={"size": "size"}).itertuples(index=False)
    ]  # fmt: skip
    marker = {"size": [SIZE_PX.get(size, 9) for size in events["size"]], "color": EVENT, "opacity": 0.8}
    if not tiles:
        marker |= {"symbol": "diamond-open", "line": {"width": 1.6}}
    _add(
        figure, tiles, events[["longitude", "latitude"]].to_numpy(), mode="markers", marker=marker,
        name=f"event of an inventory ({len(events):,})", text=[escape_html(text) for text in said],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _on_axes(figure: go.Figure, lonlat: np.ndarray) -> go.Figure:
    middle = float(np.clip(np.mean([lonlat[:, 1].min(), lonlat[:, 1].max()]), -80, 80))
    stretch = float(np.cos(np.radians(middle)))
    figure.update_xaxes(title_text="Longitude (°)", zeroline=False, ticksuffix="°")
    figure.update_yaxes(
        title_text="Latitude (°)", zeroline=False, ticksuffix="°", scaleanchor="x", scaleratio=1 / stretch
    )
    _scale_bar(figure, lonlat, KM_PER_DEGREE * stretch)
    figure.update_layout(dragmode="select", modebar={"bgcolor": "rgba(0,0,0,0)", "color": theme.INK})
    return _legend_below(theme.apply(figure, HEIGHT))


def _scale_bar(figure: go.Figure, lonlat: np.ndarray, km_per_degree: float) -> None:
    """A bar of a round number of kilometres, true at the middle latitude; none where the map spans a continent."""
    low, high = lonlat.min(axis=0), lonlat.max(axis=0)
    span = np.maximum(high - low, 1e-4)
    if span.max() > 40:
        return
    wanted = max(span[0], span[1]) * km_per_degree / 4
    step = 10.0 ** np.floor(np.log10(wanted))
    km = step * max(factor for factor in (1, 2, 5) if factor * step <= wanted)
    x0, y0 = float(low[0]), float(low[1] - 0.08 * span.max())
    x1 = x0 + km / km_per_degree
    figure.add_shape(type="line", x0=x0, x1=x1, y0=y0, y1=y0, line={"color": theme.INK, "width": 3})
    words = f"{km:g} km" if km >= 1 else f"{1000 * km:g} m"
    figure.add_annotation(x=x1, y=y0, text=f" {words}", showarrow=False, xanchor="left", font={"color": theme.INK})


def _on_tiles(figure: go.Figure, lonlat: np.ndarray) -> go.Figure:
    low, high = lonlat.min(axis=0), lonlat.max(axis=0)
    span = float(max(*(high - low), 1e-3))
    figure.update_layout(
        map={
            "style": "open-street-map", "center": dict(zip(("lon", "lat"), ((low + high) / 2).tolist(), strict=True)),
            "zoom": float(np.clip(np.log2(360 / span) - 0.6, 0, 16)),
        },
        dragmode="pan",
    )  # fmt: skip
    return _legend_below(theme.apply(figure, HEIGHT))


def _legend_below(figure: go.Figure) -> go.Figure:
    figure.update_layout(legend={"y": -0.12, "yanchor": "top"})  # above, the toolbar would lie on it
    return figure
