"""UMAP from places that repeat, and later patches on what was fitted before."""

import numpy as np
import pytest

from core.embed.umap_projection import fit_umap, starting_places, umap_around


def two_groups(n: int = 60) -> np.ndarray:
    """Two far groups in eight dimensions; the first 45 rows are the training part."""
    rows = np.random.default_rng(0).normal(size=(n, 8)) + 12.0 * (np.arange(n) % 2)[:, None]
    return rows.astype(np.float32)


def test_starting_places_are_the_principal_components_and_part_equal_patches():
    start = starting_places(two_groups(), seed=1)
    assert start.shape == (60, 2) and start.dtype == np.float32 and 9.9 < np.abs(start).max() < 10.1
    np.testing.assert_array_equal(start, starting_places(two_groups(), seed=1))
    line = starting_places(np.repeat(np.arange(3.0)[:, None], 2, axis=0), seed=0)  # one dimension, each row twice
    assert len(np.unique(line, axis=0)) == 6


@pytest.mark.slow  # compiles UMAP
def test_a_umap_that_was_fitted_before_takes_later_patches_without_being_optimised_again():
    learnt, later = np.split(two_groups(), [45])
    xy, place = fit_umap(learnt, 15, 0.1, seed=3)
    expected = place(later)
    extent = np.ptp(xy, axis=0).max()
    np.testing.assert_allclose(umap_around(learnt, xy, 15, 0.1, seed=3)(later), expected, atol=0.05 * extent)
    moved = umap_around(learnt, xy + 100, 15, 0.1, seed=3)(later)
    assert (np.abs(moved - 100 - expected) < 0.5 * extent).all()  # around the places that it was given
    assert place(later[:0]).shape == (0, 2)
