"""Particle Swarm Optimisation as a sampler of Optuna: paper B's wish for its settings.

Kennedy and Eberhart (1995), with the constriction of Clerc and Kennedy (2002).

Trial n of a study is a move of particle ``n % particles``. A particle is drawn to the best place that it has been at,
and to the best that any has been at before this trial (asynchronous: nobody waits for a generation). The first places
divide each axis into as many strata as there are particles.

Axes: a number is scaled to 0-1 (by its logarithm where the range says so), a whole number to the middle of its share of
the axis; a choice has one axis a value, and the largest decides. At a wall a particle stops and turns back at half its
speed (Clerc's SPSO 2007). Nothing is kept beside the trials: each move is found again by replaying those before it, so
that a search that was broken off goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

CONSTRICTION = 0.7298438  # 2 / |2 - phi - sqrt(phi^2 - 4 phi)| at phi = 4.1 (Clerc, Kennedy 2002)
PULL = 2.05  # of its own best place, and of the swarm's: half of phi
PARTICLES = 6  # few, because a search of networks has tens of trials, not thousands
BOUNCE = -0.5


class ParticleSwarmSampler(BaseSampler):
    """The next place of a swarm. space: what is searched, by name. The same seed and trials give the same move.

    A trial that was pruned or failed moves its particle on and is nobody's best place: its score is of fewer folds.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], seed: int = 0, particles: int = PARTICLES) -> None:
        if particles < 2:
            raise ValueError("a swarm has two particles or more")
        self._axes = [_Axis(name, one) for name, one in sorted(space.items()) if not one.single()]
        self._space = {axis.name: axis.distribution for axis in self._axes}
        self._seed, self._particles = seed, particles
        self._others = RandomSampler(seed)  # of what is not in the space

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What the swarm moves in."""
        return dict(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The place of the particle whose turn it is."""
        earlier = [one for one in study.get_trials(deepcopy=False) if one.number < trial.number]
        place = self._places(earlier, trial.number + 1, study.direction)[trial.number]
        return self._values(place)

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """At random: it is not in the space."""
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def _places(self, trials: list[FrozenTrial], n: int, direction: StudyDirection) -> list[np.ndarray]:
        """The first ``n`` places of the swarm, (D,) in 0-1 each, given the trials before the last one."""
        width = sum(axis.width for axis in self._axes)
        start = self._start(width)
        x, v = start[0].copy(), start[1].copy()  # (particles, D)
        own, own_score = [None] * self._particles, np.full(self._particles, -math.inf)
        best, best_score = None, -math.inf
        by_number, found = {one.number: one for one in trials}, []
        for k in range(n):
            i = k % self._particles
            if k >= self._particles:
                self._move(x, v, i, own[i], best, k)
            trial = by_number.get(k)
            if trial is not None and trial.params and not self._is_at(x[i], trial):
                x[i], v[i] = self._place_of(trial, x[i]), 0.0  # somebody else chose this trial
            found.append(x[i].copy())
            score = _score(trial, direction)
            if score > own_score[i]:
                own[i], own_score[i] = x[i].copy(), score
            if score > best_score:
                best, best_score = x[i].copy(), score
        return found

    def _start(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Places with one particle in each stratum of every axis, and the speeds of SPSO 2007."""
        rng = np.random.default_rng([self._seed, 0])
        strata = np.stack([rng.permutation(self._particles) for _ in range(width)], axis=1)  # (particles, D)
        x = (strata + rng.random(strata.shape)) / self._particles
        return x, (rng.random(x.shape) - x) / 2

    def _move(
        self, x: np.ndarray, v: np.ndarray, i: int, own: np.ndarray | None, best: np.ndarray | None, k: int
    ) -> None:
        rng = np.random.default_rng([self._seed, 1, k])
        pulls = rng.random((2, x.shape[1])) * PULL
        to_own = 0.0 if own is None else pulls[0] * (own - x[i])
        to_best = 0.0 if best is None else pulls[1] * (best - x[i])
        v[i] = CONSTRICTION * (v[i] + to_own + to_best)
        x[i] += v[i]
        outside = (x[i] < 0) | (x[i] > 1)
        x[i] = x[i].clip(0, 1)
        v[i][outside] *= BOUNCE

    def _values(self, place: np.ndarray) -> dict[str, Any]:
        found, at = {}, 0
        for axis in self._axes:
            found[axis.name] = axis.value(place[at : at + axis.width])
            at += axis.width
        return found

    def _is_at(self, place: np.ndarray, trial: FrozenTrial) -> bool:
        return all(trial.params.get(name) == value for name, value in self._values(place).items())

    def _place_of(self, trial: FrozenTrial, otherwise: np.ndarray) -> np.ndarray:
        place, at = otherwise.copy(), 0
        for axis in self._axes:
            if axis.name in trial.params:
                place[at : at + axis.width] = axis.place(trial.params[axis.name])
            at += axis.width
        return place


class _Axis:
    """From a parameter to its part of the unit cube, and back."""

    def __init__(self, name: str, distribution: BaseDistribution) -> None:
        self.name, self.distribution = name, distribution
        self.width = len(distribution.choices) if isinstance(distribution, CategoricalDistribution) else 1

    def value(self, place: np.ndarray) -> Any:
        """Of its coordinates (width,) in 0-1."""
        one = self.distribution
        if isinstance(one, CategoricalDistribution):
            return one.choices[int(place.argmax())]
        low, high = self._bounds()
        value = low + float(place[0]) * (high - low)
        value = math.exp(value) if one.log else value
        if isinstance(one, IntDistribution):
            return int(min(max(one.low + one.step * round((value - one.low) / one.step), one.low), one.high))
        if one.step is not None:
            value = one.low + one.step * round((value - one.low) / one.step)
        return float(min(max(value, one.low), one.high))

    def place(self, value: Any) -> np.ndarray:
        """The coordinates (width,) of a value."""
        one = self.distribution
        if isinstance(one, CategoricalDistribution):
            return np.array([1.0 if choice == value else 0.0 for choice in one.choices])
        low, high = self._bounds()
        at = math.log(value) if one.log else float(value)
        return np.array([min(max((at - low) / (high - low), 0.0), 1.0)])

    def _bounds(self) -> tuple[float, float]:
        one = self.distribution
        half = one.step / 2 if isinstance(one, IntDistribution) else 0.0
        low, high = one.low - half, one.high + half
        return (math.log(low), math.log(high)) if one.log else (low, high)


def _score(trial: FrozenTrial | None, direction: StudyDirection) -> float:
    """The larger, the better; nothing for a trial without a whole score."""
    if trial is None or trial.state != TrialState.COMPLETE or trial.value is None or math.isnan(trial.value):
        return -math.inf
    return trial.value if direction == StudyDirection.MAXIMIZE else -trial.value
