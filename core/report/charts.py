"""Figures of a report, as SVG: numbers come in, a picture goes out. Colours mean what they mean on every page.

Drawn by matplotlib without its state (``Figure`` alone), with text as text, so that it can be read, searched and
copied. Names are never read as formulas.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colours import INK, NEGATIVE, POSITIVE
from core.report.svg import inlined
from core.text import true_minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT, SOFT, LINE = "#26323B", "#5A6671", "#DDE2E6"
STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "report", "text.parse_math": False, "font.family": ["sans-serif"],
    "font.size": 10.5, "axes.edgecolor": "#B8C0C7", "axes.labelcolor": TEXT, "axes.labelsize": 10.5,
    "axes.linewidth": 0.8, "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": TEXT, "ytick.labelcolor": TEXT,
    "xtick.major.size": 3, "ytick.major.size": 3, "xtick.major.width": 0.8, "ytick.major.width": 0.8,
    "grid.color": LINE, "grid.linewidth": 0.8, "axes.axisbelow": True, "legend.frameon": False,
    "legend.fontsize": 10, "lines.solid_capstyle": "round", "axes.unicode_minus": True, "text.color": TEXT,
}  # fmt: skip
WIDE = 9.4  # inches of a figure as wide as the page: its text is then as large as a note
ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.2}  # a legend's place
MOST_NAME = 44  # characters of a name beside an axis
_FAMILY = re.compile(r" font-family: [^;\"]+;")
_serial = itertools.count(1)


def _short(name: object) -> str:
    text = " ".join(str(name).split())
    return text if len(text) <= MOST_NAME else f"{text[: MOST_NAME - 1]}…"


@contextmanager
def _drawn(width: float, height: float, alt: str, columns: int = 1) -> Iterator[tuple[Figure, Any, list[str]]]:
    """A figure of this size in inches; what it became is the one text of the list afterwards."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    made: list[str] = []
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns)
        for one in np.atleast_1d(axes):
            one.spines[["top", "right"]].set_visible(False)
        yield figure, axes, made
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)
    text = _FAMILY.sub("", buffer.getvalue())  # the font of the page that it stands in
    made.append(inlined(text, alt, f"f{next(_serial)}"))


def intervals(
    rows: Sequence[Mapping[str, Any]], title: str, alt: str, line: float | None = None, colour: str = POSITIVE,
    limits: tuple[float, float] | None = None, width: float = WIDE, percent: bool = False,
) -> str:  # fmt: skip
    """A dot with its interval a row. rows: name, value, lo, hi; colour, hollow (a second dot) where given."""
    rows = [row for row in rows if row.get("value") is not None and np.isfinite(row["value"])]
    with _drawn(width, 0.62 + 0.3 * max(1, len(rows)), alt) as (_, axes, made):
        if line is not None and np.isfinite(line):
            axes.axvline(line, color=INK, linestyle=(0, (2, 2)), linewidth=1)
        for y, row in enumerate(rows):
            own, low, high = row.get("colour") or colour, row.get("lo"), row.get("hi")
            if low is not None and high is not None and np.isfinite([low, high]).all():
                axes.plot([low, high], [y, y], color=own, linewidth=2)
            if row.get("hollow") is not None and np.isfinite(row["hollow"]):
                axes.plot([row["hollow"]], [y], "o", color="white", markeredgecolor=own, markersize=6.5)
            axes.plot([row["value"]], [y], "o", color=own, markersize=7)
        _names(axes, [row["name"] for row in rows])
        axes.set_xlabel(title)
        if limits:
            axes.set_xlim(*limits)
        if percent:
            _percent(axes.xaxis)
    return made[0]


def bars(
    rows: Sequence[Mapping[str, Any]], title: str, alt: str, colour: str = POSITIVE, width: float = WIDE,
    form: str = "",
) -> str:  # fmt: skip
    """A bar a row with its interval. form: of the number at its end.

    rows: name, value; lo, hi, colour where given, and kind: what a colour stands for, told where there are several.
    """
    kinds: dict[str, Any] = {}
    with _drawn(width, 0.62 + 0.3 * max(1, len(rows)), alt) as (_, axes, made):
        for y, row in enumerate(rows):
            own = row.get("colour") or colour
            bar = axes.barh([y], [row["value"]], height=0.62, color=own)
            if row.get("kind"):
                kinds.setdefault(_short(row["kind"]), bar)
            low, high = row.get("lo"), row.get("hi")
            end = row["value"]
            if low is not None and high is not None and np.isfinite([low, high]).all():
                axes.plot([low, high], [y, y], color=TEXT, linewidth=1.2)
                end = max(end, high)
            if form:
                axes.annotate(
                    true_minus(format(row["value"], form)), (max(end, 0), y), xytext=(5, 0), textcoords="offset points",
                    va="center", color=TEXT, fontsize=10,
                )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        _names(axes, [row["name"] for row in rows])
        axes.set_xlabel(title)
        if form:
            axes.margins(x=0.12)
        if len(kinds) > 1:
            axes.legend(kinds.values(), kinds, **ABOVE, ncols=len(kinds))
    return made[0]


