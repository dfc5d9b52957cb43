"""The pictures of a scene: the photo, what was found as a layer over it, and all of it as one picture for a report."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from core.predict.scene_map.drawing import (
    MOST_SPREAD,
    Place,
    colour_of,
    drawn,
    greyed,
    over,
    png,
    top_of,
    unseen_over,
)
from dashboard.ui.formatting import count, number

__all__ = [
    "MOST_SPREAD", "NOT_SEEN", "OVERLAYS", "Place", "as_uri", "colour_of", "drawn", "greyed", "hover", "over", "png",
    "top_of", "unseen_over",
]  # fmt: skip
QUALITY = 88  # of WebP
OVERLAYS = {
    "probability": "Probability", "where": "Where in the cell", "disagreement": "Disagreement",
    "novelty": "Unlike training", "none": "Nothing",
}  # fmt: skip
NOT_SEEN = "not seen"


def as_uri(picture: np.ndarray) -> str:
    """A picture (h, w, 3 or 4) uint8 as a data URI."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "WEBP", quality=QUALITY, method=2)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def hover(cell: dict) -> str:
    """What is told of a cell under the pointer, a fact a line."""
    name = f"Cell {cell['cell']}"
    if cell["status"] == NOT_SEEN:
        return f"{name}: not seen, nothing is known"
    return (
        f"{name}: rank {count(cell['rank'])}\nexpected landslide ground {number(cell['expected_km2'])} km²\n"
        f"highest probability {number(cell['prob_max'])}"
    )
