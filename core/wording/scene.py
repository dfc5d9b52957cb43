"""A scene's answer in sentences: where to look first, what nothing is known of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.predict.scene.rasters import REASONS
from core.text import count, counted, duration, percent


def cells_for(cells: pd.DataFrame, share: int) -> int:
    """How many cells, in the order of their rank, are expected to hold this percentage."""
    held = cells.loc[cells["rank"] > 0].sort_values("rank")["held"].to_numpy(np.float64)
    enough = held >= share / 100 - 1e-9
    return int(enough.argmax()) + 1 if enough.any() else len(held)


def sentence(report: Mapping[str, Any], cells: pd.DataFrame | None, first: int) -> str:
    """Where to look first."""
    scene = report["scene"]
    if cells is None:
        shown = amount(scene, "landslide")
        return f"{shown} of {amount(scene, 'answered')} are at the threshold or above."
    if not (cells["expected_km2"] > 0).any():
        n = int((cells["rank"] > 0).sum())
        return f"No landslide ground is expected in the {counted(n, 'cell')} that {'was' if n == 1 else 'were'} seen."
    ranked = cells[cells["rank"].between(1, first)]
    hours = duration(60 * float(report["options"]["minutes"]) * first)
    whose = f"these {count(first)} cells" if first > 1 else "this cell"
    return (
        f"Look at {whose} first: expected to hold {percent(ranked['held'].max(), 0)} of the landslide ground that was "
        f"seen ({hours} of inspection)."
    )


def expected_words(km2: float, between: tuple[float, float] | None) -> str:
    """Landslide ground by the probabilities, and by how often such answers were right out of fold (95 %).

    The second need not hold the first: it knows where probabilities are too low or too high.
    """
    words = f"{km2:,.3g} km² by the probabilities"
    if between is None:
        return words
    return f"{words}; {between[0]:,.3g} to {between[1]:,.3g} km² by how often such answers were right out of fold (95%)"


def unseen_sentence(scene: Mapping[str, Any]) -> str:
    """What nothing is known of."""
    found = [f"{amount(scene, reason)} {reason}" for reason in REASONS.values() if (scene["pixels"] or {}).get(reason)]
    if not found:
        return f"All {amount(scene, 'all')} were seen."
    return f"Of {amount(scene, 'all')}, not seen: {'; '.join(found)}. It is never counted as ground without landslides."


def amount(scene: Mapping[str, Any], what: str) -> str:
    """Ground in km², or pixels where the place of the scene is not known."""
    if scene["km2"] is not None:
        return f"{scene['km2'].get(what, 0):,.4g} km²"
    return f"{scene['pixels'].get(what, 0):,} pixels"
