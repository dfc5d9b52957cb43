"""How alone patches are in their own fold's space, and which lie together; nothing crosses from fold to fold."""

import numpy as np
import pytest

from core.review.patch_spaces import look


def space(n=60, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 4))


def test_a_copy_is_not_unique_and_a_far_one_is_an_outlier():
    rows, fold_of = space(), np.arange(60) % 2
    rows[[2, 4, 6]] = rows[0]  # four equal ones in fold 0
    rows[8] = 50.0
    found = look(fold_of, lambda fold: rows, "euclidean")
    assert found.uniqueness[[0, 2, 4, 6]] == pytest.approx(0, abs=1e-5)
    assert found.uniqueness.argmax() == 8 == found.outlier.argmax() and found.outlier[8] > 5


def test_the_typical_patch_of_each_fold_is_one_whatever_its_space():
    """The second fold's space is a thousand times wider, which says nothing."""
    fold_of = np.arange(60) % 2
    found = look(fold_of, lambda fold: space() * 1000**fold + 7 * fold, "euclidean")
    for fold in (0, 1):
        assert np.median(found.uniqueness[fold_of == fold]) == pytest.approx(1)
        assert np.median(found.outlier[fold_of == fold]) == pytest.approx(1)


def test_by_hand():
    """Held out 0, 1 and 5 on a line; learnt from 0 alone, ten times: the distances are 0, 1 and 5, their median 1."""
    rows = np.concatenate([np.array([[0.0], [1], [5]]), np.linspace(-1e-9, 1e-9, 10)[:, None], [[1.0]]])
    fold_of = np.array([0, 0, 0] + [1] * 10 + [-1])
    found = look(fold_of, lambda fold: np.concatenate([rows, 0 * rows], axis=1), "euclidean")
    assert found.outlier[:3] == pytest.approx([0, 1, 5], abs=1e-4)
    assert found.uniqueness[:3] == pytest.approx(np.array([3, 2.5, 4.5]) / 3)  # means of 1 and 5, 1 and 4, 5 and 4
    assert np.isnan(found.uniqueness[-1]) and found.cluster[-1] == -1


def test_heaps_are_clusters_of_their_fold():
    centres = np.array([[0.0, 9], [9, 0], [-9, -9]])
    heap = np.arange(240) % 3
    rows = centres[heap] + np.random.default_rng(0).normal(size=(240, 2))
    fold_of = (np.arange(240) // 3) % 2
    found = look(fold_of, lambda fold: rows, "euclidean")
    for fold in (0, 1):
        mine = found.cluster[fold_of == fold]
        assert len({(a, b) for a, b in zip(mine, heap[fold_of == fold], strict=True)}) == 3 == len(set(mine.tolist()))


@pytest.mark.parametrize("rows", [np.ones((200, 3)), np.ones((3, 3))])
def test_equal_patches_and_small_folds_are_no_trouble(rows):
    found = look(np.arange(len(rows)) % 2, lambda fold: rows)
    assert np.isnan(found.outlier).all() and (found.cluster <= 1).all()
