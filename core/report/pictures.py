"""Pictures that a report carries in itself: as ``data:`` URIs, small."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from core.colours import HEAT
from core.explain.cam.overlay import dead_maps, upsample_maps

SIDE = 128  # px of a patch
QUALITY = 78  # of JPEG


def jpeg(rgb: np.ndarray, quality: int = QUALITY) -> str:
    """A picture (H, W, 3) uint8 as the URI of a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=quality, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def heated(rgb: np.ndarray, cam: np.ndarray, opacity: float = 0.6) -> np.ndarray:
    """A picture (H, W, 3) uint8 with a raw attention map (h, w) laid over it, scaled by its own peak.

    As opaque as the map is strong, so that what it ignores stays visible; a dead map leaves the picture as it is.
    """
    cam = np.asarray(cam)
    if dead_maps(cam[None])[0]:
        return rgb
    strength = np.clip(upsample_maps(cam[None], rgb.shape[:2])[0] / max(float(cam.max()), 1e-12), 0.0, 1.0)
    stops = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in HEAT], float)
    at = np.linspace(0.0, 1.0, len(stops))
    colours = np.stack([np.interp(strength, at, stops[:, channel]) for channel in range(3)], axis=-1)
    alpha = (opacity * np.sqrt(strength.astype(np.float64)))[..., None]
    return np.round((1 - alpha) * rgb + alpha * colours).astype(np.uint8)
