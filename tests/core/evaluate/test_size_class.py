import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.evaluate.size_class import size_facts


def test_shares_and_f1_are_scikit_learns_and_stand_beside_the_commonest_class():
    truth = np.array(["small"] * 6 + ["large"] * 3 + ["medium"])
    answered = np.array(["small"] * 5 + ["large"] * 4 + ["small"])
    facts = size_facts(truth, answered)
    assert facts["accuracy"] == 0.8 and facts["majority"] == 0.6 and facts["n"] == 10
    assert facts["macro_f1"] == pytest.approx(f1_score(truth, answered, average="macro"))
    assert facts["accuracy_interval"] == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert facts["confusion"]["small"] == {"large": 1, "medium": 0, "small": 5}


def test_patches_of_one_scene_widen_the_interval():
    truth, scenes = np.repeat(["small"], 60), np.repeat(np.arange(12), 5)
    answered = np.where(scenes < 9, "small", "large")  # right or wrong by whole scenes
    alone, alike = (size_facts(truth, answered, groups)["accuracy_interval"] for groups in (None, scenes))
    assert alike[1] - alike[0] > 1.8 * (alone[1] - alone[0])


def test_no_sized_landslide_is_undefined():
    facts = size_facts(np.array([], str), np.array([], str))
    assert facts["n"] == 0 and np.isnan(facts["accuracy"])
