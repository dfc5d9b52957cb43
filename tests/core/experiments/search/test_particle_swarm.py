"""The swarm: its moves follow from seed and trials alone, stay in bounds, and find what random search does not."""

import math

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from core.experiments.search.particle_swarm import CONSTRICTION, PULL, ParticleSwarmSampler

optuna.logging.set_verbosity(optuna.logging.WARNING)
MIXED = {
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "drop": FloatDistribution(0.0, 0.5),
    "layers": IntDistribution(1, 6),
    "width": IntDistribution(8, 256, log=True),
    "way": CategoricalDistribution(("a", "b", "c")),
}


def searched(space, objective, sampler, n, pruned=()):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for k in range(n):
        trial = study.ask(space)
        if k in pruned:
            trial.report(0.1, 0)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, objective(trial.params))
    return study


def mixed(params):
    return -abs(math.log(params["lr"]) + 6) - params["drop"] - abs(params["layers"] - 4) + (params["way"] == "b")


def test_the_constriction_is_clerc_and_kennedys():
    phi = 2 * PULL
    assert pytest.approx(2 / abs(2 - phi - math.sqrt(phi * phi - 4 * phi)), abs=1e-6) == CONSTRICTION


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), particles=st.integers(2, 9), n=st.integers(1, 25))
def test_every_place_is_inside_and_the_same_seed_finds_it_again(seed, particles, n):
    studies = [searched(MIXED, mixed, ParticleSwarmSampler(MIXED, seed, particles), n) for _ in range(2)]
    first, second = ([trial.params for trial in study.trials] for study in studies)
    assert first == second
    for params in first:
        assert all(MIXED[name]._contains(MIXED[name].to_internal_repr(value)) for name, value in params.items())


@pytest.mark.parametrize("broken_at", [1, 4, 13])
def test_a_swarm_that_is_built_anew_from_its_trials_goes_on_as_if_unbroken(broken_at):
    whole = searched(MIXED, mixed, ParticleSwarmSampler(MIXED, 3), 20, pruned=(2, 9))
    study = optuna.create_study(direction="maximize", sampler=ParticleSwarmSampler(MIXED, 3))
    for trial in whole.trials[:broken_at]:
        study.add_trial(
            create_trial(state=trial.state, params=trial.params, distributions=MIXED, value=trial.value,
                         intermediate_values=trial.intermediate_values)
        )  # fmt: skip
    assert study.ask(MIXED).params == whole.trials[broken_at].params


def test_the_first_places_divide_every_axis():
    space = {f"x{i}": FloatDistribution(0, 1) for i in range(3)}
    study = searched(space, lambda params: 0.0, ParticleSwarmSampler(space, 1, 6), 6)
    for name in space:
        strata = sorted(int(trial.params[name] * 6) for trial in study.trials)
        assert strata == list(range(6))


def test_a_trial_that_somebody_chose_is_where_its_particle_goes_on_from():
    space = {"x": FloatDistribution(0, 1)}
    study = optuna.create_study(direction="maximize", sampler=ParticleSwarmSampler(space, 0, 2))
    study.add_trial(create_trial(state=TrialState.COMPLETE, params={"x": 0.5}, distributions=space, value=9.0))
    for _ in range(30):
        trial = study.ask(space)
        study.tell(trial, -abs(trial.params["x"] - 0.5))
    late = [trial.params["x"] for trial in study.trials[-9:]]
    assert abs(np.median(late) - 0.5) < 0.05, "the swarm gathers at the best place that it was told of"


def test_pruned_and_failed_trials_draw_nobody():
    space = {"x": FloatDistribution(0, 1)}
    sampler = ParticleSwarmSampler(space, 0, 2)
    study = searched(space, lambda params: params["x"], sampler, 2, pruned=(0, 1))
    start = [trial.params["x"] for trial in study.trials]
    after = [
        searched(space, lambda params: params["x"], sampler, 4, pruned=(0, 1)).trials[k].params["x"] for k in (2, 3)
    ]
    rng_speeds = np.abs(np.subtract(after, start))
    assert (rng_speeds <= CONSTRICTION * 0.5 + 1e-9).all(), "only the first speed carries them"


def test_a_space_of_one_value_and_minimising_work():
    space = {"x": FloatDistribution(-1, 1), "only": CategoricalDistribution(("a",))}
    study = optuna.create_study(direction="minimize", sampler=ParticleSwarmSampler(space, 0))
    for _ in range(40):
        trial = study.ask(space)
        study.tell(trial, trial.params["x"] ** 2)
    assert study.best_value < 1e-3 and study.best_params["only"] == "a"


def sphere(x):
    return float(np.sum((x - 1) ** 2))


def rastrigin(x):
    return float(10 * len(x) + np.sum(x * x - 10 * np.cos(2 * np.pi * x)))


def branin(x):
    a, b = x
    return float((b - 5.1 / (4 * np.pi**2) * a * a + 5 / np.pi * a - 6) ** 2
                 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "function, space",
    [
        (sphere, {f"x{i}": FloatDistribution(-5, 5) for i in range(4)}),
        (rastrigin, {f"x{i}": FloatDistribution(-5.12, 5.12) for i in range(2)}),
        (branin, {"x0": FloatDistribution(-5, 10), "x1": FloatDistribution(0, 15)}),
    ],
    ids=["sphere", "rastrigin", "branin"],
)
def test_it_finds_more_than_random_search_on_the_same_budget(function, space):
    def best(sampler):
        return -searched(space, lambda p: -function(np.array([p[n] for n in sorted(p)])), sampler, 60).best_value

    swarm = [best(ParticleSwarmSampler(space, seed)) for seed in range(10)]
    chance = [best(RandomSampler(seed)) for seed in range(10)]
    assert np.median(swarm) < np.median(chance)
    assert np.sum(np.array(swarm) < np.array(chance)) >= 7
