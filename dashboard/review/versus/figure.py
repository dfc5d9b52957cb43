"""The two answers as a table of two by two: what both have right, what A has fixed and broken, what both have wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from core.review.versus import CELLS
from dashboard import theme
from dashboard.charts.base import DARK_TEXT, escape_html, tint

COLOUR = dict(
    zip(CELLS, (theme.UNLABELLED, theme.OUTCOME["TP"], theme.OUTCOME["FN"], theme.OUTCOME["FP"]), strict=True)
)
TITLES = {"both right": "Both right", "fixed": "Fixed", "broken": "Broken", "both wrong": "Both wrong"}
GRID = (("both right", "fixed"), ("broken", "both wrong"))
HEIGHT = 400


def square(counts: Mapping[str, int], parts: Mapping[str, str], a: str, b: str, chosen: str) -> go.Figure:
    """Rows: whether A is right; columns: whether B is. Every cell is clickable, with its name in ``customdata``.

    counts: by cell of ``CELLS``. parts: what stands below a count. a, b: what the two are called. chosen: the cell
    whose patches are seen.
    """
    figure, total = go.Figure(), max(1, sum(counts.values()))
    for y, row in enumerate(GRID):
        for x, cell in enumerate(row):
            strong, edge = (0.6, COLOUR[cell]) if cell == chosen else (0.4, "rgba(0,0,0,0)")
            figure.add_shape(
                type="rect", x0=x - 0.485, x1=x + 0.485, y0=y - 0.475, y1=y + 0.475, layer="below",
                fillcolor=tint(COLOUR[cell], strong),
                line={"width": 3, "color": edge},
            )  # fmt: skip
            figure.add_annotation(
                x=x, y=y, showarrow=False, font={"color": DARK_TEXT, "size": 13},
                text=f"<span style='font-size:28px'><b>{counts[cell]:,}</b></span><br><b>{TITLES[cell]}</b><br>"
                f"{parts[cell]}",
            )  # fmt: skip
            figure.add_scatter(
                x=[x], y=[y], mode="markers", showlegend=False, customdata=[[cell]],
                marker={"symbol": "square", "size": 150, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
                hovertemplate=f"{TITLES[cell]}: {counts[cell]:,} ({counts[cell] / total:.1%})<extra></extra>",
            )  # fmt: skip
    plain = {"tickvals": [0, 1], "showgrid": False, "zeroline": False, "fixedrange": True, "showline": False}
    figure.update_xaxes(
        ticktext=["right", "wrong"], range=[-0.5, 1.5], side="top", title_text=f"B: {_short(b)}", **plain
    )
    figure.update_yaxes(
        ticktext=["right", "wrong"], range=[1.5, -0.5], title_text=f"A: {_short(a)}", tickangle=-90, **plain
    )
    return theme.apply(figure, HEIGHT)


def parts_of(table: pd.DataFrame) -> dict[str, str]:
    """What A's answers are in each cell, in the words of outcomes. table: of ``core.review.versus.Versus``."""
    found = {}
    for cell in CELLS:
        kinds = table["outcome_a"][table["cell"] == cell].value_counts()
        words = {name: text.partition(" (")[0] for name, text in theme.OUTCOME_WORDS.items() if name in kinds}
        found[cell] = "<br>".join(
            f"{kinds[name]:,} {text.lower()}{'s' if name == 'FP' and kinds[name] != 1 else ''}"
            for name, text in words.items()
        )
    return found


def _short(text: str, most: int = 46) -> str:
    return escape_html(text if len(text) <= most else f"{text[: most - 1]}…")
