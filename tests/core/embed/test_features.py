"""Rows between which Euclidean distance is the metric that was asked for."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from core.embed.features import Preparation
from core.errors import DataError


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(DataError, match="no metric 'city'"):
        Preparation.fit(np.ones((3, 2)), np.arange(3), "city")
    with pytest.raises(DataError, match="1 of 3 embeddings"):
        Preparation.fit(np.ones((3, 2)), np.arange(3)).rows(np.array([[1, 2], [np.inf, 1], [0, 0]]))
    with pytest.raises(DataError, match="training part is empty"):
        Preparation.fit(np.ones((3, 2)), np.arange(0))


def test_an_embedding_of_zeros_stays_finite():
    rows = Preparation.fit(np.ones((3, 2)), np.arange(3)).rows(np.zeros((1, 2)))
    assert (rows == 0).all()


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_half_the_squared_distance_of_rows_is_the_metric(metric):
    embeddings = np.random.default_rng(0).gamma(2.0, size=(20, 6))
    rows = Preparation.fit(embeddings, np.arange(20), metric).rows(embeddings)
    np.testing.assert_allclose(cdist(rows, rows) ** 2 / 2, cdist(embeddings, embeddings, metric), atol=1e-6)


def test_euclidean_is_standardised_by_the_training_part_alone():
    embeddings = np.array([[0.0, 5], [2, 5], [100, 9]])
    rows = Preparation.fit(embeddings, np.arange(2), "euclidean").rows(embeddings)
    np.testing.assert_allclose(rows, [[-1, 0], [1, 0], [99, 4]])  # the second feature never varies there
