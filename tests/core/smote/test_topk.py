import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from core.errors import ConfigError, FormatError
from core.smote.preselect import nearest, nearest_preselected
from core.smote.resample import copies_of, synthesise
from core.smote.ssim import pairwise_ssim
from core.smote.topk import _Best, listed_ssim, nearest_of_anchors, nearest_patches


def _patches(n=23, bands=2, height=16, width=19, seed=0):
    return np.random.default_rng(seed).normal(size=(n, bands, height, width)).astype(np.float32)


def _by_hand(similarity, copies, k):
    best = _Best(len(similarity), k, np.asarray(copies))
    best.merge(slice(0, len(similarity)), slice(0, len(similarity)), np.asarray(similarity))
    return best.found()


def _full(images, k, valid=None, copies=None):
    """The same from the matrix of all pairs."""
    n = len(images)
    return _by_hand(pairwise_ssim(images, 6.0, valid), np.arange(n) if copies is None else copies, k)


def test_neighbours_are_the_most_similar_others_by_hand():
    similarity = [[1.0, 0.9, 0.1, 0.5], [0.9, 1.0, 0.2, 0.3], [0.1, 0.2, 1.0, 0.2], [0.5, 0.3, 0.2, 1.0]]
    found = _by_hand(similarity, range(4), 2)
    assert found.index.tolist() == [[1, 3], [0, 3], [1, 3], [0, 1]]  # row 2: a tie of 1 and 3, the lower one first
    assert found.counts.tolist() == [2, 2, 2, 2]


def test_neighbours_leave_out_copies_by_hand():
    found = _by_hand([[1.0, 1.0, 0.3], [1.0, 1.0, 0.3], [0.3, 0.3, 1.0]], [0, 0, 2], 5)
    assert found.index.tolist() == [[2, -1], [2, -1], [0, 1]]
    assert found.counts.tolist() == [1, 1, 2] and found.ssim[0].tolist() == pytest.approx([0.3, -1.0])


@pytest.mark.parametrize("device", [None, torch.device("cpu")])
@pytest.mark.parametrize("tile", [5, 8, 23, 64])
def test_tiles_find_what_the_matrix_of_all_pairs_finds(device, tile, monkeypatch):
    monkeypatch.setattr("core.smote.topk.SMALL", 0)
    images = np.concatenate([_patches(), _patches()[:2]])
    copies, expected = copies_of(images), _full(images, 4, copies=copies_of(images))
    found = nearest_patches(images, 6.0, 4, copies=copies, tile=tile, device=device)
    assert found.ssim == pytest.approx(expected.ssim, abs=1e-5)
    same = pairwise_ssim(images, 6.0)[np.arange(len(images))[:, None], found.index]
    assert same == pytest.approx(expected.ssim, abs=1e-5)  # the same neighbours, but for copies of one another
    assert not (copies[found.index] == copies[:, None]).any()


@pytest.mark.parametrize("device", [None, torch.device("cpu")])
def test_pixels_without_data_are_left_out_of_every_tile(device, monkeypatch):
    monkeypatch.setattr("core.smote.topk.SMALL", 0)
    images, valid = _patches(9), np.ones((9, 16, 19), bool)
    valid[1, :4], valid[5, :, 9:], valid[8] = False, False, False
    expected = _full(images, 3, valid)
    found = nearest_patches(images, 6.0, 3, valid=valid, tile=4, device=device)
    assert np.array_equal(found.index, expected.index) and found.ssim == pytest.approx(expected.ssim, abs=1e-5)
    assert found.counts[8] == 0 and not (found.index == 8).any()


def test_left_out_windows_are_those_of_scikit_images_map_that_touch_such_pixels():
    x, y = _patches(2, bands=1)
    valid = np.ones((2, 16, 19), bool)
    valid[0, 2, 3] = valid[1, 11, 15] = False
    _, full = structural_similarity(x[0], y[0], data_range=6.0, full=True)
    kept = [full[i, j] for i in range(3, 13) for j in range(3, 16) if valid[:, i - 3 : i + 4, j - 3 : j + 4].all()]
    assert pairwise_ssim(np.stack([x, y]), 6.0, valid)[0, 1] == pytest.approx(np.mean(kept), abs=1e-5)


