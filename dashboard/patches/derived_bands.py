"""What can be drawn of a dataset: its bands, and whatever can be computed from them (SAR before the event, indices).

Computed bands stand behind the dataset's own. SAR before the event is after minus change, in dB; it is drawn between
the limits of after, so that the two can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.data.bands import Band
from core.data.indices import INDICES, possible
from core.data.pictures.computed import computed, with_computed

__all__ = ["computed", "drawable", "with_computed", "with_computed_limits"]


def drawable(bands: Sequence[Band]) -> tuple[Band, ...]:
    """The bands, and behind them all that can be computed from them."""
    return (*bands, *(INDICES[name].band for name in possible(bands)))


def with_computed_limits(
    limits: np.ndarray, bands: Sequence[Band], names: Sequence[str], of_values: Callable[[str], np.ndarray]
) -> np.ndarray:
    """Limits of display (C, 3) with those of the computed bands among ``names``: (C + I, 3).

    ``of_values`` gives the limits (3,) of a computed band by its name.
    """
    own = [band.name for band in bands]
    rows = [
        limits[own.index(INDICES[name].needs[0])] if INDICES[name].family == "sar_pre" else of_values(name)
        for name in computed(names, bands)
    ]
    return np.concatenate([limits, np.array(rows, float).reshape(-1, 3)])
