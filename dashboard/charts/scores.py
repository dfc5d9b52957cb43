"""A hundred patches as squares, the confusion matrix, the histogram of probabilities, ROC and precision-recall curves.

Pure functions: they read no file and no session. Colours and the common look come from ``theme``; whatever a user has
named is escaped, because plotly reads a little HTML in its texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.evaluate.metrics import Curve
from dashboard import theme
from dashboard.charts.base import LINE, THIN, escape_html, interval_bounds, tint
from dashboard.charts.two_by_two import Cell, two_by_two

CURVE_POINTS = 1000


# ------------------------------------------------------------------------------------------------------ counts

SQUARES = (25, 4)  # columns and rows of a hundred
SIDE, GAP = 50, 4  # pixels of a square with the gap behind it, and of the gap
FAINT = 0.4  # opacity of what lies within the interval


@dataclass(frozen=True)
class Squares:
    """A hundred of something: ``share`` (0-1; None: undefined) are the first outcome, the others the second.

    bounds: the share's interval, 0-1, or None. words: what the two are called here.
    """

    title: str
    share: float | None
    bounds: Sequence[float | None] | None
    outcomes: tuple[str, str]
    words: tuple[str, str]

    def counts(self) -> tuple[int, int, int, int]:
        """Squares of the first outcome, of it within the interval, of the second within it, and of the second."""
        low, high = interval_bounds(self.bounds)
        value = round(100 * self.share)
        low, high = (value, value) if not np.isfinite([low, high]).all() else (round(100 * low), round(100 * high))
        low, high = min(low, value), max(high, value)
        return low, value - low, high - value, 100 - high

    @property
    def defined(self) -> bool:
        """Whether there is a share."""
        return self.share is not None and bool(np.isfinite(self.share))

    def sentence(self) -> str:
        """The title with what the squares say, as it is written."""
        if not self.defined:
            return f"{self.title}: undefined, there are none"
        value = round(100 * self.share)
        return f"Of {self.title}: {value} {self.words[0]}, {100 - value} {self.words[1]}"


def squares(panel: Squares) -> np.ndarray:
    """A panel's hundred squares, (H, W, 4) uint8: what lies within the interval is faint, the gaps show the ground.

    A picture and no figure: it is there before a browser has loaded what draws figures.
    """
    columns, rows = SQUARES
    if panel.defined:
        first, second = (theme.OUTCOME[outcome] for outcome in panel.outcomes)
        parts = list(zip((first, first, second, second), panel.counts(), (1.0, FAINT, FAINT, 1.0), strict=True))
    else:
        parts = [(theme.UNLABELLED, 100, 1.0)]
    inks = [(*(int(colour[k : k + 2], 16) for k in (1, 3, 5)), round(255 * opacity)) for colour, _, opacity in parts]
    ink = np.repeat(np.array(inks, np.uint8), [count for _, count, _ in parts], axis=0).reshape(rows, columns, 4)
    drawn = np.zeros((rows, SIDE, columns, SIDE, 4), np.uint8)
    drawn[:, : SIDE - GAP, :, : SIDE - GAP] = ink[:, None, :, None]
    return drawn.reshape(rows * SIDE, columns * SIDE, 4)


def confusion_matrix(cells: Mapping[str, int], class_names: tuple[str, str]) -> go.Figure:
    """The confusion matrix: counts, and shares of each true class. cells: tn, fp, fn, tp; class_names: (neg, pos).

    A click tells the outcome.
    """
    negative, positive = (escape_html(name) for name in class_names)
    grid = [[("TP", cells["tp"]), ("FN", cells["fn"])], [("FP", cells["fp"]), ("TN", cells["tn"])]]
    rows = []
    for row in grid:
        total = sum(count for _, count in row)
        rows.append([_cell(outcome, count, total) for outcome, count in row])
    classes = (positive, negative)
    return two_by_two(rows, classes, classes, ("True class", "Predicted"), 320)


def _cell(outcome: str, count: int, total: int) -> Cell:
    """total: patches of its true class."""
    words, share = theme.OUTCOME_WORDS[outcome], count / total if total else 0.0
    text = f"{share:.1%} of {total:,}" if total else "no such patches"
    fill = tint(theme.OUTCOME[outcome], 0.25 + 0.6 * share)
    return Cell(outcome, count, f"{text}<br>{words}", fill, f"{count:,} {words}")


def probability_histogram(
    probs: np.ndarray,
    labels: np.ndarray,
    class_names: tuple[str, str],
    thresholds: Sequence[float] = (),
    bins: int = 40,
) -> go.Figure:
    """Patches by probability of the positive class, one colour per class, with the folds' thresholds.

    probs: (N,) 0-1; labels: (N,) 0/1.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for label in (0, 1):
        found = np.histogram(np.asarray(probs)[np.asarray(labels) == label], edges)[0]
        name = escape_html(class_names[label])
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
            showarrow=False, text=" fold thresholds " if len(known) > 1 else " threshold ",
        )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_xaxes(title_text=f"Probability of {escape_html(class_names[1])}, out of fold", range=[0, 1])
    figure.update_yaxes(title_text="Patches (square root scale)", **_square_root_ticks(figure))
    return theme.apply(figure, 320)


