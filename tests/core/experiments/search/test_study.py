"""Choosing the next settings from plain trials: repeatable, resumable, and blind to what failed."""

import math

import pytest

from core.config import preset
from core.experiments.search.space import space_of
from core.experiments.search.study import Trial, best_of, hopeless, importance, next_params

SPACE = space_of(preset("demo"), ["train.lr=log:0.0001..0.1", "train.epochs=2..20", "smote.enabled=true,false"])


def scored(params):
    return 0.9 - 0.1 * abs(math.log10(params["train.lr"]) + 2.5) + 0.001 * params["train.epochs"]


def tried(sampler, n, trials=(), seed=0):
    trials = list(trials)
    for k in range(len(trials), n):
        params = next_params(SPACE, trials, sampler, seed)
        state, value = ("pruned", None) if k % 5 == 4 else ("complete", scored(params))
        trials.append(Trial(k, params, SPACE.settings(params), state, (0.5, value or 0.5), value))
    return trials


@pytest.mark.parametrize("sampler", ["tpe", "random", "pso"])
def test_broken_off_anywhere_it_goes_on_with_the_same_trials(sampler):
    whole = tried(sampler, 16)
    kept = [Trial.from_dict(one.to_dict()) for one in whole[:9]]
    assert tried(sampler, 16, kept) == whole
    assert tried(sampler, 16, seed=1) != whole, "another seed tries something else"
    assert len({tuple(one.params.items()) for one in whole}) == len(whole)


@pytest.mark.parametrize("sampler", ["tpe", "pso"])
def test_what_learns_finds_more_than_chance(sampler):
    def best(name):
        return sum(best_of(tried(name, 30, seed=seed)).value for seed in range(4))

    assert best(sampler) > best("random")


def test_the_settings_as_they_are_are_learnt_from_where_they_lie_in_the_space():
    at = Trial(0, {"train.lr": 0.003, "train.epochs": 10, "smote.enabled": "true"}, {}, "complete", (0.9,), 0.9)
    outside = Trial(0, {}, {}, "complete", (0.9,), 0.9)
    assert set(next_params(SPACE, [at], "pso", 0)) == set(next_params(SPACE, [outside], "pso", 0)) == set(SPACE.here())


def test_a_trial_is_hopeless_in_the_lower_half_of_those_that_got_as_far():
    others = [Trial(k, {}, {}, "complete", (0.1 * k, 0.5), 0.5) for k in range(4)]
    assert hopeless(others, [0.1]) and not hopeless(others, [0.2])
    assert not hopeless(others[:3], [0.0]), "too few to say"
    assert not hopeless(others, [float("nan")])
    late = [Trial(k, {}, {}, "pruned", (0.9,), None) for k in range(9)]
    assert not hopeless([*others, *late], [0.0, 0.5]), "only those that have trained as many folds count"
    broken = [Trial(k, {}, {}, "failed", (0.9,), None) for k in range(9)]
    assert not hopeless([*others, *broken], [0.2])


def test_the_best_is_a_whole_trial_and_the_first_of_equals():
    trials = [Trial(0, {}, {}, "complete", (0.5,), 0.5), Trial(1, {}, {}, "complete", (0.5,), 0.5),
              Trial(2, {}, {}, "pruned", (0.9,), None)]  # fmt: skip
    assert best_of(trials).number == 0 and best_of(trials[2:]) is None


def test_importance_names_what_mattered_and_is_silent_about_too_few():
    found = importance(SPACE, tried("random", 40))
    assert next(iter(found)) == "train.lr" and found["train.lr"] > 0.7 and sum(found.values()) == pytest.approx(1)
    assert importance(SPACE, tried("random", 6)) is None
    flat = [Trial(k, one.params, {}, "complete", (0.5,), 0.5) for k, one in enumerate(tried("random", 12))]
    assert importance(SPACE, flat) is None, "without any spread nothing explains it"


def test_a_score_that_json_cannot_hold_comes_back_as_undefined():
    values = Trial(1, {}, {}, "running", (float("nan"),)).to_dict() | {"folds": [None]}
    assert math.isnan(Trial.from_dict(values).folds[0])
