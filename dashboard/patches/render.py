"""Pictures of patches (``core.data.pictures.drawing``), an attention map laid over one, a legend.

Pictures are uint8 RGB arrays. Numpy and PIL only.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from core.colours import HEAT
from core.data.pictures.drawing import (
    PICTURE_PX,
    dataset_limits,
    enlarge,
    outline,
    patch_limits,
    picture,
    value_limits,
)
from core.explain.cam.overlay import dead_maps, upsample_maps

__all__ = [
    "PICTURE_PX", "cells", "colours", "dataset_limits", "enlarge", "heat", "legend", "outline", "overlay",
    "patch_limits", "picture", "png", "swatch", "value_limits",
]  # fmt: skip

# -------------------------------------------------------------------------------------------------- attention maps


def heat(cam: np.ndarray, size_hw: tuple[int, int], top: float | None = None) -> np.ndarray:
    """A raw map (h, w) enlarged to ``size_hw`` and divided by ``top`` (its own maximum by default): 0-1 float64.

    The maximum is taken before enlarging. A dead map (``core.explain.cam.overlay.dead_maps``) is 0 everywhere.
    """
    cam = np.asarray(cam)
    if dead_maps(cam[None])[0]:
        return np.zeros(size_hw)
    top = float(cam.max()) if top is None else float(top)
    return np.clip(upsample_maps(cam[None], size_hw)[0] / max(top, 1e-12), 0.0, 1.0).astype(np.float64)


def colours(values: np.ndarray) -> np.ndarray:
    """Values 0-1 of any shape as colours of the heat scale, (..., 3) float64 in 0-255."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in HEAT], float)
    at = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(values, at, stops[:, channel]) for channel in range(3)], axis=-1)


def overlay(rgb: np.ndarray, cam: np.ndarray, opacity: float = 0.6, top: float | None = None) -> np.ndarray:
    """A picture (H, W, 3) uint8 with a raw attention map (h, w) laid over it: (H, W, 3) uint8.

    The layer is as opaque as the map is strong, up to ``opacity``, so that what the map ignores stays visible. ``top``
    is the value drawn brightest (the patch's own maximum by default; a common one makes patches comparable).
    """
    strength = heat(cam, rgb.shape[:2], top)
    alpha = (opacity * np.sqrt(strength))[..., None]  # square root: the middle of the scale is seen too
    return np.round((1 - alpha) * rgb + alpha * colours(strength)).astype(np.uint8)


def cells(cam: np.ndarray, side: int = PICTURE_PX, top: float | None = None) -> np.ndarray:
    """A raw map (h, w) alone, its cells as they are: (side, side x w/h, 3) uint8."""
    cam = np.asarray(cam)
    top = float(cam.max()) if top is None else float(top)
    known = np.zeros(cam.shape) if dead_maps(cam[None])[0] else np.clip(cam / max(top, 1e-12), 0.0, 1.0)
    return enlarge(np.round(colours(known)).astype(np.uint8), side)


def legend(width: int = 320, height: int = 10) -> np.ndarray:
    """The heat scale from 0 (left) to the brightest (right): (height, width, 3) uint8."""
    row = np.round(colours(np.linspace(0.0, 1.0, width))).astype(np.uint8)
    return np.repeat(row[None], height, axis=0)


# ------------------------------------------------------------------------------------------- masks and frames


def swatch(colour: str, side: int = 28) -> np.ndarray:
    """A square of ``colour`` (#rrggbb), for legends: (side, side, 3) uint8."""
    return np.full((side, side, 3), [int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)


# -------------------------------------------------------------------------------------------------------- files


def png(rgb: np.ndarray) -> bytes:
    """A picture (H, W, 3) uint8 as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG")
    return buffer.getvalue()
