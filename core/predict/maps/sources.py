"""A probability raster with what its writer noted in it, the disagreement beside it, and the run's promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import FormatError
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target
from core.predict.maps.grid import Grid, onto, read_band, read_probability, tags_of
from core.predict.maps.promise import BEST_F1, Promise, promise_of
from core.runs.store import RunFolder

HALF_A_PATCH = 0.5  # blended answers place an edge no finer than this, however close they lie
DATES = ("SOURCE_DATE", "ACQUISITION_DATE", "DATE_ACQUIRED", "SENSING_TIME", "DATE")
AT_SHARE = "No promise on misses: the threshold is the one with the best F1 for the stated share of landslides."


@dataclass(frozen=True)
class MapSource:
    """probs: (H, W), restated for the promise's share of landslides. called: (H, W) bool, what is not cleared.

    cell_px: side of the ground that an answer speaks of, in pixels. date: of the source image, where the raster says
    it. notes: sentences for people.
    """

    path: Path
    grid: Grid
    probs: np.ndarray
    called: np.ndarray
    disagreement: np.ndarray | None
    promise: Promise
    cell_px: float
    date: str | None
    notes: tuple[str, ...]

    @classmethod
    def read(
        cls,
        run: RunFolder,
        path: Path,
        *,
        threshold: float | None = None,
        target: Target | None = None,
        effect: float = UNGROUPED_EFFECT,
        share: float | None = None,
        disagreement: Path | None = None,
    ) -> MapSource:
        """share: of landslides on this ground, None where nobody has stated it.

        Raises FormatError for what is no map of probabilities, and what ``promise_of`` does.
        """
        probs, grid = read_probability(path)
        tags = tags_of(path)
        notes: list[str] = []
        own = tags.get("RUN", run.name) == run.name
        if not own:
            notes.append(
                f"{path.name} says that run '{tags['RUN']}' answered, not '{run.name}': threshold, promise and "
                "intervals are those of the run that was named here."
            )
        promise = promise_of(run, threshold, target, effect, share)
        stated = _number(tags.get("THRESHOLD"))
        if own and promise.words == BEST_F1 and stated is not None and abs(stated - promise.threshold) > 1e-4:
            promise = replace(promise, threshold=stated, words=AT_SHARE)
        if share is None:
            notes.append(
                f"Probabilities are those of the training data, where {100 * promise.own_share:.3g} in 100 patches are "
                "landslides. State how frequent they are on this ground with --prevalence."
            )
        spread = _disagreement(disagreement or _beside(path), grid)
        called = promise.called(probs, spread)
        probs, promise = promise.at_share(probs, share)
        stride = _number(tags.get("STRIDE")) or 1.0
        cell = max(stride, HALF_A_PATCH * patch_side(run))
        date = next((tags[name] for name in DATES if tags.get(name)), None)
        return cls(path, grid, probs, called, spread, promise, cell, date, tuple(notes))


def patch_side(run: RunFolder) -> float:
    """Longer side of a patch of the run, in pixels."""
    return float(max(run.provenance()["dataset"]["shape"][1:]))


def _beside(path: Path) -> Path | None:
    found = path.with_name(f"{path.stem}_disagreement{path.suffix}")
    return found if found.is_file() else None


def _disagreement(path: Path | None, grid: Grid) -> np.ndarray | None:
    if path is None:
        return None
    values, own = read_band(path)
    if np.nanmin(values, initial=0.0) < -1e-6 or np.nanmax(values, initial=0.0) > 0.5 + 1e-6:
        raise FormatError(
            f"{path.name} holds values outside 0-0.5, which no standard deviation of probabilities is. Give the "
            "raster of disagreement that the scene prediction wrote."
        )
    return onto(values, own, grid)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else np.nan
    except ValueError:
        return None
    return value if np.isfinite(value) else None
