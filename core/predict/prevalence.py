"""A run's answer where landslides are more or less frequent than in its training data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.evaluate.prevalence import best_f1_threshold_at, of_counts, shifted
from core.predict.patches import Answer
from core.runs.store import RunFolder


@dataclass(frozen=True)
class AtPrevalence:
    """answer: decided at the threshold of the best F1 there. probs: (N,) probabilities there, as far as calibrated.

    expected: what the out-of-fold decisions at that threshold become there; chosen on the same patches, so optimistic.
    """

    share: float
    own_share: float
    answer: Answer
    probs: np.ndarray
    expected: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        facts = {"share": self.share, "own_share": self.own_share, "threshold": self.answer.threshold}
        return facts | {"expected": self.expected}


def at_prevalence(run: RunFolder, answer: Answer, share: float) -> AtPrevalence:
    """The answer with a threshold and probabilities for ``share`` of landslides; ``answer.probs`` stay as they are."""
    oof = run.oof()
    labels, probs = oof["label"].to_numpy(np.int8), oof[f"prob_{answer.head}"].to_numpy(np.float64)
    threshold, own = best_f1_threshold_at(labels, probs, share), float(labels.mean())
    counts = np.bincount(2 * labels.astype(np.int64) + (probs >= threshold), minlength=4)
    expected = of_counts(dict(zip(("tn", "fp", "fn", "tp"), counts.tolist(), strict=True)), share)
    pred = np.where(answer.has_answer, answer.probs >= threshold, -1).astype(np.int8)
    decided = replace(answer, pred=pred, threshold=threshold)
    return AtPrevalence(share, own, decided, shifted(answer.probs, own, share), expected)
