"""Slices over trainings: the very slices of one training, and a weak one that another training would mend."""

import numpy as np
import pytest

from core.evaluate.slice_trainings import TABLE, slice_trainings
from core.evaluate.slices import slice_report

N = 400
LABELS, SITE = np.arange(N) % 2, np.where(np.arange(N) < N // 2, "a", "b")


def training(seed, wrong_in_b):
    rng = np.random.default_rng(seed)
    wrong = rng.random(N) < np.where(SITE == "a", 0.1, wrong_in_b)
    return np.where(wrong, 1 - LABELS, LABELS)


def row(preds, name="b", metric="f1"):
    found = slice_trainings(LABELS, preds, {"site": SITE}, metric)
    assert list(found) == list(TABLE)
    return found.set_index("slice").loc[name]


def test_slices_and_values_are_those_of_one_training():
    facts = {"site": SITE, "size": np.linspace(0, 1, N)}
    pred = training(0, 0.3)
    one, many = slice_report(LABELS, pred, facts, n_boot=50).table, slice_trainings(LABELS, [pred, pred], facts, "f1")
    both = one.merge(many, on=["by", "slice"], suffixes=("", "_many"))
    assert len(both) == len(one) == 6
    np.testing.assert_allclose(both["mean"], both["value"])
    np.testing.assert_allclose(both["difference_many"], both["difference"])
    assert (both["sd"] < 1e-12).all() and (both["p_many"] == 0).all()


def test_a_slice_that_is_weak_in_every_training_survives_them():
    found = row([training(seed, 0.35) for seed in range(4)])
    assert found["p"] < 0.05 and found["diff_hi"] < 0 and found["min"] < found["mean"] < found["max"]


def test_a_slice_that_is_weak_in_one_training_does_not():
    found = row([training(0, 0.35), training(1, 0.1), training(2, 0.05)])
    assert found["p"] > 0.05 and found["diff_lo"] < 0 < found["diff_hi"] and found["sd"] > 0.05


def test_one_training_and_an_undefined_metric_have_no_spread():
    one = row([training(0, 0.3)])
    assert np.isnan(one["sd"]) and np.isnan(one["p"]) and one["difference"] < 0
    site = np.where(LABELS == 1, "positive", "other")
    found = slice_trainings(LABELS, [LABELS, training(0, 0.3)], {"kind": site}, "specificity")
    assert np.isnan(found.set_index("slice").loc["positive", "mean"]) and found["p"].isna().all()
    with pytest.raises(Exception, match="label"):
        slice_trainings(np.full(N, 2), [LABELS], {"site": SITE}, "f1")
