"""A table of two by two, each cell a large count that can be clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import DARK_TEXT

EDGE_PX, COUNT_PX = 3, 24
HALF = 0.48  # of a cell's side, so that a gap stays


@dataclass(frozen=True)
class Cell:
    """name: in ``customdata``, for clicks. text: below the count, HTML. fill: a colour. hover: HTML. edge: a colour."""

    name: str
    count: int
    text: str
    fill: str
    hover: str
    edge: str = "rgba(0,0,0,0)"


def two_by_two(
    rows: Sequence[Sequence[Cell]], down: tuple[str, str], across: tuple[str, str], titles: tuple[str, str], height: int
) -> go.Figure:
    """down, across: what rows and columns are called. titles: of both axes, the rows' first.

    Every cell carries an invisible marker, which makes it clickable.
    """
    figure = go.Figure()
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            figure.add_shape(
                type="rect", x0=x - HALF, x1=x + HALF, y0=y - HALF, y1=y + HALF, layer="below", fillcolor=cell.fill,
                line={"width": EDGE_PX, "color": cell.edge},
            )  # fmt: skip
            figure.add_annotation(
                x=x, y=y, showarrow=False, font={"color": DARK_TEXT, "size": 13},
                text=f"<span style='font-size:{COUNT_PX}px'><b>{cell.count:,}</b></span><br>{cell.text}",
            )  # fmt: skip
            figure.add_scatter(
                x=[x], y=[y], mode="markers", showlegend=False, customdata=[[cell.name]],
                marker={"symbol": "square", "size": round(0.36 * height), "color": "rgba(0,0,0,0)",
                        "line": {"width": 0}},
                hovertemplate=f"{cell.hover}<extra></extra>",
            )  # fmt: skip
    plain: Mapping[str, Any] = {
        "tickvals": [0, 1], "showgrid": False, "zeroline": False, "fixedrange": True, "showline": False
    }  # fmt: skip
    figure.update_xaxes(ticktext=list(across), range=[-0.5, 1.5], side="top", title_text=titles[1], **plain)
    figure.update_yaxes(ticktext=list(down), range=[1.5, -0.5], title_text=titles[0], **plain)
    return theme.apply(figure, height)
