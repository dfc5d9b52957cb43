"""Mean maps by outcome, what is dead, intervals by group, and the verdict's words."""

import numpy as np
import pytest

from core.explain.cam.group_means import fold_levels, mean_maps, outcomes_of, silence
from core.explain.cam.overlay import constant_maps
from core.explain.checks import verdict
from core.stats.grouped_means import intervals_of_means


def test_outcomes_are_named_after_label_and_decision():
    assert outcomes_of([1, 0, 1, 0], [1, 1, 0, 0]).tolist() == ["tp", "fp", "fn", "tn"]


def test_mean_maps_are_in_units_of_the_folds_mean_peak():
    maps = np.zeros((4, 1, 2))
    maps[:, 0] = [[2, 0], [4, 2], [20, 0], [0, 0]]  # fold 0 peaks 2 and 4; fold 1 peaks 20, and a dead one
    found = mean_maps(maps, np.array(["tp", "tp", "tp", "fn"]), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(found["tp"].cam, [[(2 / 3 + 4 / 3 + 1) / 3, (2 / 3) / 3]])
    assert found["tp"].n == 3 and found["fn"].n_dead == 1 and found["fp"].cam is None
    lo, hi = intervals_of_means(np.array([[2 / 3, 0], [4 / 3, 2 / 3], [1, 0]]))
    np.testing.assert_allclose(found["tp"].hi, [hi])
    np.testing.assert_allclose(found["tp"].lo, [np.maximum(lo, 0)])  # evidence is never below none
    one_scene = mean_maps(maps, np.array(["tp", "tp", "tp", "fn"]), np.array([0, 0, 1, 1]), np.zeros(4))
    assert np.isnan(one_scene["tp"].lo).all() and np.isnan(one_scene["tp"].hi).all()


def test_constant_and_dead_maps_are_counted():
    maps = np.zeros((4, 2, 2))
    maps[1], maps[2, 0, 0], maps[3] = 5, 1, [[1, 1], [1, 0.5]]
    assert constant_maps(maps).tolist() == [False, True, False, False]
    assert silence(maps) == {"n": 4, "dead": 0.25, "constant": 0.25}
    assert constant_maps(np.ones((2, 1, 1))).all()


def finding(name, holds):
    return verdict.Finding(name, holds, f"{name}.")


@pytest.mark.parametrize(
    ("holds", "word"),
    [
        ({"alive": True, "faithful": True, "learnt": True, "in_place": True}, "trusted"),
        ({"alive": True, "faithful": True, "learnt": True, "in_place": False}, "careful"),
        ({"alive": True, "faithful": True, "learnt": None}, "careful"),
        ({"alive": True, "faithful": False, "learnt": True}, "lies"),
        ({"alive": False, "faithful": None, "learnt": None}, "lies"),
        ({"alive": True, "faithful": None, "learnt": True}, "undecided"),
    ],
)
def test_the_verdict_is_the_worst_that_was_found(holds, word):
    found = verdict.verdict("layer2", "gradcam", [finding(*item) for item in holds.items()])
    assert found["word"] == word and "gradcam at layer2" in found["sentence"]
    told = [name for name, good in holds.items() if good is not True] if word != "trusted" else list(holds)
    assert all(f"{name}." in found["sentence"] for name in told)


def test_the_level_of_a_fold_is_the_mean_peak_of_its_living_maps():
    maps = np.zeros((5, 1, 2))
    maps[:, 0] = [[2, 0], [4, 2], [20, 0], [0, 0], [0, 0]]
    assert fold_levels(maps, np.array([0, 0, 1, 1, 2])) == {0: 3.0, 1: 20.0}
