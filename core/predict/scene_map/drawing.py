"""The picture of a scene: the photo, what was found as layers over it, outlines and cells, as one picture.

Numpy and PIL only. Colours mean what they mean on every page.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from core.colours import DOUBT, POSITIVE, UNLABELLED

MOST_SPREAD = 0.5  # of probabilities: the largest standard deviation there is
UNSEEN_SHARE = 0.75  # of grey where nothing was seen
LEAST_PX = 1200  # of the longer side of a picture for a report


@dataclass(frozen=True)
class Place:
    """shape: (H, W) of the scene. pixel: (width, height) of a pixel in ``unit``."""

    shape: tuple[int, int]
    pixel: tuple[float, float]
    unit: str

    @classmethod
    def of(cls, shape: Sequence[int], pixel_m: Sequence[float] | None) -> Place:
        """pixel_m: width and height of a pixel in metres; None: not known, and lengths count pixels."""
        if pixel_m is None:
            return cls((shape[0], shape[1]), (1.0, 1.0), "pixels")
        return cls((shape[0], shape[1]), (pixel_m[0] / 1000, pixel_m[1] / 1000), "km")

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in ``unit``."""
        return self.shape[1] * self.pixel[0], self.shape[0] * self.pixel[1]


def greyed(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8, a picture with grey where nothing was seen, which is black in it."""
    found = rgb.copy()
    found[~rgb.any(axis=2)] = _rgb(UNLABELLED)
    return found


def colour_of(overlay: str) -> str:
    """The class's for how likely a landslide is, another for how far that is to be trusted."""
    return DOUBT if overlay in ("disagreement", "novelty") else POSITIVE


def over(values: np.ndarray, top: float, colour: str = POSITIVE) -> np.ndarray:
    """(h, w, 4) uint8: the colour, the denser the higher the value, up to ``top``; clear where none is."""
    share = np.nan_to_num(values / top, nan=0.0).clip(0, 1)
    return _inked(colour, share)


def unseen_over(unseen: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8: grey where nothing was seen."""
    return _inked(UNLABELLED, UNSEEN_SHARE * (unseen > 0))


def _inked(colour: str, alpha: np.ndarray) -> np.ndarray:
    found = np.empty((*alpha.shape, 4), np.uint8)
    found[..., :3] = _rgb(colour)
    found[..., 3] = np.round(255 * alpha)
    return found


def top_of(probs: np.ndarray) -> float:
    """The end of the scale: the highest probability, rounded up to a hundredth."""
    known = probs[np.isfinite(probs)]
    return max(0.01, math.ceil(round(100 * float(known.max()), 5)) / 100) if known.size else 1.0


def drawn(
    after: np.ndarray, layers: Sequence[tuple[np.ndarray, int]], shape: Sequence[int], outlines: np.ndarray | None,
    cells: pd.DataFrame | None,
) -> np.ndarray:  # fmt: skip
    """(H, W, 3) uint8: the scene with its layers ((h, w, 4) and opacity in percent), outlines and cells.

    shape: (H, W) of the scene, in whose pixels outlines and cells are. cells: those that are outlined, with ranks.
    """
    factor = max(1, math.ceil(LEAST_PX / max(after.shape[:2])))
    size = after.shape[1] * factor, after.shape[0] * factor
    made = Image.fromarray(greyed(after)).resize(size, Image.Resampling.BICUBIC).convert("RGBA")
    for layer, opacity in layers:
        inked = layer.copy()
        inked[..., 3] = np.round(layer[..., 3] * (opacity / 100))
        made.alpha_composite(Image.fromarray(inked).resize(size, Image.Resampling.BILINEAR))
    drawing = ImageDraw.Draw(made)
    scale = np.array([size[0] / shape[1], size[1] / shape[0]])
    if outlines is not None:
        for ring in np.split(outlines, np.flatnonzero(~np.isfinite(outlines[:, 0]))):
            xy = ring[np.isfinite(ring[:, 0])] * scale
            if len(xy) > 1:
                drawing.line([tuple(at) for at in xy.tolist()], fill=POSITIVE, width=3)
    for cell in () if cells is None else cells.to_dict("records"):
        box = [*(np.array([cell["left"], cell["top"]]) * scale), *(np.array([cell["right"], cell["bottom"]]) * scale)]
        drawing.rectangle(box, outline="#FFFFFF", width=2)
        at = (box[0] + 6, box[1] + 4)
        ink: dict[str, Any] = {"fill": "#FFFFFF", "stroke_width": 2, "stroke_fill": "#17191D"}
        drawing.text(at, f"{int(cell['rank'])}", font_size=22, **ink)
    return np.asarray(made.convert("RGB"))


def png(picture: np.ndarray) -> bytes:
    """A picture (H, W, 3) uint8 as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
