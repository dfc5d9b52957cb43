"""Patches with the bands that can be computed from their own (indices, SAR before the event)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.bands import Band
from core.data.stacks import extended
from core.data.store.missing import has_data


def computed(names: Sequence[str], bands: Sequence[Band]) -> tuple[str, ...]:
    """Those of ``names`` that are no band themselves, each once."""
    own = {band.name for band in bands}
    return tuple(dict.fromkeys(name for name in names if name not in own))


def with_computed(
    images: np.ndarray, bands: Sequence[Band], names: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Patches (N, C, H, W) with the computed bands among ``names`` behind their own, and the names of all.

    A pixel without any data has none in the computed bands either.
    """
    more = computed(names, bands)
    all_names = (*(band.name for band in bands), *more)
    if not more:
        return images, all_names
    out = extended(images, bands, more)[0]
    if (seen := has_data(images)) is not None:
        np.copyto(out[:, len(bands) :], np.float32(np.nan), where=~seen[:, None])
    return out, all_names
