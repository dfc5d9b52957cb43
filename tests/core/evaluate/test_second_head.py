import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from core.evaluate.second_head import kept_facts, second_facts


def test_shares_and_f1_are_scikit_learns_and_stand_beside_the_commonest_class():
    truth = np.array(["small"] * 6 + ["large"] * 3 + ["medium"])
    answered = np.array(["small"] * 5 + ["large"] * 4 + ["small"])
    facts = second_facts(truth, answered)
    assert facts["accuracy"] == 0.8 and facts["majority"] == 0.6 and facts["n"] == 10
    assert facts["macro_f1"] == pytest.approx(f1_score(truth, answered, average="macro"))
    assert facts["accuracy_interval"] == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert facts["confusion"]["small"] == {"large": 1, "medium": 0, "small": 5}


def test_patches_of_one_scene_widen_the_interval():
    truth, scenes = np.repeat(["small"], 60), np.repeat(np.arange(12), 5)
    answered = np.where(scenes < 9, "small", "large")  # right or wrong by whole scenes
    alone, alike = (second_facts(truth, answered, groups)["accuracy_interval"] for groups in (None, scenes))
    assert alike[1] - alike[0] > 1.8 * (alone[1] - alone[0])


def test_no_sized_landslide_is_undefined():
    facts = second_facts(np.array([], str), np.array([], str))
    assert facts["n"] == 0 and np.isnan(facts["accuracy"])


def test_balanced_accuracy_is_scikit_learns_with_an_interval_and_fold_by_fold():
    rng = np.random.default_rng(0)
    truth = rng.choice(["new", "old", "older"], 300, p=[0.7, 0.2, 0.1])
    answered = np.where(rng.random(300) < 0.7, truth, "new")
    fold_of = np.arange(300) % 3
    facts = second_facts(truth, answered, fold_of=fold_of)
    assert facts["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, answered))
    low, high = facts["balanced_accuracy_interval"]
    assert low < facts["balanced_accuracy"] < high and low > facts["chance"] == pytest.approx(1 / 3)
    assert [row["n"] for row in facts["folds"]] == [100, 100, 100]
    first = fold_of == 0
    assert facts["folds"][0]["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(truth[first], answered[first])
    )


def test_a_class_that_is_never_answered_counts_and_scenes_widen_the_interval():
    truth = np.repeat(["a", "b", "c"], 20)
    answered = np.where(truth == "c", "a", truth)
    scenes = np.arange(60) // 5
    facts, alone = second_facts(truth, answered, scenes), second_facts(truth, answered)
    assert facts["balanced_accuracy"] == pytest.approx(2 / 3) and facts["confusion"]["c"] == {"a": 20, "b": 0, "c": 0}
    assert (
        np.isfinite(facts["balanced_accuracy_interval"]).all() or np.isfinite(alone["balanced_accuracy_interval"]).all()
    )


def test_facts_of_earlier_runs_are_those_of_sizes():
    facts = second_facts(np.array(["small", "large", "small"]), np.array(["small", "small", "small"]))
    earlier = {key: facts[key] for key in ("n", "accuracy", "accuracy_interval", "macro_f1", "majority", "confusion")}
    kept = kept_facts({"size": earlier | {"column": "size"}})
    assert kept["balanced_accuracy"] == 0.5 == kept["chance"] and kept["of"] == "landslides" and kept["folds"] == []
    assert kept_facts({"second": facts}) == facts and kept_facts({}) is None
