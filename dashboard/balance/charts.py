"""Figures of the Balance page that show a path, a graph of neighbours, and how realistic synthetics are.

Pure functions, as in ``charts``: numbers come in, a plotly figure goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard import theme
from dashboard.charts.base import LINE, THIN, plain
from dashboard.patches.gallery import short

ENDS = ("neighbour", "anchor", "other")
STOP = "#F2C200"  # as marked places on maps: it stands out on both grounds
TESTS = {
    "statistics": "Levels and spread",
    "detail": "Fine detail",
    "embedding": "Network's embedding",
    "real_against_real": "Real against real",
}


def path_curves(path: Mapping[str, Any], at: float, positive: str) -> go.Figure:
    """Each head's probability along the path, the SVM's margin below; ``at``: where the stop is."""
    x, svm = np.asarray(path["position"]), path["margin_head"]
    figure = make_subplots(
        rows=2 if svm else 1, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.6, 0.4] if svm else [1.0]
    )
    for head, values in path["probs"].items():
        colour, title = theme.head_colour(head), plain(theme.head_title(head))
        figure.add_scatter(
            x=x, y=values, mode="lines+markers", name=title, line={"color": colour, "width": LINE}, row=1, col=1,
            marker={"size": 5}, hovertemplate=f"%{{x:.2f}}: %{{y:.3f}} {title}<extra></extra>",
        )  # fmt: skip
        if head == path["headline"]:
            figure.add_hline(
                path["thresholds"][head], line_dash="dot", line_color=colour, line_width=THIN, row=1, col=1
            )
        if head in path["stored"]:
            figure.add_scatter(
                x=[0, 1, 2], y=path["stored"][head], mode="markers", showlegend=False, row=1, col=1,
                marker={"size": 12, "symbol": "diamond-open", "color": colour, "line": {"width": 2}},
                hovertemplate="%{y:.3f}, as the run has stored<extra></extra>",
            )  # fmt: skip
    figure.update_yaxes(title_text=f"Probability of {plain(positive)}", range=[-0.03, 1.03], row=1, col=1)
    if svm:
        colour = theme.head_colour(svm)
        figure.add_scatter(
            x=x, y=path["margin"], mode="lines+markers", showlegend=False, line={"color": colour, "width": LINE}, row=2,
            col=1, marker={"size": 5}, hovertemplate="%{x:.2f}: margin %{y:.3f}<extra></extra>",
        )  # fmt: skip
        figure.add_hline(0.0, line_dash="dot", line_color=theme.INK, line_width=THIN, row=2, col=1)
        figure.update_yaxes(title_text="SVM margin", row=2, col=1)
    figure.add_vline(at, line_color=STOP, line_width=LINE)
    figure.add_vline(1.0, line_color=theme.INK, line_width=1, line_dash="dash")
    figure.update_xaxes(range=[-0.04, 2.04], tickvals=[0, 0.5, 1, 1.5, 2])
    figure.update_xaxes(ticktext=[ENDS[0], "½", ENDS[1], "½", ENDS[2]], row=2 if svm else 1, col=1)
    return theme.apply(figure, 400)


def kin_graph(kin: Mapping[str, Any], made: Mapping[tuple[str, str], int], pictures: Mapping[str, str]) -> go.Figure:
    """A landslide in the middle, its nearest around it (closer: more similar), theirs as faint dots outside.

    made: (anchor, neighbour) -> synthetic patches between them. pictures: id -> a picture as a data URI.
    """
    places, further = kin_places(kin)
    centre, figure = str(kin["id"]), go.Figure()
    for here, there, ssim in kin["further"]:
        _edge(figure, places[here], places[there], f"SSIM {ssim:.3f}", theme.INK, 1.0, 0.35)
    for name, ssim in zip(kin["nearest"], kin["ssim"], strict=True):
        n = made.get((centre, name), 0) + made.get((name, centre), 0)
        colour, width = (theme.POSITIVE, 2.0 + min(n, 4)) if n else (theme.INK, 1.5)
        text = f"SSIM {ssim:.3f}, {n} synthetic{'' if n == 1 else 's'} between them"
        _edge(figure, places[centre], places[name], text, colour, width, 1.0)
        middle = 0.55 * np.asarray(places[name])
        figure.add_annotation(
            x=middle[0], y=middle[1], text=f"{ssim:.2f}" + (f" · {n}" if n else ""), showarrow=False,
            font={"size": 12, "color": "#16202A"}, bgcolor="rgba(255,255,255,0.85)", borderpad=2,
        )  # fmt: skip
    side = picture_side(len(kin["nearest"]))
    for name in [centre, *kin["nearest"]]:
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
                x=x, y=y + (side / 2 if up else -side / 2), text=plain(short(name)), showarrow=False, borderpad=1,
                yanchor="bottom" if up else "top", font={"size": 11},
            )  # fmt: skip
    shown = [(centre, "the patch"), *((name, f"neighbour {i + 1}") for i, name in enumerate(kin["nearest"]))]
    _nodes(figure, places, shown, 44, 0.01)  # over the pictures: what is clicked
    _nodes(figure, places, [(name, "neighbour of a neighbour") for name in further], 11, 0.45)
    reach = max((float(np.abs(place).max()) for place in places.values()), default=1.0) + 0.6 * side
    figure.update_xaxes(range=[-reach, reach], visible=False, constrain="domain")
    figure.update_yaxes(range=[-reach, reach], visible=False, scaleanchor="x", scaleratio=1)
    return theme.apply(figure, 620)


def picture_side(n: int) -> float:
    """Side of a picture in the graph's units, so that those of n neighbours do not touch."""
    return float(min(0.6, 2.0 * np.sin(np.pi / max(n, 3)) * 0.66))


