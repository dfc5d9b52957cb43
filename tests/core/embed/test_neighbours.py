"""Nearest neighbours are scikit-learn's, never the patch itself, and there also where there are few."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from core.embed.features import METRICS, Preparation
from core.embed.neighbours import nearest


@pytest.mark.parametrize("metric", METRICS)
def test_neighbours_are_scikit_learns_in_every_metric(metric):
    embeddings = np.random.default_rng(0).gamma(2.0, size=(700, 12)).astype(np.float32)
    train = np.arange(650)
    rows = Preparation.fit(embeddings, train, metric).rows(embeddings)
    found = nearest(rows[650:], rows[:650], 7)
    by = {"cosine": "cosine", "correlation": "correlation", "euclidean": "euclidean"}[metric]
    source = rows if metric == "euclidean" else embeddings
    distance, index = NearestNeighbors(n_neighbors=7, metric=by).fit(source[:650]).kneighbors(source[650:])
    np.testing.assert_array_equal(found.index, index)
    squared = found.distance**2 / 2 if metric != "euclidean" else found.distance  # |a - b|^2 = 2 (1 - cos)
    np.testing.assert_allclose(squared, distance, atol=1e-5)


def test_a_patch_is_not_its_own_neighbour_even_among_equal_ones():
    rows = np.zeros((6, 3), np.float32)
    found = nearest(rows[:3], rows, 5, leave_out=np.array([0, 1, -1]))
    assert not (found.index[0] == 0).any() and not (found.index[1] == 1).any()
    assert (found.distance == 0).all() and found.index.shape == (3, 5)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 8), k=st.integers(0, 12), seed=st.integers(0, 99))
def test_neighbours_come_nearest_first_and_each_once(n, k, seed):
    rng = np.random.default_rng(seed)
    found = nearest(rng.normal(size=(3, 4)), rng.normal(size=(n, 4)), k)
    assert found.index.shape == (3, min(n, k))
    assert (np.diff(found.distance, axis=1) >= 0).all()
    assert all(len(set(row)) == len(row) for row in found.index.tolist())
