"""t-SNE places its training part, the same each time, and later patches among their nearest."""

import numpy as np

from core.config import EmbedConfig
from core.embed.projection import fit_projection
from core.embed.tsne import between_neighbours, fit_tsne


def test_tsne_says_that_it_cannot_project_and_puts_later_patches_among_their_neighbours():
    labels = np.arange(60) % 2
    features = (np.random.default_rng(0).normal(size=(60, 8)) + 12.0 * labels[:, None]).astype(np.float32)
    settings = EmbedConfig(method="tsne", metric="euclidean")
    found = fit_projection(features, np.arange(45), settings, seed=1)
    assert found.method == "tsne" and "no way to place" in found.note and np.isfinite(found.xy).all()
    centres = np.stack([found.xy[:45][labels[:45] == k].mean(axis=0) for k in (0, 1)])
    nearest = np.linalg.norm(found.xy[:, None] - centres, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, labels)
    again = fit_projection(features, np.arange(45), settings, seed=1)
    np.testing.assert_array_equal(found.xy, again.xy)


def test_a_later_patch_stands_at_the_weighted_mean_of_its_neighbours():
    learnt = np.array([[0.0], [1.0], [100.0], [101.0], [102.0], [103.0]])
    xy = np.array([[0.0, 0], [2, 0], [50, 0], [50, 0], [50, 0], [50, 0]], np.float32)
    at_first, between = between_neighbours(np.array([[0.0], [0.5]]), learnt, xy)
    assert 0 < at_first[0] < 20 and at_first[0] < between[0] + 20  # the far ones count little
    of_two = between_neighbours(learnt[:1], learnt[:2], xy[:2])[0, 0]
    np.testing.assert_allclose(of_two, 2 * np.exp(-2) / (1 + np.exp(-2)))  # as wide as half the farther distance


def test_a_perplexity_too_large_for_the_patches_is_lowered():
    xy, place = fit_tsne(np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32), 30.0, seed=0)
    assert xy.shape == (8, 2) and np.isfinite(xy).all() and place(np.zeros((2, 3), np.float32)).shape == (2, 2)
