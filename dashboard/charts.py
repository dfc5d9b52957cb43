"""Every figure of the dashboard that is not a map: numbers come in, a plotly figure goes out.

Pure functions: they read no file and no session. Colours and the common look come from ``theme``; whatever a user has
named is escaped, because plotly reads a little HTML in its texts. Maps of embeddings are drawn in ``map_chart``.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.evaluate.metrics import Curve
from dashboard import theme

METRIC_TITLES = {
    "f1": "F1",
    "auc": "AUC",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
}
HISTORY_TITLES = {
    "train_loss": "Training loss",
    "val_loss": "Loss",
    "val_f1": "F1 at 0.5",
    "val_auc": "AUC",
    "lr": "Learning rate",
    "images_per_second": "Patches per second",
    "memory_mib": "Memory (MiB)",
}
THIN, LINE = 1.5, 2.5  # widths of lines, px
CURVE_POINTS = 1000
DARK_TEXT = "#16202A"  # on tints


def plain(text: object) -> str:
    """``text`` as it is written: plotly would otherwise read ``<b>`` or a link in it."""
    return html.escape(str(text), quote=False)


# ------------------------------------------------------------------------------------------------------ counts


def class_counts(counts: Mapping[str, Mapping[str, int]], positive: str, unit: str = "Patches") -> go.Figure:
    """Bars of how many patches each class has. counts: a row (for example "before", "after") -> class -> patches."""
    rows = list(counts)
    classes = list(dict.fromkeys(name for of in counts.values() for name in of))
    figure = go.Figure()
    for name in classes:
        values = [counts[row].get(name, 0) for row in rows]
        figure.add_bar(
            x=values,
            y=[plain(row) for row in rows],
            name=plain(name),
            orientation="h",
            marker_color=_class_colour(name, positive),
            text=[f"{value:,}" if value else "" for value in values],
            hovertemplate=f"{plain(name)}: %{{x:,}} patches<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text=unit)
    return theme.apply(figure, 110 + 46 * max(1, len(rows)))


def _class_colour(name: str, positive: str) -> str:
    if name == positive:
        return theme.POSITIVE
    lowered = name.lower()
    if "synthetic" in lowered:
        return theme.SYNTHETIC
    return theme.UNLABELLED if lowered == "unlabelled" else theme.NEGATIVE


def confusion_matrix(cells: Mapping[str, int], class_names: tuple[str, str]) -> go.Figure:
    """The confusion matrix: counts, and shares of each true class. cells: tn, fp, fn, tp; class_names: (neg, pos).

    Every cell carries an unseen marker with its outcome in ``customdata``, so that a click on it can be told.
    """
    negative, positive = (plain(name) for name in class_names)
    grid = [[("TP", cells["tp"]), ("FN", cells["fn"])], [("FP", cells["fp"]), ("TN", cells["tn"])]]
    columns = [f"called {positive}", f"called {negative}"]
    rows = [f"is {positive}", f"is {negative}"]
    figure = go.Figure()
    for y, row in enumerate(grid):
        total = sum(count for _, count in row)
        for x, (outcome, count) in enumerate(row):
            share = f"{count / total:.1%} of {total:,}" if total else "no such patch"
            figure.add_shape(
                type="rect", x0=x - 0.49, x1=x + 0.49, y0=y - 0.48, y1=y + 0.48, line_width=0, layer="below",
                fillcolor=_tint(theme.OUTCOME[outcome], 0.25 + 0.6 * (count / total if total else 0.0)),
            )  # fmt: skip
            figure.add_annotation(
                x=x, y=y, showarrow=False, font={"color": DARK_TEXT, "size": 13},
                text=f"<span style='font-size:20px'><b>{count:,}</b></span><br>{share}<br>"
                f"{theme.OUTCOME_WORDS[outcome]}",
            )  # fmt: skip
            figure.add_scatter(
                x=[x], y=[y], mode="markers", showlegend=False, customdata=[[outcome]],
                marker={"symbol": "square", "size": 110, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
                hovertemplate=f"{count:,} {theme.OUTCOME_WORDS[outcome]}<extra></extra>",
            )  # fmt: skip
    plain_axis = {"tickvals": [0, 1], "showgrid": False, "zeroline": False, "fixedrange": True, "linewidth": 0}
    figure.update_xaxes(ticktext=columns, range=[-0.5, 1.5], side="top", **plain_axis)
    figure.update_yaxes(ticktext=rows, range=[1.5, -0.5], **plain_axis)
    return theme.apply(figure, 320)


def _tint(colour: str, strength: float) -> str:
    """``colour`` thinned with white: opaque, so that dark text reads on it on both grounds."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "rgb({},{},{})".format(*(round(255 + (part - 255) * strength) for part in parts))


