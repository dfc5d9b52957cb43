"""Hardness and disagreement of heads, by hand."""

import numpy as np
import pytest

from core.review.hardness import disagreement, hardness


def test_by_hand():
    probs = np.array([[0.5, 0.25], [0.5, 0.25], [1.0, np.nan], [np.nan, np.nan]])
    labels = np.array([1, 0, 0, 1])
    half, quarter = np.log(2), np.log(4)
    expected = [(half + quarter) / 2, (half - np.log(0.75)) / 2, -np.log(1e-7), 0]
    assert hardness(labels, probs) == pytest.approx(expected)
    assert disagreement(probs) == pytest.approx([0.125, 0.125, 0, 0])
