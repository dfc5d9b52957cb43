"""How a search chooses its next settings, stops hopeless trials, and says which settings mattered.

The trials are plain values (:class:`Trial`); Optuna's study is made of them anew for every question, with a sampler
whose seed follows from the search's and the trial's number. So the same trials lead to the same next one, whether the
search was broken off between them or not, and nothing has to be kept but the trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.experiments.search.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.study import Study

Sampler = Literal["tpe", "random", "pso"]
State = Literal["running", "complete", "pruned", "failed"]
STARTUP = 8  # trials at random before TPE has enough to learn from
BEFORE_PRUNING = 4  # trials that have got as far, of which a new one must not be in the lower half
FOR_IMPORTANCE = 8  # whole trials
AS_THEY_ARE = 0  # number of the trial that has the settings from which the search starts


@dataclass(frozen=True)
class Trial:
    """One try.

    params: Optuna's values by setting, empty where the settings as they are lie outside of the space. settings: the
    same as they stand in a configuration. folds: the score after one fold, two, and so on. value: the last of them
    where all folds were trained. reason: why it failed, was stopped, or was not trained. seconds: of training.
    """

    number: int
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    state: State = "running"
    folds: tuple[float, ...] = ()
    value: float | None = None
    reason: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Trial:
        """The inverse of :meth:`to_dict`, from JSON."""
        folds = tuple(float("nan") if one is None else float(one) for one in values["folds"])
        return cls(**{**values, "folds": folds})


def next_params(space: Space, trials: Sequence[Trial], sampler: Sampler, seed: int) -> dict[str, Any]:
    """What to try next, by setting."""
    study = _study(space, trials, sampler, seed)
    return dict(study.ask(space.distributions).params)


def hopeless(trials: Sequence[Trial], folds: Sequence[float]) -> bool:
    """Whether a trial with these scores so far is in the lower half of those that have got as far.

    The pruner is the median rule of Google's Vizier (Golovin et al. 2017), with a fold for a step, and the same fold
    compared with the same.
    """
    n = len(folds)
    others = [one.folds[n - 1] for one in trials if one.state in ("complete", "pruned") and len(one.folds) >= n]
    others = [score for score in others if math.isfinite(score)]
    return len(others) >= BEFORE_PRUNING and math.isfinite(folds[-1]) and folds[-1] < float(np.median(others))


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The whole trial with the highest score, the first of several; None before there is one."""
    done = [one for one in trials if one.state == "complete"]
    return max(done, key=lambda one: -math.inf if one.value is None else one.value) if done else None


def importance(space: Space, trials: Sequence[Trial]) -> dict[str, float] | None:
    """Share of the scores' spread that each setting explains, largest first; None with too few whole trials.

    Functional ANOVA (Hutter, Hoos, Leyton-Brown 2014) of a random forest on the whole trials.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    whole = [one for one in trials if one.state == "complete" and one.params]
    varied = len({one.value for one in whole}) > 1
    if len(whole) < FOR_IMPORTANCE or not varied:
        return None
    study = _study(space, whole, "random", 0)
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(value) for name, value in found.items()}


def _study(space: Space, trials: Sequence[Trial], sampler: Sampler, seed: int) -> Study:
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    known = [one for one in trials if one.params]
    study = optuna.create_study(direction="maximize", sampler=_sampler(space, sampler, seed, len(known)))
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    for one in known:
        scores = {i: score for i, score in enumerate(one.folds) if math.isfinite(score)}
        study.add_trial(
            create_trial(
                state=states[one.state], params=dict(one.params), distributions=space.distributions,
                value=one.value if one.state == "complete" else None, intermediate_values=scores,
            )
        )  # fmt: skip
    return study


def _sampler(space: Space, name: Sampler, seed: int, number: int) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    from core.experiments.search.particle_swarm import ParticleSwarmSampler

    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    match name:
        case "random":
            return RandomSampler(own)
        case "pso":
            return ParticleSwarmSampler(space.distributions, seed)  # replays the moves before this one
        case "tpe":
            return TPESampler(seed=own, n_startup_trials=STARTUP)