def probability_histogram(
    probs: np.ndarray,
    labels: np.ndarray,
    class_names: tuple[str, str],
    thresholds: Sequence[float] = (),
    bins: int = 40,
) -> go.Figure:
    """Patches by probability of the positive class, one colour a class, with the folds' thresholds.

    probs: (N,) 0-1; labels: (N,) 0/1.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for label in (0, 1):
        found = np.histogram(np.asarray(probs)[np.asarray(labels) == label], edges)[0]
        name = plain(class_names[label])
        figure.add_bar(
            x=middles, y=found, width=1 / bins, name=name, marker_color=theme.CLASS[label], opacity=0.75,
            hovertemplate=f"{name}: %{{y:,}} patches near %{{x:.2f}}<extra></extra>",
        )  # fmt: skip
    known = sorted(float(t) for t in thresholds if t is not None and np.isfinite(t))
    for threshold in known:
        figure.add_vline(x=threshold, line_width=THIN, line_dash="dot", line_color=theme.INK)
    if known:
        figure.add_annotation(
            x=known[-1], y=1, yref="paper", yanchor="top", xanchor="left" if known[-1] < 0.7 else "right",
            showarrow=False, text=" thresholds of the folds " if len(known) > 1 else " threshold ",
        )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_xaxes(title_text=f"Probability of {plain(class_names[1])}, out of fold", range=[0, 1])
    figure.update_yaxes(title_text="Patches (square root scale)", **_square_root_ticks(figure))
    return theme.apply(figure, 320)


def _square_root_ticks(figure: go.Figure) -> dict:
    """Draw bar heights as square roots, so that a few landslides are seen beside thousands of others."""
    top = max((int(np.max(bar.y)) for bar in figure.data if len(bar.y)), default=1)
    steps = [value for power in range(7) for value in (10**power, 3 * 10**power) if 0.02 * top < value <= top]
    for bar in figure.data:
        bar.customdata = np.asarray(bar.y)
        bar.hovertemplate = bar.hovertemplate.replace("%{y:,}", "%{customdata:,}")
        bar.y = np.sqrt(np.asarray(bar.y, float))
    return {"tickvals": [0, *np.sqrt(steps)], "ticktext": ["0", *(f"{step:,}" for step in steps)]}


# ------------------------------------------------------------------------------------------------------ curves


@dataclass(frozen=True)
class HeadCurve:
    """A head's curve with the point at which it decides: (x, y) in the curve's own axes, or None."""

    head: str
    curve: Curve
    point: tuple[float, float] | None
    note: str = ""


def precision_recall(
    curves: Sequence[HeadCurve], heads: tuple[str, ...], share_positive: float, positive: str = "landslide"
) -> go.Figure:
    """Precision over recall; the dotted line is what calling everything positive gives."""
    figure = _curves(curves, heads, "recall %{x:.3f}, precision %{y:.3f}")
    figure.add_hline(y=share_positive, line_width=THIN, line_dash="dot", line_color=theme.INK)
    figure.add_annotation(
        x=1,
        xanchor="right",
        y=share_positive,
        yanchor="top",
        showarrow=False,
        text=f"everything called {plain(positive)}",
    )
    figure.update_xaxes(title_text="Recall: share of landslides found")
    figure.update_yaxes(title_text="Precision: share of alarms that are right")
    return figure


def roc(curves: Sequence[HeadCurve], heads: tuple[str, ...]) -> go.Figure:
    """Recall over the false alarm rate; the dotted diagonal is a coin."""
    figure = _curves(curves, heads, "false alarm rate %{x:.3f}, recall %{y:.3f}")
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"width": THIN, "dash": "dot", "color": theme.INK})
    figure.update_xaxes(title_text="False alarm rate: share of others called landslide")
    figure.update_yaxes(title_text="Recall: share of landslides found")
    return figure


def _curves(curves: Sequence[HeadCurve], heads: tuple[str, ...], hover: str) -> go.Figure:
    figure = go.Figure()
    for item in curves:
        colour, title, curve = theme.head_colour(item.head, heads), theme.head_title(item.head), _thinned(item.curve)
        figure.add_scatter(
            x=curve.x, y=curve.y, mode="lines", name=f"{title}{item.note}", legendgroup=item.head,
            line={"color": colour, "width": LINE if item.point else THIN},
            customdata=curve.threshold, hovertemplate=f"{title}: {hover}, at %{{customdata:.3f}}<extra></extra>",
        )  # fmt: skip
        if item.point and np.isfinite(item.point).all():
            figure.add_scatter(
                x=[item.point[0]], y=[item.point[1]], mode="markers", showlegend=False, legendgroup=item.head,
                marker={"size": 12, "color": colour, "line": {"width": 2, "color": "white"}},
                hovertemplate=f"{title} decides here: {hover}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    return theme.apply(figure, 380)


def _thinned(curve: Curve) -> Curve:
    """At most ``CURVE_POINTS`` of a curve's points, both ends among them: the eye sees no more."""
    n = len(curve.x)
    if n <= CURVE_POINTS:
        return curve
    keep = np.unique(np.linspace(0, n - 1, CURVE_POINTS).round().astype(int))
    return Curve(curve.x[keep], curve.y[keep], curve.threshold[keep])


