import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.metrics import metrics
from core.train.inference import embed
from core.train.validation import judge, watched


def test_a_judgement_is_the_metrics_of_the_networks_own_answers(network, config, made_patches):
    x, y = made_patches(20)
    y = y.copy()
    y[[3, 8]] = -1
    found, asked = judge(network, x, y, config, "cpu"), y >= 0
    expected = embed(network, x, "cpu", 16).probs
    assert np.isnan(found.probs[~asked]).all() and found.probs[asked] == pytest.approx(expected[asked], abs=1e-6)
    values = metrics(y[asked], expected[asked], 0.5)
    assert (found.f1, found.auc) == pytest.approx((values["f1"], values["auc"]))
    of_truth = np.where(y == 1, expected, 1 - expected)[asked]
    assert found.loss == pytest.approx(-np.log(of_truth).mean(), abs=1e-5)


def test_nobody_to_ask_is_undefined(network, config, made_patches):
    x, y = made_patches(4)
    found = judge(network, x, np.full_like(y, -1), config, "cpu")
    assert np.isnan([found.loss, found.f1, found.auc]).all() and np.isnan(found.probs).all() and len(found.probs) == 4


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=40), st.integers(0, 5))
def test_watched_patches_are_labelled_distinct_and_of_both_classes(labels, seed):
    labels = np.array(labels, int)
    rows = watched(labels, seed)
    n_positive, n_other = int((labels == 1).sum()), int((labels == 0).sum())
    assert len(set(rows.tolist())) == len(rows) == min(8, n_positive + n_other)
    assert (labels[rows] >= 0).all() and (labels[rows] == 1).sum() >= min(4, n_positive)
    assert (labels[rows] == 0).sum() >= min(4, n_other)
    assert (np.diff(labels[rows]) <= 0).all() and rows.tolist() == watched(labels, seed).tolist()