def _names(axes: Axes, names: Sequence[object]) -> None:
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _percent(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def curve_pair(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], share: float, alt: str,
    points: tuple[tuple[float, float], tuple[float, float]] | None = None, colour: str = "#2B8C8C",
) -> str:  # fmt: skip
    """Precision over recall beside the ROC curve. points: of the run's own decisions on each."""
    with _drawn(WIDE, 3.5, alt, 2) as (_, axes, made):
        for k, (one, (x, y)) in enumerate(zip(axes, (first, second), strict=True)):
            one.plot(x, y, color=colour, linewidth=2)
            if points is not None:
                one.plot(*[[v] for v in points[k]], "o", color=colour, markeredgecolor="white", markersize=9)
            one.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
            one.grid(True)
        axes[0].axhline(share, color=INK, linestyle=(0, (2, 2)), linewidth=1)
        axes[0].set(xlabel="Recall", ylabel="Precision")
        axes[1].plot([0, 1], [0, 1], color=INK, linestyle=(0, (2, 2)), linewidth=1)
        axes[1].set(xlabel="False alarm rate", ylabel="Recall")
    return made[0]


def reliability(diagrams: Mapping[str, Any], words: Mapping[str, str], positive: str, alt: str) -> str:
    """Observed over predicted share. diagrams: of ``core.evaluate.calibration.reliability``, by method."""
    colours = {"none": "#7B68B5", "platt": "#2B8C8C", "temperature": "#D9822B", "isotonic": "#C0447E"}
    with _drawn(5.9, 4.4, alt) as (_, axes, made):
        axes.plot([0, 1], [0, 1], color=INK, linestyle=(0, (2, 2)), linewidth=1)
        for method, points in diagrams.items():
            arms = np.clip([points.share - points.lo, points.hi - points.share], 0, None)
            axes.errorbar(
                points.prob, points.share, arms, color=colours[method], marker="o", markersize=5, linewidth=1.4,
                elinewidth=1.2, label=words[method],
            )  # fmt: skip
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_xlabel(f"Mean probability of {_short(positive)} in the bin")
        axes.set_ylabel(f"Share that is {_short(positive)}")
        axes.grid(True)
        if len(diagrams) > 1:
            axes.legend(loc="upper left")
    return made[0]


def histogram(probs: np.ndarray, labels: np.ndarray, names: tuple[str, str], thresholds: Sequence[float],
              alt: str) -> str:  # fmt: skip
    """Patches by probability, a colour a class; lines at the folds' thresholds."""
    edges = np.linspace(0, 1, 31)
    with _drawn(WIDE, 3.1, alt) as (_, axes, made):
        for label, colour in ((0, NEGATIVE), (1, POSITIVE)):
            found = np.histogram(np.asarray(probs)[np.asarray(labels) == label], edges)[0]
            axes.stairs(found, edges, fill=True, color=colour, alpha=0.72, label=_short(names[label]))
        for threshold in thresholds:
            axes.axvline(threshold, color=TEXT, linestyle=(0, (2, 2)), linewidth=1)
        axes.set_yscale("function", functions=(lambda v: np.sqrt(np.clip(v, 0, None)), np.square))
        axes.set(xlim=(0, 1), ylim=(0, None))
        axes.set_xlabel("Probability, out of fold")
        axes.set_ylabel("Patches (square root scale)")
        axes.grid(axis="y")
        axes.legend(**ABOVE, ncols=2)
    return made[0]


def lines(series: Mapping[str, Mapping[str, Any]], x_title: str, y_title: str, alt: str, width: float = 6.6,
          height: float = 3.5) -> str:  # fmt: skip
    """Lines with bands. series: by name x, y, colour; lo and hi where there are any."""
    with _drawn(width, height, alt) as (_, axes, made):
        for name, one in series.items():
            axes.plot(one["x"], one["y"], color=one["colour"], linewidth=2, label=_short(name))
            if one.get("lo") is not None:
                axes.fill_between(one["x"], one["lo"], one["hi"], color=one["colour"], alpha=0.16, linewidth=0)
        axes.set_xlabel(x_title)
        axes.set_ylabel(y_title)
        axes.grid(True)
        axes.legend(**ABOVE, ncols=2)
    return made[0]


def boundary_map(
    xy: np.ndarray, labels: np.ndarray, heldout: np.ndarray, names: tuple[str, str], alt: str,
    plane: Mapping[str, np.ndarray] | None = None,
) -> str:  # fmt: skip
    """Patches on the map, held-out ones large, over the regions of a head. plane: x, y (G,), values, near (G, G)."""
    with _drawn(WIDE, 6.0, alt) as (_, axes, made):
        if plane is not None:
            _regions(axes, plane)
        for label, colour in ((0, NEGATIVE), (1, POSITIVE)):
            for held, size, opacity in ((False, 5, 0.28), (True, 16, 0.95)):
                part = (labels == label) & (heldout == held)
                edge = {"edgecolors": "white", "linewidths": 0.5} if held else {"linewidths": 0}
                axes.scatter(
                    *xy[part].T, s=size, color=colour, alpha=opacity, label=_short(names[label]) if held else None,
                    rasterized=True, **edge,
                )  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 1.1), ncols=2, borderaxespad=0, handletextpad=0.2)
    return made[0]


def _regions(axes: Axes, plane: Mapping[str, np.ndarray]) -> None:
    from matplotlib.colors import ListedColormap

    x, y, values, near = plane["x"], plane["y"], np.asarray(plane["values"]), np.asarray(plane["near"]).astype(bool)
    side = np.where(near, (values >= 0).astype(float), np.nan)
    axes.pcolormesh(
        x, y, side, cmap=ListedColormap([NEGATIVE, POSITIVE]), vmin=0, vmax=1, alpha=0.16, shading="nearest",
        rasterized=True, linewidth=0,
    )  # fmt: skip
    if values.min() < 0 < values.max():
        known = np.where(near, values, np.nan)
        axes.contour(x, y, known, levels=[0.0], colors="white", linewidths=4)
        axes.contour(x, y, known, levels=[0.0], colors=TEXT, linewidths=1.8)
