"""The picture of a scene with what was found over it: no tiles from the internet, axes in kilometres."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import Image

from dashboard import theme
from dashboard.charts.base import DARK_TEXT, escape_html, faded
from dashboard.ui.formatting import count, number

LIGHT = "#FFFFFF"
PICTURE_PX = 620  # about the width of the picture at 1440
LEAST_PX, MOST_PX, MARGIN_PX = 240, 620, 90
MOST_LABELS = 60  # cells whose rank is written on the picture
MOST_SPREAD = 0.5  # of probabilities: the largest standard deviation there is
UNSEEN_SHARE = 0.75  # of grey where nothing was seen
OVERLAYS = {"probability": "Probability", "disagreement": "Disagreement", "none": "Nothing"}
NOT_SEEN = "not seen"


@dataclass(frozen=True)
class Place:
    """shape: (H, W) of the scene. pixel: (width, height) of a pixel in ``unit``."""

    shape: tuple[int, int]
    pixel: tuple[float, float]
    unit: str

    @classmethod
    def of(cls, shape: Sequence[int], pixel_m: Sequence[float] | None) -> Place:
        """pixel_m: width and height of a pixel in metres; None: not known, and axes count pixels."""
        if pixel_m is None:
            return cls((shape[0], shape[1]), (1.0, 1.0), "pixels")
        return cls((shape[0], shape[1]), (pixel_m[0] / 1000, pixel_m[1] / 1000), "km")

    def xy(self, col: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From pixels to the axes: from the left edge, and up from the bottom one."""
        return col * self.pixel[0], (self.shape[0] - row) * self.pixel[1]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height on the axes."""
        return self.shape[1] * self.pixel[0], self.shape[0] * self.pixel[1]


def photo(after: np.ndarray, before: np.ndarray | None, swipe: int) -> np.ndarray:
    """(h, w, 3) uint8: the scene, left of ``swipe`` percent of its width the one from before the event.

    What was not seen then is grey.
    """
    if before is None or swipe <= 0:
        return after
    rgb = after.copy()
    edge = round(rgb.shape[1] * swipe / 100)
    rgb[:, :edge] = before[:, :edge]
    rgb[:, :edge][~before[:, :edge].any(axis=2)] = _rgb(theme.UNLABELLED)
    return rgb


def with_over(rgb: np.ndarray, values: np.ndarray | None, unseen: np.ndarray, top: float, opacity: int) -> np.ndarray:
    """The scene in the class's colour, the denser the higher the value, and in grey where nothing was seen.

    values: (h, w) up to ``top``; None: only grey. opacity: percent, of the highest value.
    """
    share = np.zeros(unseen.shape) if values is None else np.nan_to_num(values / top, nan=0.0).clip(0, 1)
    hidden = unseen > 0
    alpha = np.where(hidden, UNSEEN_SHARE, share * opacity / 100)[..., None]
    ink = np.where(hidden[..., None], _rgb(theme.UNLABELLED), _rgb(theme.POSITIVE))
    return np.round((1 - alpha) * rgb + alpha * ink).astype(np.uint8)


def top_of(probs: np.ndarray) -> float:
    """The end of the scale: the highest probability, rounded up to a hundredth."""
    known = probs[np.isfinite(probs)]
    return max(0.01, math.ceil(round(100 * float(known.max()), 5)) / 100) if known.size else 1.0


def as_uri(rgb: np.ndarray) -> str:
    """A picture as a data URI."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(file, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def scene_figure(
    place: Place,
    picture: str,
    overlay: str,
    top: float,
    opacity: int,
    outlines: np.ndarray | None,
    cells: pd.DataFrame | None,
    first: int,
    chosen: str | None,
    swipe: int = 0,
) -> go.Figure:
    """The scene with what is drawn over it.

    picture: a data URI. top: the value of the overlay's densest colour. outlines: (n, 2) column and row, nan between
    rings, or None. cells: all cells (None: not drawn); ``first`` of them in the order of their rank are outlined.
    chosen: a cell's name.
    """
    width, height = place.size
    figure = go.Figure()
    figure.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=height, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    if outlines is not None and len(outlines):
        x, y = place.xy(outlines[:, 0], outlines[:, 1])
        for name, colour, line in (("", DARK_TEXT, 4), ("Landslide polygons", theme.POSITIVE, 2)):
            figure.add_scatter(
                x=x, y=y, mode="lines", line={"color": colour, "width": line}, name=name, showlegend=bool(name),
                hoverinfo="skip",
            )  # fmt: skip
    if cells is not None and len(cells):
        _cells(figure, place, cells, first, chosen)
        figure.update_layout(hoverdistance=max(20, round(0.75 * _cell_px(place, cells))))  # to a corner of a cell
    if 0 < swipe < 100:
        figure.add_vline(width * swipe / 100, line={"color": LIGHT, "width": 2})
    if overlay != "none":
        _bar(figure, overlay, top, opacity)
    theme.apply(figure)
    axis = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    figure.update_xaxes(title=f"{place.unit} from the left edge", range=[0, width], **axis)
    figure.update_yaxes(
        title=f"{place.unit} from the bottom edge",
        range=[0, height],
        scaleanchor="x",
        scaleratio=1,
        constraintoward="top",
        **axis,
    )
    tall = PICTURE_PX * height / width
    figure.update_layout(
        height=round(min(max(tall, LEAST_PX), MOST_PX)) + MARGIN_PX,
        dragmode="pan",
        hovermode="closest",
        clickmode="event+select",
    )
    return figure


