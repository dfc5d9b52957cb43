"""What most likely happened to patches that are unlike the training set: the repair that makes them usual again.

Quantiles of bands move with the bands: a swap swaps them, a factor multiplies them, and decibels are a rising function
of power, so repairs are tried on the features alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.data.bands import BYTES, DECIBEL, DN, REFLECTANCE, Band
from core.predict.novelty.calibrated import FoldEvidence, Novelty, kept
from core.predict.novelty.features import FEATURES, QUANTILES, SPREAD, STEP
from core.text import list_names

MOST = 200  # patches that repairs are tried on
USUAL = 1.5  # times the median distance of held-out patches, which what a repair leaves must not exceed
BETTER = 0.75  # what a repair must leave of the distance
FAR = 0.8  # mean distance in standard deviations from which a feature is named
SCALES = {
    (DN, REFLECTANCE): 1e4, (REFLECTANCE, DN): 1e-4, (BYTES, REFLECTANCE): 255.0, (REFLECTANCE, BYTES): 1 / 255,
    (DN, BYTES): 1e4 / 255, (BYTES, DN): 255e-4,
}  # fmt: skip
_N = len(QUANTILES)

Repair = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Cause:
    """key: short name, such as ``red_nir`` or ``reflectance``. sentence: for people."""

    key: str
    sentence: str


def likely_cause(novelty: Novelty, bands: Sequence[Band], features: np.ndarray, fold: int = 0) -> Cause | None:
    """The most likely cause for the values of patches (N, C, F), or None where none makes them usual.

    fold: in whose space repairs are tried.
    """
    space = novelty.folds[fold]
    if space.bands is None or not len(features):
        return None
    some = features[np.unique(np.linspace(0, len(features) - 1, min(MOST, len(features))).round().astype(int))]

    def distance(values: np.ndarray) -> float:
        return float(np.median((kept(space.bands).scores(values) / space.scale).max(axis=1)))

    before = distance(some)
    tried = [(distance(repair(some)), k, cause) for k, (cause, repair) in enumerate(_repairs(space, bands, some))]
    if tried:
        after, _, cause = min(tried, key=lambda one: one[:2])
        usual = USUAL * float(np.median(kept(space.held).max(axis=1)))
        if after <= usual and after <= BETTER * before:
            return cause
    return _named(space, novelty.band_names, some)


def _repairs(fold: FoldEvidence, bands: Sequence[Band], features: np.ndarray) -> Iterator[tuple[Cause, Repair]]:
    names = [band.name for band in bands]
    optical = {unit: [i for i, band in enumerate(bands) if band.unit == unit and band.modality == "optical"]
               for unit in (DN, REFLECTANCE, BYTES)}  # fmt: skip
    for (trained, seen), factor in SCALES.items():
        if which := optical[trained]:
            words = f"The optical bands look like {seen}; the run was trained on {trained} (x{factor:,.6g})."
            yield Cause(f"{seen}", words), _times(which, factor)
    radar = [i for i, band in enumerate(bands) if band.unit == DECIBEL]
    if radar:
        yield Cause("linear", "The radar bands look like linear power; the run was trained on dB."), _to_db(radar)
    for i, j in combinations(range(len(names)), 2):
        order = list(range(len(names)))
        order[i], order[j] = j, i
        yield Cause(f"{names[i]}_{names[j]}", f"{names[i]} and {names[j]} look swapped."), _reordered(order)
    order = _best_order(fold, features)
    moved = [i for i, j in enumerate(order) if i != j]
    if len(moved) > 2:
        looks = list_names([f"{names[order[i]]} looks like {names[i]}" for i in moved], 4)
        yield Cause("order", f"The bands look as if they were in another order: {looks}."), _reordered(order)


def _best_order(fold: FoldEvidence, features: np.ndarray) -> list[int]:
    """For each band of the run the given one that looks most like it, each used once."""
    from scipy.optimize import linear_sum_assignment

    n_bands = features.shape[1]
    cost = np.empty((n_bands, n_bands))  # (run's, given)
    for given in range(n_bands):
        as_each = np.repeat(features[:, given : given + 1], n_bands, axis=1)
        cost[:, given] = np.median(kept(fold.bands).scores(as_each)[:, :n_bands] / kept(fold.scale)[:n_bands], axis=0)
    return [int(k) for k in linear_sum_assignment(cost)[1]]


def _times(which: Sequence[int], factor: float) -> Repair:
    def repair(features: np.ndarray) -> np.ndarray:
        features = features.astype(np.float64)
        features[:, which] *= factor
        return features

    return repair


def _to_db(which: Sequence[int]) -> Repair:
    def repair(features: np.ndarray) -> np.ndarray:
        features = features.astype(np.float64)
        own = features[:, which]
        level = np.maximum(own[..., :_N], 1e-9)
        own[..., :_N] = 10.0 * np.log10(level)
        own[..., SPREAD] = own[..., _N - 1] - own[..., 0]
        own[..., STEP] = np.nan  # it cannot be told from the step in power
        features[:, which] = own
        return features

    return repair


def _reordered(order: Sequence[int]) -> Repair:
    return lambda features: features[:, list(order)]


def _named(fold: FoldEvidence, names: Sequence[str], features: np.ndarray) -> Cause | None:
    """What is odd about the band furthest out, where no repair fits."""
    space = kept(fold.bands)
    z = np.median(space.standardised(features), axis=0)  # (C, F)
    distance = np.median(space.scores(features) / fold.scale, axis=0)
    band = int(distance[: len(z)].argmax())
    name = names[band]
    width = np.nanmedian(features[:, band, SPREAD])
    if np.isfinite(width) and width <= space.floor[band]:
        return Cause("constant", f"{name} is (nearly) the same everywhere, which it was not in training.")
    steps = z[:, STEP]
    if np.abs(steps).max() >= max(FAR, np.abs(z[:, : SPREAD + 1]).max()):
        rough = float(steps[np.abs(steps).argmax()]) > 0
        return Cause(
            "rough" if rough else "smooth",
            f"{'Rougher' if rough else 'Smoother'} from pixel to pixel than in training, most of all "
            f"{names[int(np.abs(steps).argmax())]}: "
            + ("noise, or another sensor?" if rough else "another sensor, larger pixels or resampling?"),
        )
    feature = int(np.abs(z[band]).argmax())
    if distance[band] < np.median(kept(fold.held)[:, band]) or abs(z[band, feature]) < FAR:
        return None
    up = z[band, feature] > 0
    if FEATURES[feature] == "spread":
        return Cause("spread", f"{name} varies {'more' if up else 'less'} within a patch than in training.")
    return Cause("level", f"{name} is {'higher' if up else 'lower'} than in training.")
