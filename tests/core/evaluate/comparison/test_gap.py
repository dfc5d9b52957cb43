import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.evaluate.comparison.gap import gap

RNG = np.random.default_rng(0)
N, K = 240, 3
LABELS = (np.arange(N) % 3 == 0).astype(np.int8)
FOLD_OF = np.arange(N) // 4 % K
GROUPS = np.array([f"g{i // 4}" for i in range(N)])  # whole groups lie in one fold


def called(error_in_training, error_unseen):
    """Each fold's decisions: wrong as often as the two shares say."""
    unseen = np.arange(K)[:, None] == FOLD_OF
    wrong = RNG.random((K, N)) < np.where(unseen, error_unseen, error_in_training)
    return np.where(wrong, 1 - LABELS, LABELS).astype(np.int8)


def out_of_fold(decisions):
    return decisions[FOLD_OF, np.arange(N)]


def test_f1_of_both_sides_is_scikit_learns_by_fold_and_pooled():
    decisions = called(0.05, 0.2)
    pred = out_of_fold(decisions)
    found = gap(LABELS, decisions, FOLD_OF, pred, GROUPS)
    for k, fold in enumerate(found.folds):
        train, val = FOLD_OF != k, FOLD_OF == k
        assert fold["train_f1"] == pytest.approx(f1_score(LABELS[train], decisions[k, train]))
        assert fold["f1"] == pytest.approx(f1_score(LABELS[val], pred[val]))
        assert fold["gap"] == pytest.approx(fold["train_f1"] - fold["f1"])
        assert (fold["n_train"], fold["n_val"]) == (160, 80)
    of_training = [(LABELS[FOLD_OF != k], decisions[k, FOLD_OF != k]) for k in range(K)]
    expected = f1_score(*(np.concatenate(parts) for parts in zip(*of_training, strict=True)))
    assert found.train_f1 == pytest.approx(expected) and found.n_train == 2 * N
    assert found.gap == pytest.approx(expected - f1_score(LABELS, pred))
    assert found.train_interval[0] < found.train_f1 < found.train_interval[1]
    assert 0 < found.gap_interval[0] < found.gap < found.gap_interval[1]


def test_a_head_that_learnt_nothing_by_heart_has_an_interval_around_no_gap():
    inside = 0
    for _ in range(40):
        decisions = called(0.15, 0.15)
        low, high = gap(LABELS, decisions, FOLD_OF, out_of_fold(decisions), GROUPS, n_boot=200).gap_interval
        inside += low <= 0 <= high
    assert inside >= 34  # 38 expected


def test_the_interval_is_as_wide_as_the_gap_varies():
    gaps, widths = [], []
    for _ in range(60):
        decisions = called(0.05, 0.2)
        found = gap(LABELS, decisions, FOLD_OF, out_of_fold(decisions), None, n_boot=200)
        gaps.append(found.gap)
        widths.append((found.gap_interval[1] - found.gap_interval[0]) / 3.92)
    assert np.mean(widths) == pytest.approx(np.std(gaps), rel=0.3)


def test_without_positives_the_gap_is_undefined_and_not_zero():
    nothing = np.zeros(N, np.int8)
    found = gap(nothing, np.zeros((K, N), np.int8), FOLD_OF, nothing, GROUPS)
    numbers = (found.train_f1, found.gap, *found.train_interval, *found.gap_interval, found.folds[0]["gap"])
    assert np.isnan(numbers).all() and found.n_train == 2 * N


def test_one_group_has_no_interval():
    decisions = called(0.05, 0.2)
    found = gap(LABELS, decisions, FOLD_OF, out_of_fold(decisions), np.full(N, "one"))
    assert np.isfinite(found.gap) and np.isnan(found.gap_interval).all()