def _cells(figure: go.Figure, place: Place, cells: pd.DataFrame, first: int, chosen: str | None) -> None:
    ranked = cells[cells["rank"].between(1, first)].sort_values("rank")
    x, y = boxes(place, ranked)
    for colour, line in ((DARK_TEXT, 4), (LIGHT, 1.5)):
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": colour, "width": line}, showlegend=False, hoverinfo="skip",
            name="first",
        )  # fmt: skip
    figure.add_scatter(  # white is no colour for a legend on white
        x=[None], y=[None], mode="markers", name="Cells to look at first", hoverinfo="skip",
        marker={"symbol": "square-open", "size": 12, "color": theme.INK, "line": {"width": 2}},
    )  # fmt: skip
    if chosen is not None and (cells["cell"] == chosen).any():
        x, y = boxes(place, cells[cells["cell"] == chosen])
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": theme.NEGATIVE, "width": 5},
            name="Chosen cell",
            hoverinfo="skip",
            showlegend=False,
        )
    labelled = ranked.head(MOST_LABELS)
    x, y = place.xy(labelled["left"].to_numpy(), labelled["top"].to_numpy())
    figure.add_scatter(
        x=x, y=y, mode="text", text=[f" {int(rank)}" for rank in labelled["rank"]], textposition="bottom right",
        textfont={"color": LIGHT, "size": 13, "shadow": f"1px 1px 2px {DARK_TEXT}, -1px -1px 2px {DARK_TEXT}"},
        unselected={"textfont": {"color": LIGHT}}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    middle = cells[["left", "right"]].mean(axis=1).to_numpy(), cells[["top", "bottom"]].mean(axis=1).to_numpy()
    x, y = place.xy(*middle)
    hidden = {"marker": {"opacity": 0}}
    figure.add_scattergl(
        x=x, y=y, mode="markers",
        marker={"size": _cell_px(place, cells), "symbol": "square", "opacity": 0, "color": LIGHT},
        customdata=cells["cell"], text=[hover(row) for row in cells.to_dict("records")], selected=hidden,
        unselected=hidden, hovertemplate="%{text}<extra></extra>", showlegend=False, name="cells",
    )  # fmt: skip


def _cell_px(place: Place, cells: pd.DataFrame) -> float:
    """About the side of a cell on the screen, so that a click anywhere in it finds it."""
    side = float((cells["right"] - cells["left"]).median()) / place.shape[1] * PICTURE_PX
    return min(max(0.9 * side, 6.0), 120.0)


def hover(cell: dict) -> str:
    """What is told of a cell under the pointer."""
    name = f"Cell {escape_html(cell['cell'])}"
    if cell["status"] == NOT_SEEN:
        return f"{name}: not seen, nothing is known"
    return (
        f"{name}: rank {count(cell['rank'])}<br>expected landslide ground {number(cell['expected_km2'])} km²<br>"
        f"highest probability {number(cell['prob_max'])}"
    )


def boxes(place: Place, cells: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The borders of cells as one line, nan between them."""
    left, top, right, bottom = (cells[name].to_numpy(np.float64) for name in ("left", "top", "right", "bottom"))
    gap = np.full(len(cells), np.nan)
    col = np.stack([left, right, right, left, left, gap], axis=1).ravel()
    row = np.stack([top, top, bottom, bottom, top, gap], axis=1).ravel()
    return place.xy(col, row)


def _bar(figure: go.Figure, overlay: str, top: float, opacity: int) -> None:
    """The scale of the overlay, which is a picture and has none of its own."""
    scale = [[0.0, faded(theme.POSITIVE, 0.0)], [1.0, faded(theme.POSITIVE, opacity / 100)]]
    figure.add_scatter(
        x=[None], y=[None], mode="markers", showlegend=False, hoverinfo="skip",
        marker={
            "color": [0], "cmin": 0, "cmax": top, "colorscale": scale, "showscale": True,
            "colorbar": {"thickness": 10, "len": 0.4, "orientation": "h", "x": 1, "xanchor": "right", "y": 1.01,
                         "yanchor": "bottom", "ypad": 0, "outlinewidth": 1, "outlinecolor": theme.INK,
                         "tickvals": [0, top], "ticktext": ["0", f"{top:g}"],
                         "title": {"text": OVERLAYS[overlay], "side": "right"}},
        },
    )  # fmt: skip


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
