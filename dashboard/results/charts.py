"""Figures of the Results page: curves with the point of a threshold, reliability, inspections, slices, heads, sets.

Pure, as ``dashboard.charts``: numbers come in, a plotly figure goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.evaluate.calibration.reliability import Reliability
from core.evaluate.sweep import Sweep
from core.wording.names import METHOD_WORDS
from dashboard import theme
from dashboard.charts import intervals
from dashboard.charts.base import LINE, THIN, arms, escape_html, faded, range_words

ACCENT = theme.FOLD[0]  # what a figure with one colour is drawn in
RATE_COLOURS = {"recall": theme.OUTCOME["TP"], "precision": theme.OUTCOME["FP"], "f1": theme.FOLD[2]}
RATE_WORDS = {"recall": "Recall", "precision": "Precision", "f1": "F1"}
METHOD_COLOURS = {
    "none": theme.FOLD[2], "temperature": theme.FOLD[1], "platt": theme.FOLD[0], "isotonic": theme.FOLD[4],
}  # fmt: skip
CURVE_POINTS = 250  # of a curve that is sent anew at every move of the slider
SET_TITLES = {"train": "Training", "validation": "Validation", "test": "Test"}
SET_COLOURS = {"train": theme.UNLABELLED, "validation": ACCENT, "test": theme.FOLD[2]}


# ------------------------------------------------------------------------------------------- a threshold that moves


def rates_over_threshold(sweep: Sweep, at: float) -> go.Figure:
    """Recall, precision and F1 at every threshold, with a line at the chosen one."""
    rows = sweep.thinned(CURVE_POINTS)
    rows = rows[np.isfinite(sweep.threshold[rows])]
    figure = go.Figure()
    for name, colour in RATE_COLOURS.items():
        figure.add_scatter(
            x=sweep.threshold[rows], y=sweep.rates[name][rows], mode="lines", name=RATE_WORDS[name],
            line={"color": colour, "width": LINE},
            hovertemplate=f"{RATE_WORDS[name]} %{{y:.3f}} at %{{x:.3f}}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=at, line_width=2, line_color=theme.INK)
    figure.update_xaxes(title_text="Threshold", range=[-0.01, 1.01])
    figure.update_yaxes(title_text="Share", range=[-0.01, 1.02])
    return theme.apply(figure, 290)


def roc_at(sweep: Sweep, at: float) -> go.Figure:
    """The ROC curve with the point of the threshold ``at``."""
    figure = _curve(sweep, *_roc(sweep), "false alarm rate %{x:.3f}, recall %{y:.3f}")
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"width": THIN, "dash": "dot", "color": theme.INK})
    figure.update_xaxes(title_text="False alarm rate")
    figure.update_yaxes(title_text="Recall")
    move_point(figure, sweep, at, "roc")
    return figure


def pr_at(sweep: Sweep, at: float) -> go.Figure:
    """The precision-recall curve with the point of the threshold ``at``."""
    share = sweep.tp[-1] / max(int(sweep.called[-1]), 1)
    figure = _curve(sweep, *_pr(sweep), "recall %{x:.3f}, precision %{y:.3f}")
    figure.add_hline(y=share, line_width=THIN, line_dash="dot", line_color=theme.INK)
    figure.update_xaxes(title_text="Recall")
    figure.update_yaxes(title_text="Precision")
    move_point(figure, sweep, at, "pr")
    return figure


def move_line(figure: go.Figure, at: float) -> None:
    """Move the line of :func:`rates_over_threshold`; building a new figure takes longer."""
    figure.layout.shapes[0].x0 = figure.layout.shapes[0].x1 = at


def move_point(figure: go.Figure, sweep: Sweep, at: float, kind: str) -> None:
    """Move the point of :func:`roc_at` or :func:`pr_at` (``roc``, ``pr``)."""
    x, y = _roc(sweep) if kind == "roc" else _pr(sweep)
    here = sweep.index(at)
    figure.data[1].x, figure.data[1].y = [float(x[here])], [float(y[here])]


def _roc(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    return sweep.fp / max(int(sweep.fp[-1]), 1), sweep.tp / max(int(sweep.tp[-1]), 1)


def _pr(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    return sweep.rates["recall"], sweep.rates["precision"]


def _curve(sweep: Sweep, x: np.ndarray, y: np.ndarray, hover: str) -> go.Figure:
    rows = sweep.thinned(CURVE_POINTS)
    figure = go.Figure()
    figure.add_scatter(
        x=x[rows], y=y[rows], mode="lines", showlegend=False, line={"color": ACCENT, "width": LINE},
        customdata=sweep.threshold[rows], hovertemplate=f"{hover}, at %{{customdata:.3f}}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[], y=[], mode="markers", showlegend=False,
        marker={"size": 15, "color": ACCENT, "line": {"width": 2, "color": "white"}},
        hovertemplate=f"threshold: {hover}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    return theme.apply(figure, 290)


# ---------------------------------------------------------------------------------------------------- calibration


def reliability(diagrams: Mapping[str, Reliability], positive: str) -> go.Figure:
    """Observed over predicted share, one line per calibration method, points with their 95% intervals."""
    figure = go.Figure()
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"width": THIN, "dash": "dot", "color": theme.INK})
    for method, points in diagrams.items():
        words, colour = METHOD_WORDS[method], METHOD_COLOURS[method]
        figure.add_scatter(
            x=points.prob, y=points.share, mode="lines+markers", name=words, customdata=points.n,
            line={"color": colour, "width": THIN}, marker={"size": 8, "color": colour},
            error_y={
                "type": "data", "symmetric": False, "array": points.hi - points.share,
                "arrayminus": points.share - points.lo, "color": colour, "thickness": 1.5, "width": 4,
            },
            hovertemplate=f"{words}: predicted %{{x:.3f}}, observed %{{y:.3f}}, n = %{{customdata:,}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=f"Mean probability of {escape_html(positive)} in the bin", range=[-0.02, 1.02])
    figure.update_yaxes(title_text=f"Share that is {escape_html(positive)}", range=[-0.02, 1.02])
    return theme.apply(figure, 400)


# ---------------------------------------------------------------------------------------------------- risk control


def inspections(
    path: pd.DataFrame, limit: float, chosen: tuple[float, float] | None, title: str, most: float
) -> go.Figure:
    """Inspections over what may be missed. path: threshold, missed, most, inspect (``safety.decision.path_at``).

    chosen: its point (missed at most, inspections). title: of what may be missed. most: where the axis ends.
    """
    figure = go.Figure()
    shown = path[path["most"] <= most * 1.05]
    figure.add_scatter(
        x=shown["most"], y=shown["inspect"], mode="lines", showlegend=False, line_shape="hv", fill="tozeroy",
        fillcolor=faded(ACCENT, 0.12), line={"color": ACCENT, "width": LINE},
        customdata=shown[["threshold", "missed"]].to_numpy(),
        hovertemplate="%{x:.3g} missed at most: inspect %{y:.0f} of 1,000 (threshold %{customdata[0]:.3f}, "
        "%{customdata[1]:.0f} missed here)<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=limit, line_width=THIN, line_dash="dash", line_color=theme.INK)
    if chosen is not None:
        figure.add_scatter(
            x=[chosen[0]], y=[chosen[1]], mode="markers+text", showlegend=False, textposition="top right",
            text=[f"  inspect {chosen[1]:.0f}"], textfont={"size": 14}, cliponaxis=False,
            marker={"size": 15, "color": ACCENT, "line": {"width": 2, "color": "white"}},
            hovertemplate="target: inspect %{y:.0f} of 1,000<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=title, range=[0, most])
    figure.update_yaxes(title_text="Inspected, of 1,000 patches", range=[0, 1040], tickformat=",")
    return theme.apply(figure, 300)


# ------------------------------------------------------------------------------------------- dots with intervals


def dots(table: pd.DataFrame, title: str, whole: float | None = None, colour: str = ACCENT) -> go.Figure:
    """One dot per row with its interval, ``whole`` as a line. table: name, value, lo, hi, n; the order is kept.

    A row's ``again`` holds what other trainings have, as ticks.
    """
    figure = go.Figure()
    rows = table[table["value"].notna()]
    for row in rows.to_dict("records"):
        own = row.get("colour") or colour
        figure.add_scatter(
            x=[row["value"]], y=[escape_html(row["name"])], mode="markers", showlegend=False,
            marker={"size": 10, "color": own}, error_x=arms(row["value"], row["lo"], row["hi"], own),
            hovertemplate=f"{escape_html(row['name'])}: %{{x:.3f}}{range_words(row['lo'], row['hi'])}, "
            f"n = {row['n']:,}<extra></extra>",
        )  # fmt: skip
        intervals.ticks(figure, escape_html(row["name"]), row.get("again", ()), own)
    if whole is not None and np.isfinite(whole):
        figure.add_vline(x=whole, line_width=THIN, line_dash="dot", line_color=theme.INK)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=title)
    return theme.apply(figure, 100 + 30 * max(1, len(rows)))


def gaps(
    rows: Sequence[Mapping], heads: tuple[str, ...], again: Mapping[str, Sequence[float]] | None = None
) -> go.Figure:
    """Each head's F1 on its training patches (open) and on unseen ones (filled), joined.

    rows: of a ``HeadTable``. heads: of the run, which have the colours that they have in every figure. again: by title
    what other trainings have, as ticks.
    """
    names, drawn = tuple(dict.fromkeys([*heads, *(row["head"] for row in rows)])), []
    for row in rows:
        train, unseen = row["train"]["f1"], row["oof"]["f1"]
        if unseen is not None:
            low, high = (np.nan if b is None else b for b in row["oof"].get("interval") or (None, None))
            colour = theme.head_colour(row["head"], names)
            drawn.append((theme.head_title(row["head"]), train, unseen, low, high, colour))
    return intervals.training_and_unseen(drawn, "F1", again)


def sets(table: pd.DataFrame) -> go.Figure:
    """Metrics of training, validation and test side by side. table: set, metric, title, value, lo, hi."""
    figure = go.Figure()
    order = list(dict.fromkeys(table["title"]))
    for name, rows in table.groupby("set", sort=False):
        colour = SET_COLOURS[name]
        figure.add_bar(
            x=rows["title"], y=rows["value"], name=SET_TITLES[name], marker_color=colour, opacity=0.85,
            error_y={
                "type": "data", "symmetric": False, "array": (rows["hi"] - rows["value"]).fillna(0),
                "arrayminus": (rows["value"] - rows["lo"]).fillna(0), "color": theme.INK, "thickness": THIN,
            },
            hovertemplate=f"{SET_TITLES[name]}, %{{x}}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="group")
    figure.update_xaxes(categoryorder="array", categoryarray=order)
    figure.update_yaxes(title_text="With 95% interval", range=[0, 1.02])
    return theme.apply(figure, 340)


def band_shifts(table: pd.DataFrame, edge: float) -> go.Figure:
    """How far each band's mean differs, in standard deviations. table: band, smd; coloured beyond ``edge``."""
    rows = table[table["smd"].notna()]
    far = rows["smd"].abs() >= edge
    figure = go.Figure()
    figure.add_bar(
        x=rows["smd"], y=[escape_html(name) for name in rows["band"]], orientation="h", showlegend=False,
        marker_color=np.where(far, ACCENT, theme.UNLABELLED),
        hovertemplate="%{y}: %{x:+.2f} standard deviations<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line_width=1, line_color=theme.INK)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="Mean of the other dataset minus the run's own (standard deviations)")
    return theme.apply(figure, 120 + 24 * max(1, len(rows)))
