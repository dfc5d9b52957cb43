"""Figures of a dataset and of its balance: numbers come in, a plotly figure goes out. Pure, like ``charts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.data.bands import Band
from dashboard import theme
from dashboard.charts.base import escape_html


def band_histogram(
    values: Mapping[int, np.ndarray], band: Band, class_names: tuple[str, str], patch: np.ndarray | None = None
) -> go.Figure:
    """Share of pixels by value of one band, one outline a class. values: label -> pixel values in the band's unit.

    patch: pixel values of one patch, drawn dotted over the classes.
    """
    figure = go.Figure()
    ends = [np.percentile(v, [1, 98]) for v in values.values() if v.size] or [np.zeros(2)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    edges = np.linspace(low, high if high > low else low + 1.0, 61)
    names = {1: class_names[1], 0: class_names[0], -1: "unlabelled"}
    for label in (0, 1, -1):
        pixels = values.get(label, np.empty(0))
        if not pixels.size:
            continue
        share = 100 * np.histogram(pixels, edges)[0] / pixels.size
        figure.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2, y=share, mode="lines", name=escape_html(names[label]), fill="tozeroy",
            line={"color": theme.CLASS[label], "width": 2, "shape": "hvh"}, opacity=0.9,
            fillcolor=_faint(theme.CLASS[label]),
            hovertemplate=f"{escape_html(names[label])}: %{{y:.2f}}% of pixels near %{{x:.4g}}<extra></extra>",
        )  # fmt: skip
    if patch is not None and patch.size:
        figure.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2, y=100 * np.histogram(patch, edges)[0] / patch.size, mode="lines",
            name="this patch", line={"color": theme.INK, "width": 1.5, "shape": "hvh", "dash": "dot"},
            hovertemplate="this patch: %{y:.2f}% of pixels near %{x:.4g}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=escape_html(band.label))
    figure.update_yaxes(title_text="Share of the class's pixels (%)", rangemode="tozero")
    return theme.apply(figure, 340)


def band_picture(values: np.ndarray, band: Band) -> go.Figure:
    """One band of one patch with a colour bar in the band's unit. values: (H, W), nan where there is no data.

    Changes are drawn on a diverging scale around 0, everything else from the 2nd to the 98th percentile.
    """
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [2, 98]) if known.size else (0.0, 1.0)
    scale = "Cividis"
    if band.family == "sar_change":
        high = max(abs(low), abs(high)) or 1.0
        low, scale = -high, theme.DIVERGING
    if high <= low:
        low, high = low - 0.5, low + 0.5
    figure = go.Figure()
    figure.add_heatmap(
        z=values, zmin=float(low), zmax=float(high), colorscale=scale,
        colorbar={"title": {"text": escape_html(band.label), "side": "right"}, "thickness": 12, "len": 0.95},
        hovertemplate="row %{y}, column %{x}: %{z:.4g} " + escape_html(band.unit) + "<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, zeroline=False, constrain="domain")
    figure.update_yaxes(showgrid=False, zeroline=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return theme.apply(figure, 340)


def share_by_part(table: pd.DataFrame, overall: float, positive: str) -> go.Figure:
    """Share of the positive class in each part with its interval. table: see ``core.data.by_class.balance``."""
    names = [
        f"{escape_html(_short(value))}  ({n:,})" for value, n in zip(table["value"], table["patches"], strict=True)
    ]
    share = 100 * table["share"]
    figure = go.Figure()
    figure.add_scatter(
        x=share, y=names, mode="markers", showlegend=False,
        marker={"size": 10, "color": theme.POSITIVE},
        error_x={
            "type": "data", "symmetric": False, "array": 100 * table["high"] - share,
            "arrayminus": share - 100 * table["low"], "color": theme.POSITIVE, "thickness": 1.6, "width": 4,
        },
        customdata=np.stack([table["positive"], table["positive"] + table["negative"]], axis=1),
        hovertemplate="%{y}: %{x:.1f}%, %{customdata[0]:,} of %{customdata[1]:,} labelled<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=100 * overall, line_width=1.5, line_dash="dot", line_color=theme.INK)
    figure.update_xaxes(title_text=f"Share of {escape_html(positive)} (%), with 95% interval", range=[-2, 102])
    figure.update_yaxes(autorange="reversed", showgrid=False, title_text="")
    return theme.apply(figure, 110 + 26 * max(2, len(table)))


def quantiles_by_class(table: pd.DataFrame, bands: Sequence[Band], class_names: tuple[str, str]) -> go.Figure:
    """Quantiles of every band, one panel a unit, one row a band, one colour a class. table: ``ClassPixels``."""
    units = list(dict.fromkeys(band.unit for band in bands))
    of_unit = {unit: [band for band in bands if band.unit == unit] for unit in units}
    figure = make_subplots(
        rows=len(units), cols=1, vertical_spacing=min(0.16, 0.5 / max(len(units), 1)),
        row_heights=[len(of_unit[unit]) + 0.6 for unit in units],
    )  # fmt: skip
    by_class = table.set_index(["band", "label"])
    names = {1: class_names[1], 0: class_names[0], -1: "unlabelled"}
    named: set[int] = set()
    for row, unit in enumerate(units, start=1):
        for label in (label for label in (0, 1, -1) if label in set(table["label"])):
            _quantile_lines(figure, row, of_unit[unit], by_class, label, escape_html(names[label]), label not in named)
            named.add(label)
        titles = [escape_html(band.title) for band in of_unit[unit]]
        figure.update_yaxes(
            row=row, col=1, tickvals=list(range(len(titles))), ticktext=titles, autorange="reversed", showgrid=False,
            zeroline=False,
        )  # fmt: skip
        figure.update_xaxes(row=row, col=1, title_text=escape_html(unit) or "no unit stated")
    figure = theme.apply(figure, 90 + 90 * len(units) + 30 * len(bands))
    return figure


def _quantile_lines(
    figure: go.Figure, row: int, bands: Sequence[Band], by_class: pd.DataFrame, label: int, name: str, first: bool
) -> None:
    """The 5-95% line, the 25-75% bar and the median of each band of a panel, a little above or below its row."""
    shift, colour = {0: 0.16, 1: -0.16, -1: 0.36}[label], theme.CLASS[label]
    found = [by_class.loc[(band.name, label)] for band in bands]
    for low, high, width in (("q05", "q95", 2), ("q25", "q75", 7)):
        x = [value for of in found for value in (of[low], of[high], None)]
        y = [value for place in range(len(bands)) for value in (place + shift, place + shift, None)]
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": colour, "width": width}, showlegend=False, legendgroup=name,
            hoverinfo="skip", row=row, col=1,
        )  # fmt: skip
    figure.add_scatter(
        x=[of["q50"] for of in found], y=[place + shift for place in range(len(bands))], mode="markers", name=name,
        legendgroup=name, showlegend=first, row=row, col=1,
        marker={"color": colour, "size": 10, "line": {"color": "white", "width": 1.5}},
        customdata=[[of["q05"], of["q25"], of["q75"], of["q95"]] for of in found],
        hovertemplate=f"{name}: median %{{x:.4g}}, 25-75%: %{{customdata[1]:.4g}} to %{{customdata[2]:.4g}}, "
        "5-95%: %{customdata[0]:.4g} to %{customdata[3]:.4g}<extra></extra>",
    )  # fmt: skip


def _short(text: str, most: int = 26) -> str:
    return text if len(text) <= most else f"{text[: most - 8]}…{text[-7:]}"


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
