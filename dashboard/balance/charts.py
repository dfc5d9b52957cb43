"""Figures of the Balance page: counts, lineage, interpolation, realism, the audit's noise labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import LINE, THIN, escape_html

ENDS = ("neighbour", "anchor", "other class")
STOP = "#F2C200"  # as marked places on maps: it stands out on both grounds
PROTOCOLS = {
    "folds_over_all": "Folds over real and synthetic",
    "before_folds": "SMOTE before the folds",
    "inside_fold": "SMOTE inside each fold",
}
TESTS = {
    "statistics": "Levels and spread",
    "detail": "Fine detail",
    "embedding": "Network embedding",
    "real_against_real": "Real against real",
}


def difference_picture(values: np.ndarray, unit: str) -> go.Figure:
    """A difference (H, W) as a picture: orange above 0, blue below, with its scale in ``unit``."""
    known = np.abs(values[np.isfinite(values)])
    most = max(float(np.percentile(known, 99)) if known.size else 0.0, 1e-9)
    figure = go.Figure()
    figure.add_heatmap(
        z=values, zmin=-most, zmax=most, colorscale=theme.DIVERGING,
        colorbar={"title": {"text": escape_html(unit), "side": "right"}, "thickness": 12, "len": 1.0, "nticks": 5,
                  "outlinewidth": 0, "x": 1.0, "xpad": 6, "separatethousands": True, "exponentformat": "none"},
        hovertemplate="column %{x}, row %{y}: %{z:+.3~g} " + escape_html(unit) + "<extra></extra>",
    )  # fmt: skip
    theme.apply(figure, 215)
    figure.update_layout(margin={"l": 0, "r": 8, "t": 4, "b": 4})
    figure.update_xaxes(visible=False, constrain="domain", constraintoward="right")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return figure


def interpolation_curves(path: Mapping[str, Any], at: float, positive: str, head: str) -> go.Figure:
    """Each head's probability at every stop, ``head`` thickest and with its threshold.

    at: position of the chosen stop.
    """
    x, figure = np.asarray(path["position"]), go.Figure()
    for name, values in path["probs"].items():
        colour, title = theme.head_colour(name), escape_html(theme.head_title(name))
        figure.add_scatter(
            x=x, y=values, mode="lines+markers", name=title,
            line={"color": colour, "width": LINE + 1 if name == head else THIN}, marker={"size": 7},
            opacity=1.0 if name == head else 0.75, hovertemplate=f"%{{x:.2f}}: %{{y:.3f}} {title}<extra></extra>",
        )  # fmt: skip
        if name == head:
            figure.add_hline(
                path["thresholds"][name], line_dash="dot", line_color=colour, line_width=THIN,
                annotation={"text": f"threshold of {title}", "font": {"size": 12}}, annotation_position="bottom left",
            )  # fmt: skip
        if name in path["stored"]:
            figure.add_scatter(
                x=[0, 1, 2], y=path["stored"][name], mode="markers", showlegend=False,
                marker={"size": 12, "symbol": "diamond-open", "color": colour, "line": {"width": 2}},
                hovertemplate="%{y:.3f}, stored by the run<extra></extra>",
            )  # fmt: skip
    figure.update_yaxes(title_text=f"Probability of {escape_html(positive)}", range=[-0.03, 1.03], tickformat=".1f")
    return _along_the_stops(figure, at)


def interpolation_margin(path: Mapping[str, Any], at: float) -> go.Figure:
    """The SVM's margin at every stop; 0 is its boundary."""
    colour = theme.head_colour(path["margin_head"])
    figure = go.Figure()
    figure.add_scatter(
        x=path["position"], y=path["margin"], mode="lines+markers", showlegend=False,
        line={"color": colour, "width": LINE}, marker={"size": 7},
        hovertemplate="%{x:.2f}: margin %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_hline(0.0, line_dash="dot", line_color=theme.INK, line_width=THIN)
    figure.update_yaxes(title_text=f"Margin of {escape_html(theme.head_title(path['margin_head']))}")
    return _along_the_stops(figure, at)


def _along_the_stops(figure: go.Figure, at: float) -> go.Figure:
    figure.add_vline(at, line_color=STOP, line_width=LINE)
    figure.add_vline(1.0, line_color=theme.INK, line_width=1, line_dash="dash")
    figure.update_xaxes(
        range=[-0.04, 2.04], tickvals=[0, 0.5, 1, 1.5, 2],
        ticktext=[ENDS[0], "half and half", ENDS[1], "half and half", ENDS[2]], ticklabeloverflow="allow",
    )  # fmt: skip
    theme.apply(figure, 270)
    return figure.update_layout(margin_r=36)  # for the last word


# ---------------------------------------------------------------------------------------------------- realism


def two_samples(tests: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Areas of the two-sample tests with their intervals; 0.5 is chance."""
    rows = [(title, tests[name]) for name, title in TESTS.items() if name in tests and tests[name]["auc"] is not None]
    colours = [theme.INK if title == TESTS["real_against_real"] else theme.POSITIVE for title, _ in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=[test["auc"] for _, test in rows], y=[title for title, _ in rows], mode="markers", showlegend=False,
        marker={"size": 11, "color": colours},
        error_x={
            "type": "data", "symmetric": False, "array": [test["hi"] - test["auc"] for _, test in rows],
            "arrayminus": [test["auc"] - test["lo"] for _, test in rows], "color": theme.INK, "thickness": 2,
        },
        hovertemplate="%{y}: AUC %{x:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(0.5, line_dash="dot", line_color=theme.INK, line_width=THIN)
    figure.update_xaxes(title_text="AUC, synthetic against real (0.5: chance)", range=[0.3, 1.02])
    figure.update_yaxes(autorange="reversed")
    return theme.apply(figure, 130 + 42 * max(1, len(rows)))


def detail_scatter(table: pd.DataFrame) -> go.Figure:
    """Fine detail kept by each synthetic patch against its anchor's weight, with what theory expects."""
    figure, weight = go.Figure(), np.linspace(0, 1, 51)
    figure.add_scattergl(
        x=table["anchor_weight"], y=table["detail_kept"], mode="markers", name="synthetic patches",
        marker={"size": 5, "opacity": 0.45, "color": theme.SYNTHETIC},
        hovertemplate="weight %{x:.2f}: %{y:.0%} kept<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=weight, y=weight**2 + (1 - weight) ** 2, mode="lines", name="nothing in common", hoverinfo="skip",
        line={"color": theme.INK, "width": THIN, "dash": "dot"},
    )  # fmt: skip
    figure.update_xaxes(title_text="Anchor weight", range=[0, 1])
    figure.update_yaxes(title_text="Fine detail kept", tickformat=".0%", rangemode="tozero")
    return theme.apply(figure, 300)


def distances(table: pd.DataFrame, space: str) -> go.Figure:
    """Distances to the nearest real landslide: of synthetics, with and without their parents, and of their anchors."""
    rows = (
        ("any", "Synthetic to any real patch", theme.SYNTHETIC),
        ("others", "Synthetic to other than its parents", theme.POSITIVE),
        ("anchor", "Anchor to another real patch", theme.NEGATIVE),
    )
    figure = go.Figure()
    for name, title, colour in rows:
        figure.add_box(
            x=table[f"{space}_{name}"].dropna(), name=title, marker_color=colour, boxpoints=False, showlegend=False,
        )  # fmt: skip
    unit = "RMS of normalised bands" if space == "pixels" else "RMS of embeddings"
    figure.update_xaxes(title_text=f"Distance ({unit})", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return theme.apply(figure, 240)


def balance_by_fold(table: pd.DataFrame, class_names: tuple[str, str]) -> go.Figure:
    """Training patches of each fold by class, synthetic landslides on top. table: fold, other, landslide, synthetic."""
    folds = [theme.fold_title(fold) for fold in table["fold"]]
    negative, positive = (escape_html(name) for name in class_names)
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


def balance_by_group(table: pd.DataFrame, class_names: tuple[str, str]) -> go.Figure:
    """Training patches of each group, synthetic landslides last. table: group and the same columns."""
    negative, positive = (escape_html(name) for name in class_names)
    figure = go.Figure()
    groups = [escape_html(name) for name in table["group"]]
    for column, name, colour in (
        ("other", negative, theme.NEGATIVE),
        ("landslide", positive, theme.POSITIVE),
        ("synthetic", f"{positive}, synthetic", theme.SYNTHETIC),
    ):
        figure.add_bar(
            x=table[column], y=groups, name=name, marker_color=colour, orientation="h",
            hovertemplate=f"%{{y}}: %{{x:,}} {name}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text="Patches of the training part")
    figure.update_yaxes(autorange="reversed", type="category")
    return theme.apply(figure, 120 + 22 * max(4, len(table)))


def lineage_scatter(lineage: pd.DataFrame) -> go.Figure:
    """Every synthetic patch by the similarity of its parents and the anchor's weight. lineage: see ``runs.store``."""
    parents = zip(lineage["anchor"], lineage["neighbour"], strict=True)
    figure = go.Figure()
    figure.add_scattergl(
        x=lineage["ssim"], y=lineage["anchor_weight"], mode="markers", showlegend=False,
        marker={"size": 6, "opacity": 0.55, "color": theme.POSITIVE},
        customdata=np.array([list(map(escape_html, pair)) for pair in parents], object).reshape(-1, 2),
        hovertemplate="%{customdata[0]} and %{customdata[1]}<br>SSIM %{x:.3f}, anchor weight %{y:.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="SSIM of the parents (−1 to 1)")
    figure.update_yaxes(title_text="Anchor weight (0 to 1)", range=[0, 1])
    return theme.apply(figure, 260)


# ------------------------------------------------------------------------------------------------------ audit


def noise_labels(noise: Mapping[str, Any]) -> go.Figure:
    """F1 by protocol on labels of pure noise, with that of predicting positive everywhere."""
    names = [name for name in PROTOCOLS if name in noise["f1"]]
    figure = go.Figure()
    figure.add_bar(
        x=[noise["f1"][name] for name in names],
        y=[PROTOCOLS[name] for name in names],
        orientation="h",
        marker_color=[theme.OUTCOME["TP"] if name == "inside_fold" else theme.OUTCOME["FN"] for name in names],
        text=[f"{noise['f1'][name]:.2f}" for name in names],
        hovertemplate="%{y}: F1 %{x:.3f}<extra></extra>",
    )
    figure.add_vline(x=noise["f1_all_positive"], line_dash="dot", line_color=theme.INK, line_width=1.5)
    figure.update_xaxes(title_text="F1 on labels of pure noise", range=[0, 1.08])
    figure.update_yaxes(autorange="reversed")
    return theme.apply(figure, 240)