def test_what_lies_under_pixels_without_data_does_not_matter():
    images, valid = _patches(4), np.ones((4, 16, 19), bool)
    valid[0, :5, :5] = False
    other = images.copy()
    other[0, :, :5, :5] = 3.0
    assert pairwise_ssim(other, 6.0, valid) == pytest.approx(pairwise_ssim(images, 6.0, valid), abs=1e-5)


def test_listed_pairs_and_anchors_equal_the_matrix():
    images, valid = _patches(12), np.ones((12, 16, 19), bool)
    valid[3, :, :6] = False
    for known in (None, valid):
        ssim, left, right = pairwise_ssim(images, 6.0, known), np.array([0, 3, 11]), np.array([5, 4, 3])
        assert listed_ssim(images, 6.0, left, right, known) == pytest.approx(ssim[left, right], abs=1e-6)
    anchors = np.array([2, 7])
    found = nearest_of_anchors(images, 6.0, anchors, 3, tile=5)
    assert np.array_equal(found.index, _full(images, 3).index[anchors])


def test_preselecting_everything_is_exact_in_one_band_and_nearly_in_many():
    images = _patches(40, bands=4)
    one, valid = images[:, :1], np.ones((40, 16, 19), bool)
    valid[3, :, :6], valid[9] = False, False
    for known in (None, valid):
        found = nearest_preselected(one, 6.0, 3, candidates=39, valid=known)
        assert np.array_equal(found.index, _full(one, 3, known).index)
        many, exact = nearest_preselected(images, 6.0, 3, candidates=39, valid=known), _full(images, 3, known)
        same = pairwise_ssim(images, 6.0, known)[np.arange(40)[:, None], many.index]
        assert many.ssim[many.index >= 0] == pytest.approx(same[many.index >= 0], abs=1e-6)  # of those found, exactly
        assert np.mean([len({*a} & {*b}) for a, b in zip(many.index, exact.index, strict=True)]) > 0.6 * 3  # noise
    assert (found.index[9] == -1).all() and not (found.index == 9).any()


def test_a_few_candidates_find_planted_pairs():
    ground = np.kron(_patches(20, height=4, width=5), np.ones((1, 1, 4, 4), np.float32))[..., :19]
    pairs = np.concatenate([ground, ground]) + 0.1 * _patches(40, seed=1)
    found = nearest_preselected(pairs, 6.0, 1, candidates=4)
    assert found.index[:, 0].tolist() == [*range(20, 40), *range(20)] == _full(pairs, 1).index[:, 0].tolist()


def test_without_others_there_are_no_neighbours_and_impossible_settings_are_refused():
    assert nearest_patches(_patches(1), 6.0, 3).index.shape == (1, 0)
    assert nearest_preselected(_patches(0), 6.0, 3).index.shape == (0, 0)
    with pytest.raises(ConfigError, match="at least one neighbour"):
        nearest_patches(_patches(3), 6.0, 0)
    with pytest.raises(FormatError, match="valid marks pixels"):
        pairwise_ssim(_patches(3), 6.0, np.zeros((3, 4, 4), bool))


def test_smote_preselects_only_where_there_are_too_many_patches_to_compare_all(monkeypatch):
    ground = np.kron(_patches(20, height=4, width=5), np.ones((1, 1, 4, 4), np.float32))[..., :19]
    pairs = np.concatenate([ground, ground]) + 0.1 * _patches(40, seed=1)
    assert np.array_equal(nearest(pairs, 6.0, 3).index, nearest_patches(pairs, 6.0, 3).index)
    assert synthesise(pairs, 40, k_neighbors=1, seed=0).exact
    monkeypatch.setattr("core.smote.preselect.EXACT", 39)
    assert np.array_equal(nearest(pairs, 6.0, 3).index, nearest_preselected(pairs, 6.0, 3).index)
    made = synthesise(pairs, 40, k_neighbors=1, seed=0)
    assert made.neighbour.tolist() == [*range(20, 40), *range(20)]
    assert not made.exact, "the record says that not all pairs were compared"
