"""A safety target applied to new patches: which are cleared without inspection, as ``risk_control`` promises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target, TriageRule, target_where, triage_rule
from core.runs.store import RunFolder

LANDSLIDE, OTHER, LOOK, NO_DATA = "landslide", "no landslide", "have a person look", "no data"
ANSWERS = (LANDSLIDE, LOOK, OTHER, NO_DATA)


@dataclass(frozen=True)
class Triage:
    """The rule of a run, and what it decides without inspection; the other patches are inspected.

    cleared: (N,) bool, no landslides. accepted: (N,) bool, landslides.
    """

    rule: TriageRule
    cleared: np.ndarray
    n_models: int
    accepted: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the rule, and how many patches are cleared and inspected."""
        cleared = int(self.cleared.sum())
        accepted = int(self.accepted.sum())
        counts = {"cleared": cleared, "inspect": len(self.cleared) - cleared - accepted, "n_models": self.n_models}
        counts |= {"accepted": accepted}
        return self.rule.to_dict() | counts | {"rests_on": self.rule.rests_on(self.n_models)}

    def sentence(self, alike: bool = True) -> str:
        """For people. alike: whether the patches may look as in training; if not, nothing is promised."""
        target, n = self.rule.target, len(self.cleared)
        of = "% of the landslides" if target.kind == "miss_rate" else " landslides per 1,000 patches"
        most = 100 * target.limit if target.kind == "miss_rate" else target.limit
        cleared, accepted = int(self.cleared.sum()), int(self.accepted.sum())
        without = f"{accepted:,} accepted as landslides, " if accepted else ""
        counts = f"{cleared:,} of {n:,} patches cleared, {without}{n - cleared - accepted:,} to inspect"
        goal = f"at most {most:g}{of} are missed"
        if not alike:
            return f"{counts}. That {goal} is not promised here: these patches do not look like the run's own."
        return f"{counts}, so that {goal} ({1 - target.delta:.0%} confidence)."


def out_of_fold(run: RunFolder, head: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Labels (N,) 0/1, probabilities (N,) of ``head`` and groups (N,), or None where a patch has none."""
    oof = run.oof()
    groups = oof["group"].astype(str).to_numpy() if "group" in oof else None
    if groups is not None and (groups == "").any():
        groups = None
    return oof["label"].to_numpy(np.int8), oof[f"prob_{head}"].to_numpy(np.float64), groups


def run_rule(
    run: RunFolder,
    head: str,
    target: Target,
    effect: float = UNGROUPED_EFFECT,
    share: float | None = None,
    false_per_1000: float | None = None,
) -> TriageRule:
    """The rule that the run's out-of-fold probabilities of ``head`` promise the target with.

    share: of landslides where the rule is used, if it is not that of the run's own patches: a number among 1,000
    patches is then kept there. false_per_1000: also accept, as landslides, what is so probable that at most this many
    of 1,000 patches are false alarms among them.

    Raises DataError, naming the number needed, where there are too few patches to promise it; ConfigError where the
    target is kept there without any model.
    """
    labels, probs, groups = out_of_fold(run, head)
    wanted, accept = target, false_per_1000
    if share is not None:
        wanted = target_where(target, share)
        if wanted is None:
            raise ConfigError(
                f"At {1000 * share:.3g} landslides per 1,000 patches, missing every one of them keeps a target of "
                f"{target.limit:g} per 1,000: no inspection is needed for it. State a lower target."
            )
        if accept is not None:  # the share of false alarms among other ground is what stays as it is
            accept = min(accept * (1 - float(labels.mean())) / (1 - share), 999.0)
    rule = triage_rule(labels, probs, wanted, groups, effect=effect, false_per_1000=accept)
    return replace(rule, target=target)


def triage(rule: TriageRule, probs: np.ndarray) -> Triage:
    """Apply the rule to the probabilities (models, N) of the folds' models: all of them must clear a patch.

    The rule is about one model each. What every model misses is no more than what the models miss on average, so the
    promise holds for all together, which that of a mean of models would not; the same holds for false alarms among
    what all of them accept. A patch without an answer (nan) is neither cleared nor accepted.
    """
    probs = np.asarray(probs)
    cleared, accepted = np.all(probs < rule.threshold, axis=0), np.all(probs >= rule.accept_at, axis=0)
    return Triage(rule, cleared, len(probs), accepted)


def answers_of(probs: np.ndarray, threshold: float, triaged: Triage | None = None) -> np.ndarray:
    """(N,) text, each of ``ANSWERS``, for mean probabilities (N,).

    Without a safety target the threshold decides. With one, what is cleared is no landslide, what is accepted is one,
    and a person looks at the rest.
    """
    probs = np.asarray(probs)
    if triaged is None:
        found = np.where(probs >= threshold, LANDSLIDE, OTHER)
    else:
        found = np.where(triaged.cleared, OTHER, np.where(triaged.accepted, LANDSLIDE, LOOK))
    return np.where(np.isfinite(probs), found, NO_DATA)
