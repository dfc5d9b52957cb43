"""The two answers as a table of two by two: what both have right, what A has fixed and broken, what both have wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from core.review.versus import CELLS
from dashboard import theme
from dashboard.charts.base import escape_html, tint
from dashboard.charts.two_by_two import Cell, two_by_two

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
    total = max(1, sum(counts.values()))
    rows = [[_cell(cell, counts[cell], total, parts[cell], cell == chosen) for cell in row] for row in GRID]
    right = ("right", "wrong")
    figure = two_by_two(rows, right, right, (f"A: {_short(a)}", f"B: {_short(b)}"), HEIGHT)
    return figure.update_yaxes(tickangle=-90)


def _cell(name: str, count: int, total: int, parts: str, chosen: bool) -> Cell:
    strong, edge = (0.6, {"edge": COLOUR[name]}) if chosen else (0.4, {})
    hover = f"{TITLES[name]}: {count:,} ({count / total:.1%})"
    return Cell(name, count, f"<b>{TITLES[name]}</b><br>{parts}", tint(COLOUR[name], strong), hover, **edge)


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
