"""One colour for one meaning, on every page: class, outcome, kind of band, head, state.

Middle tones that read on white and on near-black, told apart without colour vision (checked by luminance and by the
Okabe-Ito hues they come from). Figures draw on a transparent ground and take font and grid from Streamlit's theme.
"""

from __future__ import annotations

import re
from typing import Any

import plotly.graph_objects as go

from core.colours import (
    CLASS,
    DOUBT,
    FAMILY,
    FOLD,
    INK,
    NEGATIVE,
    OUTCOME,
    POSITIVE,
    SYNTHETIC,
    UNLABELLED,
)
from core.wording.names import FAMILY_WORDS, OUTCOME_WORDS, fold_title, head_title

__all__ = [
    "BRANCH_WORDS", "CLASS", "DIVERGING", "DOUBT", "FAMILY", "FAMILY_WORDS", "FOLD", "GRID", "INK", "NEGATIVE",
    "OUTCOME", "OUTCOME_WORDS", "POSITIVE", "SEVERITY", "SYNTHETIC", "TEXT_DARK", "TEXT_LIGHT", "UNLABELLED", "apply",
    "as_sent", "fold_colour", "fold_title", "head_colour", "head_title", "sees_no_network", "state_look",
]  # fmt: skip

BRANCH_WORDS = {
    "optical": "Optical branch",
    "sar": "SAR branch",
    "indices": "Index branch",
    "after": "After",
    "before": "Before",
}

_HEADS = ("#C0447E", "#D9822B", "#B08D2E", "#9A5B3C")
_STATE = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/play_circle:"),
    "succeeded": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/cancel:"),
    "interrupted": ("orange", ":material/pause_circle:"),
}
SEVERITY = {
    "error": ("red", ":material/error:"),
    "warning": ("orange", ":material/warning:"),
    "ok": ("green", ":material/check_circle:"),
}

TEXT_LIGHT, TEXT_DARK = "#454F58", "#BAC3CA"  # of figures, on light and on dark ground
_AXIS = re.compile(r"[xy]axis\d*")  # in a layout
GRID = "rgba(128,136,146,0.22)"
_AXIS_LOOK = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": INK, "automargin": True}
# Negative to positive through a neutral that is neither ground; for decisions and differences.
DIVERGING = [[0.0, NEGATIVE], [0.5, "#D5D8DB"], [1.0, POSITIVE]]
# Heads that see statistics of the bands only.
_GREYS = {
    "stats_logreg": "#6B7785", "stats_svm": "#A3ACB5", "stats_boost": "#858E97", "rich": "#4C5660",
    "rich_boost": "#5D6873", "full_boost": "#727C86", "stats_blend": "#39424B",
}  # fmt: skip


def head_colour(head: str, heads: tuple[str, ...] = ()) -> str:
    """Colour of a head: SVMs warm in the order of ``heads``, what sees no network grey, the others each their own."""
    own = {"fc": "#7B68B5", "lgbm": "#4E9F6B", "logreg": "#4A7EBB", "blend": "#1F8A8A"}
    if head in own or sees_no_network(head):
        return (own | _GREYS)[head]
    svms = [name for name in heads if name.startswith("svm_")] or [head]
    return _HEADS[svms.index(head) % len(_HEADS)] if head in svms else _HEADS[0]


def sees_no_network(head: str) -> bool:
    """Whether a head knows statistics of the bands only."""
    return head in _GREYS


def fold_colour(fold: int) -> str:
    """Colour of a fold's curve."""
    return FOLD[int(fold) % len(FOLD)]


def state_look(state: str) -> tuple[str, str]:
    """Badge colour and icon of a run's state."""
    return _STATE.get(state, ("gray", ":material/help:"))


def apply(figure: go.Figure, height: int | None = None) -> go.Figure:
    """The look that all figures share, but for their axes (:func:`as_sent`): transparent, legend above."""
    layout = figure.layout
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)"
    layout.bargap = 0.25
    layout.margin = {"l": 8, "r": 8, "t": 40 if layout.title.text else 28, "b": 8}
    _more(layout, "hoverlabel", namelength=-1)
    _more(layout, "legend", orientation="h", yanchor="bottom", y=1.02, xanchor="left", x=0, title={"text": ""})
    if height:
        layout.height = height
    return figure


def _more(part: Any, name: str, **settings: Any) -> None:
    """Add settings to a part of a figure. Plotly's own ``update`` takes ten times as long; a page has many figures."""
    part[name] = part[name].to_plotly_json() | settings


def as_sent(figure: go.Figure, dark: bool) -> dict[str, Any]:
    """A figure as JSON: thin grid, room for axis titles, text in the ink of the ground (7:1; Streamlit's has 3.7:1).

    What a figure draws over pictures or bars has its own colours, which stay. All this is set in plain dictionaries:
    plotly's objects take 4 ms for each axis.
    """
    sent = figure.to_dict()
    layout = sent["layout"]
    ink = {"color": TEXT_DARK if dark else TEXT_LIGHT}
    for name in {"xaxis", "yaxis", *filter(_AXIS.fullmatch, layout)}:
        axis = layout[name] = _AXIS_LOOK | layout.get(name, {})
        _inked(axis, "tickfont", ink)
        _inked(axis.setdefault("title", {}), "font", ink)
    scales = [part for name, part in layout.items() if name.startswith("coloraxis")]
    for scale in [
        *scales,
        *(trace for trace in sent["data"] if trace["type"] in ("heatmap", "contour", "histogram2d")),
    ]:
        bar = scale.setdefault("colorbar", {})
        _inked(bar, "tickfont", ink)
        _inked(bar.setdefault("title", {}), "font", ink)
    for note in layout.get("annotations", ()):
        if note.get("bgcolor") is None and note.get("font", {}).get("color") is None:
            _inked(note, "font", ink)
    _inked(layout.setdefault("legend", {}), "font", ink)
    return sent


def _inked(part: dict[str, Any], name: str, ink: dict[str, str]) -> None:
    part[name] = part.get(name, {}) | ink
