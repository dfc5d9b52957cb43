"""A safety target applied to new patches: which are cleared without inspection, as ``risk_control`` promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.evaluate.risk_control import UNGROUPED_EFFECT, Target, TriageRule, triage_rule
from core.runs.store import RunFolder


@dataclass(frozen=True)
class Triage:
    """The rule of a run, and the patches that it clears: cleared (N,) bool; the others are inspected."""

    rule: TriageRule
    cleared: np.ndarray
    n_models: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the rule, and how many patches are cleared and inspected."""
        cleared = int(self.cleared.sum())
        counts = {"cleared": cleared, "inspect": len(self.cleared) - cleared, "n_models": self.n_models}
        return self.rule.to_dict() | counts | {"rests_on": self.rule.rests_on(self.n_models)}

    def sentence(self) -> str:
        """For people."""
        target, n = self.rule.target, len(self.cleared)
        of = "% of the landslides" if target.kind == "miss_rate" else " landslides per 1,000 patches"
        most = 100 * target.limit if target.kind == "miss_rate" else target.limit
        cleared = int(self.cleared.sum())
        return (
            f"{cleared:,} of {n:,} patches cleared, {n - cleared:,} to inspect, so that "
            f"at most {most:g}{of} are missed ({1 - target.delta:.0%} confidence)."
        )


def run_rule(run: RunFolder, head: str, target: Target, effect: float = UNGROUPED_EFFECT) -> TriageRule:
    """The rule that the run's out-of-fold probabilities of ``head`` promise the target with.

    Raises DataError, naming the number needed, where there are too few patches to promise it.
    """
    oof = run.oof()
    groups = oof["group"].astype(str).to_numpy() if "group" in oof else None
    if groups is not None and (groups == "").any():
        groups = None
    labels, probs = oof["label"].to_numpy(np.int8), oof[f"prob_{head}"].to_numpy(np.float64)
    return triage_rule(labels, probs, target, groups, effect=effect)


def triage(rule: TriageRule, probs: np.ndarray) -> Triage:
    """Apply the rule to the probabilities (models, N) of the folds' models: all of them must clear a patch.

    The rule is about one model each. What every model misses is no more than what the models miss on average, so the
    promise holds for all together, which that of a mean of models would not. A patch without an answer (nan) is never
    cleared.
    """
    return Triage(rule, (np.asarray(probs) < rule.threshold).all(axis=0), len(probs))
