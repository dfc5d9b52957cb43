"""What a run promises about a map of its answers: the threshold, its words, and how often such answers were right.

All of it is out of fold. A map may be made without a run; then nothing is promised and the threshold must be stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import ConfigError, DataError
from core.evaluate.calibration.reliability import Reliability, reliability
from core.evaluate.prevalence import check_share, shifted
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target
from core.predict.triage import run_rule
from core.runs.store import RunFolder

WHOLE_PATCHES = (
    "It is a promise about whole patches answered by each fold's model, not about outlines or single pixels."
)
BEST_F1 = "No promise on misses: the threshold is the one with the best F1 out of fold."
STEPS = 400  # of probability, over which ground is added up
STATED = "No promise: the threshold was stated by hand."


@dataclass(frozen=True)
class Promise:
    """What a map rests on. run, head: names, or "". threshold: on probabilities. words: what is promised.

    own_share: share of landslides among the patches that the run was judged on, nan where not known. seen: how often
    patches of about a probability were landslides out of fold, or None. n_models: how many must clear what is cleared;
    0 where nothing is promised about that. share: of landslides for which probabilities and threshold are restated, or
    None.
    """

    run: str
    head: str
    threshold: float
    words: str
    own_share: float
    seen: Reliability | None
    n_models: int = 0
    share: float | None = None

    def at_share(self, probs: np.ndarray, share: float | None) -> tuple[np.ndarray, Promise]:
        """Probabilities and threshold where ``share`` of the patches are landslides; as they are for None.

        What is called a landslide stays the same ground: both move together.
        """
        if share is None:
            return probs, self
        moved = shifted(probs, self.own_share, check_share(share)).astype(np.float32)
        edge = float(shifted(np.array([self.threshold]), self.own_share, share)[0])
        return moved, replace(self, threshold=edge, share=share)

    def called(self, probs: np.ndarray, disagreement: np.ndarray | None) -> np.ndarray:
        """(H, W) bool: what is not cleared, of probabilities (H, W) at the run's own share, before :meth:`at_share`.

        Under a safety target ground is cleared only where every fold's model clears it. The highest of K numbers is at
        most their mean plus sqrt(K - 1) times their standard deviation (Samuelson 1968), so that this ground holds all
        that any model calls. Raises ConfigError where the disagreement is not given then.
        """
        edge = np.float32(self.threshold)
        with np.errstate(invalid="ignore"):
            if not self.n_models:
                return probs >= edge
            if disagreement is None:
                raise ConfigError(
                    "A safety target clears ground only where every fold's model clears it, which a mean of folds does "
                    "not tell. Give the raster of their disagreement, which the scene prediction writes beside it."
                )
            spread = np.nan_to_num(disagreement, nan=1.0) * np.float32(math.sqrt(self.n_models - 1))
            return probs + spread >= edge

    def interval(self, probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) each: the 95 % interval of the share of landslides among out-of-fold patches of about these (n,) probs.

        nan where that is not known.
        """
        probs = np.asarray(probs, np.float64)
        if self.seen is None:
            return np.full(probs.shape, np.nan), np.full(probs.shape, np.nan)
        plain = np.nan_to_num(probs)
        if self.share is not None:
            plain = shifted(plain, self.share, self.own_share)
        middle = (self.seen.right[:-1] + self.seen.left[1:]) / 2
        at = np.searchsorted(middle, plain, side="right")
        ends = [self.seen.lo[at], self.seen.hi[at]]
        if self.share is not None:
            ends = [shifted(end, self.own_share, self.share) for end in ends]
        known = np.isfinite(probs)
        return np.where(known, ends[0], np.nan), np.where(known, ends[1], np.nan)

    def expected_km2(self, probs: np.ndarray, km2: float) -> tuple[float, float] | None:
        """Between what the landslide ground lies, by how often answers like these were right out of fold; or None.

        probs: those of the ground that was seen, nan elsewhere. km2: that ground.
        """
        counts, edges = np.histogram(probs[np.isfinite(probs)], STEPS, (0.0, 1.0))
        ends = self.interval((edges[:-1] + edges[1:]) / 2)
        if not counts.any() or self.seen is None:
            return None
        low, high = (float((counts * end).sum() / counts.sum()) * km2 for end in ends)
        return low, high

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        facts = {"run": self.run, "head": self.head, "threshold": self.threshold, "promise": self.words}
        return facts | {"share_of_landslides": self.share}


def promise_of(
    run: RunFolder,
    threshold: float | None = None,
    target: Target | None = None,
    effect: float = UNGROUPED_EFFECT,
    share: float | None = None,
) -> Promise:
    """What the run's headline head promises at its own threshold, a stated one, or that of a safety target.

    share: of landslides on the ground of the map, where it was stated: a target in 1,000 patches is kept there.

    Raises DataError, naming the number needed, where the patches cannot promise the target, and ConfigError for a
    target and a threshold at once.
    """
    if threshold is not None and target is not None:
        raise ConfigError("A threshold and a safety target both decide what is called a landslide: give one of them.")
    rules = run.rules()
    head = run.config().heads.headline(rules)
    words, n_models = STATED, 0
    if target is not None:
        rule = run_rule(run, head, target, effect, share)
        threshold, words, n_models = rule.threshold, promised(target), run.config().folds.n_splits
        if not np.isfinite(threshold):
            raise DataError(
                "The safety target is so loose that no patch need be inspected: no map follows from it. State a "
                "smaller share that may be missed."
            )
    elif threshold is None:
        threshold, words = float(rules[head]["deployed"]), BEST_F1
    oof = run.oof()
    labels, probs = oof["label"].to_numpy(np.int8), oof[f"prob_{head}"].to_numpy(np.float64)
    groups = oof["group"].astype(str).to_numpy() if "group" in oof else None
    if groups is not None and (groups == "").any():
        groups = None
    try:
        seen = reliability(labels, probs, groups=groups)
    except DataError:
        seen = None
    return Promise(run.name, head, float(threshold), words, float((labels == 1).mean()), seen, n_models)


def promised(target: Target) -> str:
    """A safety target as the sentence that goes with a map."""
    sure = f"{100 * (1 - target.delta):.0f} % sure"
    what = f"{100 * target.limit:g} in 100 landslide patches"
    if target.kind == "missed_per_1000":
        what = f"{target.limit:g} landslide patches in 1,000 patches"
    return f"At most {what} missed, {sure}, on ground like the training set's. {WHOLE_PATCHES}"