def kin_places(kin: Mapping[str, Any]) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Id -> place, the patch at (0, 0); and the ids of the second degree that are not of the first."""
    nearest, ssim = [str(name) for name in kin["nearest"]], np.asarray(kin["ssim"], float)
    span = max(float(np.ptp(ssim)) if len(ssim) else 0.0, 1e-9)
    places: dict[str, tuple[float, float]] = {str(kin["id"]): (0.0, 0.0)}
    angles = {name: np.pi / 2 - 2 * np.pi * i / max(len(nearest), 1) for i, name in enumerate(nearest)}
    for name, value in zip(nearest, ssim, strict=True):
        radius = 1.0 + 0.35 * (ssim.max() - value) / span
        places[name] = (radius * np.cos(angles[name]), radius * np.sin(angles[name]))
    parents: dict[str, list[str]] = {}
    for here, there, _ in kin["further"]:
        if there not in places:
            parents.setdefault(str(there), []).append(str(here))
    by_first: dict[str, list[str]] = {}
    for name, of in parents.items():
        by_first.setdefault(of[0], []).append(name)
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
            text=[f"{plain(name)}: {what}. Click to open" for name, what in named],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- realism


def two_samples(tests: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Areas of the two-sample tests with their intervals; 0.5 is chance."""
    rows = [(title, tests[name]) for name, title in TESTS.items() if name in tests and tests[name]["auc"] is not None]
    colours = [theme.INK if title == TESTS["real_against_real"] else theme.POSITIVE for title, _ in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=[one["auc"] for _, one in rows], y=[title for title, _ in rows], mode="markers", showlegend=False,
        marker={"size": 11, "color": colours},
        error_x={
            "type": "data", "symmetric": False, "array": [one["hi"] - one["auc"] for _, one in rows],
            "arrayminus": [one["auc"] - one["lo"] for _, one in rows], "color": theme.INK, "thickness": 2,
        },
        hovertemplate="%{y}: AUC %{x:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(0.5, line_dash="dot", line_color=theme.INK, line_width=THIN)
    figure.update_xaxes(title_text="AUC of telling synthetic from real (0.5: chance)", range=[0.3, 1.02])
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
        ("any", "Synthetic, any real one", theme.SYNTHETIC),
        ("others", "Synthetic, parents left out", theme.POSITIVE),
        ("anchor", "Its anchor, another real one", theme.NEGATIVE),
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


def balance_by_group(table: pd.DataFrame, class_names: tuple[str, str]) -> go.Figure:
    """Training patches of each group, lying bars with synthetic landslides last. table: group and the same columns."""
    negative, positive = (plain(name) for name in class_names)
    figure = go.Figure()
    groups = [plain(name) for name in table["group"]]
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
