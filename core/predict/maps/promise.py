"""What a run promises about a map of its answers: the threshold, its words, and how often such answers were right.

All of it is out of fold. A map may be made without a run; then nothing is promised and the threshold must be stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError, DataError
from core.evaluate.calibration.reliability import Reliability, reliability
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target
from core.predict.triage import run_rule
from core.runs.store import RunFolder

WHOLE_PATCHES = (
    "It is a promise about whole patches answered by each fold's model, not about outlines or single pixels."
)
BEST_F1 = "No promise on misses: the threshold is the one with the best F1 out of fold."
STATED = "No promise: the threshold was stated by hand."


@dataclass(frozen=True)
class Promise:
    """What a map rests on. run, head: names, or "". threshold: on probabilities. words: what is promised.

    own_share: share of landslides among the patches that the run was judged on, nan where not known. seen: how often
    patches of about a probability were landslides out of fold, or None.
    """

    run: str
    head: str
    threshold: float
    words: str
    own_share: float
    seen: Reliability | None

    def interval(self, probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) each: the 95 % interval of the share of landslides among out-of-fold patches of about these (n,) probs.

        nan where that is not known.
        """
        probs = np.asarray(probs, np.float64)
        if self.seen is None:
            return np.full(probs.shape, np.nan), np.full(probs.shape, np.nan)
        middle = (self.seen.right[:-1] + self.seen.left[1:]) / 2
        at = np.searchsorted(middle, np.nan_to_num(probs), side="right")
        known = np.isfinite(probs)
        return np.where(known, self.seen.lo[at], np.nan), np.where(known, self.seen.hi[at], np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"run": self.run, "head": self.head, "threshold": self.threshold, "promise": self.words}


def promise_of(
    run: RunFolder,
    threshold: float | None = None,
    target: Target | None = None,
    effect: float = UNGROUPED_EFFECT,
) -> Promise:
    """What the run's headline head promises at its own threshold, a stated one, or that of a safety target.

    Raises DataError, naming the number needed, where the patches cannot promise the target, and ConfigError for a
    target and a threshold at once.
    """
    if threshold is not None and target is not None:
        raise ConfigError("A threshold and a safety target both decide what is called a landslide: give one of them.")
    rules = run.rules()
    head = run.config().heads.headline(rules)
    words = STATED
    if target is not None:
        rule = run_rule(run, head, target, effect)
        threshold, words = rule.threshold, promised(target)
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
    return Promise(run.name, head, float(threshold), words, float((labels == 1).mean()), seen)


def promised(target: Target) -> str:
    """A safety target as the sentence that goes with a map."""
    sure = f"{100 * (1 - target.delta):.0f} % sure"
    what = f"{100 * target.limit:g} in 100 landslide patches"
    if target.kind == "missed_per_1000":
        what = f"{target.limit:g} landslide patches in 1,000 patches"
    return f"At most {what} missed, {sure}, on ground like the training set's. {WHOLE_PATCHES}"
