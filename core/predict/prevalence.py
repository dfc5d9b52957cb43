"""A run's answer where landslides are more or less frequent than in its training data, and how frequent they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import LandslideLensError
from core.evaluate.prevalence import best_f1_threshold_at, shifted, with_intervals
from core.evaluate.risk_control import UNGROUPED_EFFECT
from core.evaluate.share import estimate_share
from core.predict.patches import Answer
from core.predict.triage import out_of_fold
from core.runs.store import RunFolder
from core.text import interval_percent, percent, small


@dataclass(frozen=True)
class AtPrevalence:
    """answer: decided at the threshold of the best F1 there. probs: (N,) probabilities there, as far as calibrated.

    expected: what the out-of-fold decisions at that threshold become there, with ``intervals`` (95 %, whole groups
    resampled); chosen on the same patches, so a little optimistic.
    """

    share: float
    own_share: float
    answer: Answer
    probs: np.ndarray
    expected: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        facts = {"share": self.share, "own_share": self.own_share, "threshold": self.answer.threshold}
        return facts | {"expected": self.expected}


def decided_at(run: RunFolder, head: str, share: float) -> dict[str, Any]:
    """What the run's own out-of-fold decisions by ``head`` become at this share, with ``intervals``.

    As ``core.evaluate.prevalence.with_intervals``.
    """
    labels, _, groups = out_of_fold(run, head)
    return with_intervals(labels, run.oof()[f"pred_{head}"].to_numpy(np.int8), share, groups)


def restated(run: RunFolder, head: str, share: float) -> float:
    """The threshold on the run's own probabilities that has the best F1, out of fold, at this share of landslides."""
    labels, probs, _ = out_of_fold(run, head)
    return best_f1_threshold_at(labels, probs, share)


def at_prevalence(run: RunFolder, answer: Answer, share: float) -> AtPrevalence:
    """The answer with a threshold and probabilities for ``share`` of landslides; ``answer.probs`` stay as they are."""
    labels, probs, groups = out_of_fold(run, answer.head)
    threshold, own = best_f1_threshold_at(labels, probs, share), float(labels.mean())
    expected = with_intervals(labels, (probs >= threshold).astype(np.int8), share, groups)
    pred = np.where(answer.has_answer, answer.probs >= threshold, -1).astype(np.int8)
    decided = replace(answer, pred=pred, threshold=threshold)
    return AtPrevalence(share, own, decided, shifted(answer.probs, own, share), expected)


def share_there(
    run: RunFolder, answer: Answer, groups: np.ndarray | None = None, effect: float = UNGROUPED_EFFECT
) -> dict[str, Any]:
    """How frequent landslides are among the patches of an answer, as plain values (``core.evaluate.share``).

    groups: (N,) of these patches, or none: then ``effect`` patches count as one. Patches without data are left out.
    ``sentence`` and ``notes`` are for people. Where nothing can be estimated, ``share`` is None and ``reason`` tells.
    """
    labels, probs, own_groups = out_of_fold(run, answer.head)
    seen = answer.has_answer
    known = None if groups is None or (np.asarray(groups) == "").any() else np.asarray(groups)[seen]
    threshold = float(run.rules()[answer.head]["deployed"])
    try:
        found = estimate_share(labels, probs, answer.by_fold[:, seen], threshold, own_groups, known, effect)
    except LandslideLensError as error:
        return {"share": None, "reason": str(error), "sentence": f"Share of landslides: {error}", "notes": []}
    notes = []
    if not found.fits:
        notes.append(
            f"No mixture of the run's landslides and other ground gives probabilities like these (largest gap "
            f"{100 * found.gap:.1f} percentage points, p {small(found.p)}). Landslides or other ground look different "
            "there, so every number restated for this place is doubtful too."
        )
    elif found.n_groups is None and found.effect > 1:
        notes.append(
            f"No groups are known there, so {found.effect:g} patches count as one independent patch in the interval."
        )
    return found.to_dict() | {"sentence": share_in_words(found.to_dict()), "notes": notes}


def share_in_words(found: Mapping[str, Any]) -> str:
    """One sentence for people on :func:`share_there`, such as "Estimated 3 % (1 to 6 %) landslides among ..."."""
    if found["share"] is None:
        return str(found["reason"])
    ends = interval_percent((found["lo"], found["hi"]), 1)
    if not found["fits"]:
        return (
            f"The share of landslides among these {found['n']:,} patches cannot be told: they do not look like the "
            f"run's own data (it would come out as {percent(found['share'])})."
        )
    return (
        f"Estimated share of landslides among these {found['n']:,} patches: {percent(found['share'])} (95% interval "
        f"{ends}), if landslides and other ground look as in the run's own data."
    )