def learning_curves(history: pd.DataFrame, column: str) -> go.Figure:
    """One line a fold over the epochs. history: fold, epoch and ``column`` (see ``HISTORY_TITLES``).

    With ``val_loss`` the training loss is drawn beside it, dotted.
    """
    figure, words = go.Figure(), HISTORY_TITLES.get(column, column)
    for fold, rows in history.groupby("fold", sort=True):
        colour, name = theme.fold_colour(fold), theme.fold_title(fold)
        if column == "val_loss" and "train_loss" in rows:
            figure.add_scatter(
                x=rows["epoch"], y=rows["train_loss"], mode="lines", showlegend=False, legendgroup=name,
                line={"color": colour, "width": THIN, "dash": "dot"},
                hovertemplate=f"{name}, epoch %{{x}}: training loss %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
        figure.add_scatter(
            x=rows["epoch"], y=rows[column], mode="lines", name=name, legendgroup=name,
            line={"color": colour, "width": LINE},
            hovertemplate=f"{name}, epoch %{{x}}: {words} %{{y:.4~g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Loss (dotted: training part)" if column == "val_loss" else words)
    return theme.apply(figure, 300)


# --------------------------------------------------------------------------------------- values with intervals


def heads_comparison(summary_heads: Mapping[str, Mapping], metric: str = "f1") -> go.Figure:
    """Each head's value of a metric as a dot with its 95 % interval. summary_heads: ``summary["heads"]``."""
    names = tuple(summary_heads)
    rows = [(head, facts) for head, facts in summary_heads.items() if facts.get(metric) is not None]
    figure = go.Figure()
    for head, facts in rows:
        value = facts[metric]
        low, high = _bounds(facts.get("intervals", {}).get(metric))
        symbol = "diamond" if theme.sees_no_network(head) else "circle"
        figure.add_scatter(
            x=[value], y=[theme.head_title(head)], mode="markers", showlegend=False,
            marker={"size": 11, "color": theme.head_colour(head, names), "symbol": symbol},
            error_x=arms(value, low, high, theme.head_colour(head, names)),
            hovertemplate=f"{theme.head_title(head)}: %{{x:.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"{METRIC_TITLES.get(metric, metric)}, with 95 % interval")
    return theme.apply(figure, 110 + 34 * max(1, len(rows)))


def differences(rows: Sequence[tuple[str, float, float, float]], title: str) -> go.Figure:
    """Differences (name, value, low, high) against a line at 0; those whose interval holds 0 are grey."""
    figure = go.Figure()
    for name, value, low, high in rows:
        settled = np.isfinite([low, high]).all() and (low > 0 or high < 0)
        colour = theme.INK if not settled else (theme.OUTCOME["TP"] if value > 0 else theme.OUTCOME["FN"])
        figure.add_scatter(
            x=[value], y=[plain(name)], mode="markers", showlegend=False, marker={"size": 11, "color": colour},
            error_x=arms(value, low, high, colour),
            hovertemplate=f"{plain(name)}: %{{x:+.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line_width=THIN, line_color=theme.INK)
    ends = [x for _, *values in rows for x in values if np.isfinite(x)] + [0.0]
    margin = 0.06 * ((max(ends) - min(ends)) or 1.0)
    figure.update_xaxes(range=[min(ends) - margin, max(ends) + margin])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(
        title_text=title, tickformat="+.2f" if max(ends) - min(ends) > 0.08 else "+.3f", nticks=4, tickangle=0
    )
    return theme.apply(figure, 100 + 34 * max(1, len(rows)))


def occlusion_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """A bar a band with its interval, coloured by kind of band. table: band, title, family, drop; lo, hi if known."""
    figure = go.Figure()
    order = [plain(text) for text in table["title"]]
    for family, rows in table.groupby("family", sort=False):
        colour = theme.FAMILY.get(family, theme.UNLABELLED)
        names = [plain(text) for text in rows["title"]]
        bar = {"x": rows["drop"], "y": names, "name": theme.FAMILY_WORDS.get(family, plain(family))}
        extra = [""] * len(rows)
        if "lo" in rows:
            bar["error_x"] = {
                "type": "data", "symmetric": False, "array": rows["hi"] - rows["drop"],
                "arrayminus": rows["drop"] - rows["lo"], "color": theme.INK, "thickness": THIN, "width": 4,
            }  # fmt: skip
            extra = [range_words(low, high) for low, high in zip(rows["lo"], rows["hi"], strict=True)]
        figure.add_bar(
            **bar, orientation="h", marker_color=colour, customdata=extra,
            hovertemplate="%{y}: %{x:+.4f}%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line_width=1, line_color=theme.INK)
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1], showgrid=False)
    figure.update_xaxes(title_text=title)
    return theme.apply(figure, 130 + 26 * max(1, len(table)))


def head_probabilities(probs: Mapping[str, float], thresholds: Mapping[str, float], positive: str) -> go.Figure:
    """One patch's probability by head (bars), each with the threshold of its fold (tick)."""
    names = tuple(probs)
    titles = [f"{theme.head_title(head)}  <b>{value:.3f}</b>" for head, value in probs.items()]
    figure = go.Figure()
    figure.add_bar(
        x=list(probs.values()), y=titles, orientation="h", showlegend=False,
        marker_color=[theme.head_colour(head, names) for head in names],
        hovertemplate="%{y}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[thresholds.get(head) for head in names], y=titles, mode="markers", name="threshold of the fold",
        marker={"symbol": "line-ns", "size": 20, "line": {"width": 2, "color": theme.INK}},
        hovertemplate="%{y}: called positive from %{x:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"Probability of {plain(positive)}", range=[0, 1])
    return theme.apply(figure, 130 + 28 * max(1, len(names)))


def _bounds(interval: Sequence[float | None] | None) -> tuple[float, float]:
    low, high = interval if interval else (None, None)
    return (np.nan if low is None else float(low)), (np.nan if high is None else float(high))


def arms(value: float, low: float, high: float, colour: str) -> dict | None:
    """Error bar from low to high; none where the interval is not known."""
    if not np.isfinite([low, high]).all():
        return None
    return {
        "type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
        "color": colour, "thickness": 2, "width": 6,
    }  # fmt: skip


def range_words(low: float, high: float) -> str:
    """The interval in words, after a comma; empty where it is not known."""
    return f", 95 % interval {low:.3f} to {high:.3f}" if np.isfinite([low, high]).all() else ""
