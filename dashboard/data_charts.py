"""Figures of a dataset and of its balance: numbers come in, a plotly figure goes out. Pure, like ``charts``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.data.bands import Band
from dashboard import theme
from dashboard.charts import plain


def band_histogram(values: Mapping[int, np.ndarray], band: Band, class_names: tuple[str, str]) -> go.Figure:
    """Share of pixels by value of one band, one outline a class. values: label -> pixel values in the band's unit."""
    figure = go.Figure()
    everything = np.concatenate([v for v in values.values() if v.size] or [np.zeros(1)])
    low, high = np.percentile(everything, [0.5, 99.5])
    edges = np.linspace(low, high if high > low else low + 1.0, 61)
    names = {1: class_names[1], 0: class_names[0], -1: "unlabelled"}
    for label in (0, 1, -1):
        pixels = values.get(label, np.empty(0))
        if not pixels.size:
            continue
        share = 100 * np.histogram(pixels, edges)[0] / pixels.size
        figure.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2, y=share, mode="lines", name=plain(names[label]), fill="tozeroy",
            line={"color": theme.CLASS[label], "width": 2, "shape": "hvh"}, opacity=0.9,
            fillcolor=_faint(theme.CLASS[label]),
            hovertemplate=f"{plain(names[label])}: %{{y:.2f}} % of pixels near %{{x:.4g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=plain(band.label))
    figure.update_yaxes(title_text="Share of the class's pixels (%)", rangemode="tozero")
    return theme.apply(figure, 320)


def balance_by_fold(table: pd.DataFrame, class_names: tuple[str, str]) -> go.Figure:
    """Training patches of each fold by class, synthetic landslides on top. table: fold, other, landslide, synthetic."""
    folds = [theme.fold_title(fold) for fold in table["fold"]]
    negative, positive = (plain(name) for name in class_names)
    figure = go.Figure()
    bars = (
        ("other", negative, theme.NEGATIVE, "other"),
        ("landslide", positive, theme.POSITIVE, "landslide"),
        ("synthetic", f"{positive}, synthetic", theme.SYNTHETIC, "landslide"),
    )
    for column, name, colour, place in bars:
        figure.add_bar(
            x=folds, y=table[column], name=name, marker_color=colour, offsetgroup=place,
            hovertemplate=f"%{{x}}: %{{y:,}} {name}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargroupgap=0.06)
    figure.update_yaxes(title_text="Patches of the training part")
    return theme.apply(figure, 320)


def lineage_scatter(lineage: pd.DataFrame) -> go.Figure:
    """Every synthetic patch by the similarity of its parents and the anchor's weight. lineage: see ``runs.store``."""
    figure = go.Figure()
    figure.add_scattergl(
        x=lineage["ssim"], y=lineage["anchor_weight"], mode="markers", showlegend=False,
        marker={"size": 6, "opacity": 0.55, "color": theme.POSITIVE},
        customdata=[[plain(a), plain(b)] for a, b in zip(lineage["anchor"], lineage["neighbour"], strict=True)],
        hovertemplate="%{customdata[0]} and %{customdata[1]}<br>SSIM %{x:.3f}, anchor weight %{y:.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="SSIM of the parents (−1 to 1)")
    figure.update_yaxes(title_text="Anchor weight (0 to 1)", range=[0, 1])
    return theme.apply(figure, 260)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
