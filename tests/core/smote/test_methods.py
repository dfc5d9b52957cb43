import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from core.config import SmoteConfig
from core.smote.methods import nearest_vectors, oversample, repeat
from core.smote.ssim import pairwise_ssim


def _patches(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2, 8, 8)).astype(np.float32)


def test_repeating_repeats_evenly():
    made = repeat(_patches(4), 10, seed=1)
    assert np.array_equal(made.images, _patches(4)[made.anchor]) and np.array_equal(made.anchor, made.neighbour)
    assert sorted(np.bincount(made.anchor)) == [2, 2, 3, 3] and (made.anchor_weight == 1).all()
    assert len(repeat(_patches(0), 5).images) == 0


def test_plain_neighbours_are_scikit_learns_and_carry_their_similarity():
    patches = _patches(15)
    expected = NearestNeighbors(n_neighbors=5).fit(patches.reshape(15, -1)).kneighbors(return_distance=False)
    found = nearest_vectors(patches, 5, 6.0)
    assert np.array_equal(found.index, expected)
    assert found.ssim == pytest.approx(np.take_along_axis(pairwise_ssim(patches, 6.0), expected, 1), abs=1e-6)


def test_plain_neighbours_leave_out_copies():
    patches = _patches(3)[[0, 0, 1, 2]]
    assert nearest_vectors(patches, 3, 6.0).counts.tolist() == [2, 2, 3, 3]


@pytest.mark.parametrize("method", ["ssim", "plain", "random"])
def test_every_way_makes_as_many_as_asked_the_same_with_the_same_seed(method):
    patches, config = _patches(9), SmoteConfig(method=method, k_neighbors=2)
    valid = np.ones((9, 8, 8), bool)
    made, again = (oversample(patches, 14, config, data_range=6.0, seed=4, valid=valid) for _ in range(2))
    assert np.array_equal(made.images, again.images) and len(made.images) == 14 and made.valid.all()
    w = made.anchor_weight[:, None, None, None]
    assert made.images == pytest.approx(w * patches[made.anchor] + (1 - w) * patches[made.neighbour], abs=1e-6)
    assert len(oversample(patches[:1], 0, config, data_range=6.0, seed=0).images) == 0
