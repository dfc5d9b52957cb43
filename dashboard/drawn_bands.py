"""What can be drawn of a dataset: its bands, and the SAR before the event where after and change are known.

Comes in: bands, patches in the bands' units, limits of display. Goes out: the same with the computed bands behind
them. "Before" is after minus change, in dB, and is drawn between the limits of "after", so that both can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.bands import Band
from core.data.indices import INDICES, possible
from core.data.stacks import extended
from dashboard.patch_view import nodata_pixels


def before(bands: Sequence[Band]) -> tuple[str, ...]:
    """Names of the bands before the event that can be computed from these."""
    return tuple(name for name in possible(bands) if INDICES[name].family == "sar_pre")


def drawable(bands: Sequence[Band]) -> tuple[Band, ...]:
    """The bands, and behind them those before the event."""
    return (*bands, *(INDICES[name].band for name in before(bands)))


def with_before(images: np.ndarray, bands: Sequence[Band], nodata: float | None) -> np.ndarray:
    """Patches (N, C, H, W) with the bands before the event behind their own: (N, C + B, H, W).

    A pixel without data has ``nodata`` in the computed bands too.
    """
    names = before(bands)
    if not names:
        return images
    out = extended(images, bands, names)[0]
    if nodata is not None:
        for image, made in zip(images, out, strict=True):
            made[len(bands) :, nodata_pixels(image, nodata)] = nodata
    return out


def with_before_limits(limits: np.ndarray, bands: Sequence[Band]) -> np.ndarray:
    """Limits of display (C, 3) with those of the bands before the event, which are those after it: (C + B, 3)."""
    names = [band.name for band in bands]
    rows = [limits[names.index(INDICES[name].needs[0])] for name in before(bands)]
    return np.concatenate([limits, np.array(rows).reshape(-1, 3)])