def _square_root_ticks(figure: go.Figure) -> dict:
    """Draw bar heights as square roots, so that a few landslides are visible beside thousands of others."""
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
    """A head's curve with its point of decision: (x, y) in the curve's own axes, or None. colour: "" is the head's."""

    head: str
    curve: Curve
    point: tuple[float, float] | None
    note: str = ""
    colour: str = ""


def precision_recall(
    curves: Sequence[HeadCurve], heads: tuple[str, ...], share_positive: float, positive: str = "landslide"
) -> go.Figure:
    """Precision over recall; the dotted line is the precision of raising an alarm for everything."""
    figure = _curves(curves, heads, "recall %{x:.3f}, precision %{y:.3f}")
    figure.add_hline(y=share_positive, line_width=THIN, line_dash="dot", line_color=theme.INK)
    figure.add_annotation(
        x=1,
        xanchor="right",
        y=share_positive,
        yanchor="top",
        showarrow=False,
        text=f"everything predicted {escape_html(positive)}",
    )
    figure.update_xaxes(title_text="Recall: share of landslides found")
    figure.update_yaxes(title_text="Precision: share of alarms that are correct")
    return figure


def roc(curves: Sequence[HeadCurve], heads: tuple[str, ...]) -> go.Figure:
    """Recall over the false alarm rate; the dotted diagonal is chance."""
    figure = _curves(curves, heads, "false alarm rate %{x:.3f}, recall %{y:.3f}")
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"width": THIN, "dash": "dot", "color": theme.INK})
    figure.update_xaxes(title_text="False alarm rate (share of other patches)")
    figure.update_yaxes(title_text="Recall: share of landslides found")
    return figure


def _curves(curves: Sequence[HeadCurve], heads: tuple[str, ...], hover: str) -> go.Figure:
    figure = go.Figure()
    for item in curves:
        colour = item.colour or theme.head_colour(item.head, heads)
        title, curve = theme.head_title(item.head), thinned(item.curve)
        figure.add_scatter(
            x=curve.x, y=curve.y, mode="lines", name=f"{title}{item.note}", legendgroup=item.head,
            line={"color": colour, "width": LINE if item.point else THIN},
            customdata=curve.threshold, hovertemplate=f"{title}: {hover}, at %{{customdata:.3f}}<extra></extra>",
        )  # fmt: skip
        if item.point and np.isfinite(item.point).all():
            figure.add_scatter(
                x=[item.point[0]], y=[item.point[1]], mode="markers", showlegend=False, legendgroup=item.head,
                marker={"size": 12, "color": colour, "line": {"width": 2, "color": "white"}},
                hovertemplate=f"{title} at its threshold: {hover}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    return theme.apply(figure, 380)


def thinned(curve: Curve) -> Curve:
    """At most ``CURVE_POINTS`` of a curve's points, both ends among them: the eye sees no more."""
    n = len(curve.x)
    if n <= CURVE_POINTS:
        return curve
    keep = np.unique(np.linspace(0, n - 1, CURVE_POINTS).round().astype(int))
    return Curve(curve.x[keep], curve.y[keep], curve.threshold[keep])
