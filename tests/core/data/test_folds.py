import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from core.data.folds import Folds, make_folds
from core.errors import FoldError


def made(n=100, n_groups=30, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random(n) < 0.3).astype(np.int8), np.array([f"g{i:02d}" for i in rng.integers(0, n_groups, n)])


def test_they_are_scikit_learns_folds():
    labels, groups = made()
    cases = [
        (make_folds(labels, groups, 5, 3), StratifiedGroupKFold(5, shuffle=True, random_state=3)),
        (make_folds(labels, groups, 5, 3, grouped=False), StratifiedKFold(5, shuffle=True, random_state=3)),
        (make_folds(labels, None, 5, 3), StratifiedKFold(5, shuffle=True, random_state=3)),
    ]
    for folds, theirs in cases:
        for k, (train, val) in enumerate(theirs.split(labels, labels, groups if folds.grouped else None)):
            np.testing.assert_array_equal(folds.train(k), train)
            np.testing.assert_array_equal(folds.val(k), val)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 99), st.integers(0, 99))
def test_every_labelled_patch_is_judged_once_and_no_group_is_divided(n_splits, seed, data_seed):
    labels, groups = made(seed=data_seed)
    labels[::7] = -1
    folds = make_folds(labels, groups, n_splits, seed)
    judged = np.concatenate([folds.val(k) for k in range(n_splits)])
    assert sorted(judged) == np.flatnonzero(labels >= 0).tolist()
    for k in range(n_splits):
        assert not set(groups[folds.train(k)]) & set(groups[folds.val(k)])
        assert len(folds.train(k)) + len(folds.val(k)) == (labels >= 0).sum()
    assert (folds.fold_of[labels < 0] == -1).all()


@pytest.mark.fault(22)
def test_the_same_seed_gives_the_same_folds_and_another_seed_others():
    labels, groups = made()
    np.testing.assert_array_equal(make_folds(labels, groups, 5, 1).fold_of, make_folds(labels, groups, 5, 1).fold_of)
    assert (make_folds(labels, groups, 5, 1).fold_of != make_folds(labels, groups, 5, 2).fold_of).any()


def test_json_survives_another_order_of_rows():
    labels, groups = made()
    ids = np.array([f"p{i}" for i in range(len(labels))])
    folds = make_folds(labels, groups, 4, 9)
    order = np.random.default_rng(0).permutation(len(ids))
    again = Folds.from_json(folds.to_json(ids), ids[order])
    np.testing.assert_array_equal(again.fold_of, folds.fold_of[order])
    assert (again.n_splits, again.seed, again.grouped) == (4, 9, True)
    with pytest.raises(FoldError, match="other patches"):
        Folds.from_json(folds.to_json(ids), ids[:-1])
    with pytest.raises(FoldError, match="damaged"):
        Folds.from_json("{", ids)


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_only_is_told_with_the_numbers(value):
    with pytest.raises(FoldError, match=f"{20 * value} positive and {20 * (1 - value)} negative"):
        make_folds(np.full(20, value), None, 5)


def test_no_labels_at_all_are_told():
    with pytest.raises(FoldError, match="0 positive and 0 negative"):
        make_folds(np.full(20, -1), None, 5)


def test_fewer_groups_than_folds_is_told():
    labels = np.tile([0, 1], 10)
    groups = np.repeat(["a", "b", "c"], [8, 6, 6])
    with pytest.raises(FoldError, match="5 folds cannot be drawn from 3 labelled groups"):
        make_folds(labels, groups, 5)
    assert make_folds(labels, groups, 3).n_splits == 3
    assert not make_folds(labels, groups, 5, grouped=False).grouped


def test_one_positive_patch_or_group_is_told():
    labels = np.zeros(20, int)
    labels[0] = 1
    with pytest.raises(FoldError, match="All 1 positive patches"):
        make_folds(labels, None, 5)
    labels[:4] = 1
    groups = np.array(["a"] * 4 + [f"g{i}" for i in range(16)])
    with pytest.raises(FoldError, match=r"All 4 positive patches would lie in one fold \(1 group\)"):
        make_folds(labels, groups, 5)


def test_a_fold_to_judge_may_lack_positives():
    labels = np.zeros(20, int)
    labels[:3] = 1
    folds = make_folds(labels, None, 5)
    with_positives = [k for k in range(5) if labels[folds.val(k)].any()]
    assert len(with_positives) == 3
    assert all(labels[folds.train(k)].sum() >= 2 for k in range(5))


def test_too_few_of_both_classes_is_told():
    with pytest.raises(FoldError, match="cannot be drawn"):
        make_folds(np.array([0, 0, 0, 1, 1, 1]), None, 5)


def test_unknown_folds_are_told():
    labels, _ = made()
    folds = make_folds(labels, None, 3)
    with pytest.raises(FoldError, match="0 to 2"):
        folds.val(3)
    with pytest.raises(FoldError, match="at least 2"):
        make_folds(labels, None, 1)
