"""The projection is fitted on the training part, repeatable, and works with a handful of patches too."""

import math

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from core.config import EmbedConfig
from core.embed.features import Preparation
from core.embed.projection import fit_projection
from core.errors import DataError


def clusters(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two far groups in six dimensions, with two features that never vary."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    features = rng.normal(size=(n, 8)) + 12.0 * labels[:, None]
    features[:, 6:] = 0.3
    return features.astype(np.float32), labels


EUCLIDEAN = EmbedConfig(metric="euclidean")
# UMAP's functions are compiled for ten seconds in every process: umap-learn keeps none of them on disk.
compiles_umap = pytest.mark.slow
TRAIN = np.arange(45)[::-1]  # any order: places must come back in the order of the embeddings


@pytest.fixture(scope="module")
def drawn():
    return fit_projection(clusters()[0], TRAIN, EUCLIDEAN, seed=3)


@compiles_umap
def test_every_patch_has_a_place_and_neighbours_stay_together(drawn):
    _, labels = clusters()
    assert drawn.xy.shape == (60, 2) and drawn.xy.dtype == np.float32 and np.isfinite(drawn.xy).all()
    assert drawn.method == "umap" and drawn.note == "" and 0.8 < drawn.trustworthiness <= 1
    centres = np.stack([drawn.xy[:45][labels[:45] == k].mean(axis=0) for k in (0, 1)])
    nearest = np.linalg.norm(drawn.xy[:, None] - centres, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, labels)  # those laid in afterwards fall to their own group too


@compiles_umap
def test_the_same_seed_gives_the_same_projection(drawn):
    again = fit_projection(clusters()[0], TRAIN, EUCLIDEAN, seed=3)
    np.testing.assert_array_equal(again.xy, drawn.xy)
    assert again.trustworthiness == drawn.trustworthiness


@compiles_umap
def test_held_out_patches_do_not_move_the_projection(drawn):
    moved = clusters()[0]
    moved[45:] += 5.0
    again = fit_projection(moved, TRAIN, EUCLIDEAN, seed=3)
    np.testing.assert_array_equal(again.xy[:45], drawn.xy[:45])


@compiles_umap
def test_scale_of_a_feature_does_not_matter_to_standardised_distances():
    scaled = clusters()[0] * np.float32([1, 1024, 1, 1, 1 / 64, 1, 1, 1])  # powers of two: exact
    first, second = (fit_projection(rows, TRAIN, EUCLIDEAN, seed=3).xy for rows in (clusters()[0], scaled))
    np.testing.assert_allclose(first, second, atol=1e-3)


@compiles_umap
def test_length_of_an_embedding_does_not_matter_to_cosine():
    longer = clusters()[0] * (2.0 ** (np.arange(60) % 3))[:, None]  # powers of two: exact
    first, second = (fit_projection(rows, TRAIN, seed=3).xy for rows in (clusters()[0], longer))
    np.testing.assert_allclose(first, second, atol=1e-3)


@compiles_umap
def test_placing_a_patch_again_gives_its_place_and_moves_nothing(drawn):
    before = drawn.xy.copy()
    np.testing.assert_allclose(drawn.place(clusters()[0][45:]), drawn.xy[45:], atol=1e-4)
    np.testing.assert_array_equal(drawn.xy, before)


@compiles_umap
def test_trustworthiness_is_scikit_learns(drawn):
    rows = Preparation.fit(clusters()[0], TRAIN, "euclidean").rows(clusters()[0])
    assert drawn.trustworthiness == pytest.approx(trustworthiness(rows[TRAIN], drawn.xy[TRAIN], n_neighbors=15))
    others = np.arange(45, 60)
    assert drawn.placed == pytest.approx(trustworthiness(rows[others], drawn.xy[others], n_neighbors=7))


@pytest.mark.fault(20)
@compiles_umap
@pytest.mark.parametrize("n_train", [5, 6, 9])
def test_neighbours_are_lowered_to_what_there_is(n_train):
    found = fit_projection(clusters()[0], np.arange(n_train))
    assert found.method == "umap" and np.isfinite(found.xy).all()


@pytest.mark.parametrize("n_train", [1, 2, 3, 4])
def test_too_few_training_patches_give_a_pca_that_says_so(n_train):
    found = fit_projection(clusters()[0], np.arange(n_train))
    assert found.method == "pca" and f"Only {n_train} training patches" in found.note
    assert found.xy.shape == (60, 2) and np.isfinite(found.xy).all()


def test_pca_finds_the_axis_of_spread():
    line = np.outer([-1.0, 0.0, 1.0, 2.0], [1.0, 1.0, 1.0])
    found = fit_projection(line, np.arange(3), EUCLIDEAN)
    steps = np.diff(found.xy, axis=0)
    np.testing.assert_allclose(steps[:, 1], 0, atol=1e-6)
    np.testing.assert_allclose(steps[:, 0], np.sqrt(3 * 3 / 2), rtol=1e-5)  # standardised: one step is 1 / sqrt(2/3)


def test_pca_is_scikit_learns():
    rows = Preparation.fit(clusters()[0], TRAIN).rows(clusters()[0])
    found = fit_projection(clusters()[0], TRAIN, EmbedConfig(method="pca"))
    expected = PCA(2, svd_solver="full").fit(rows[TRAIN]).transform(rows)
    np.testing.assert_allclose(np.abs(found.xy), np.abs(expected), atol=1e-4)  # the sign is free
    assert found.method == "pca" and found.note == ""


@compiles_umap
def test_awkward_embeddings_are_mapped_all_the_same():
    features = clusters()[0]
    repeated, far = np.repeat(features[:20], 3, axis=0), features.copy()
    far[50] = 1e6
    for awkward in (features[:, :1], repeated, far, (features > 1).astype(np.float32)):
        assert np.isfinite(fit_projection(awkward, TRAIN, EUCLIDEAN).xy).all()


def test_equal_embeddings_give_one_place_and_a_note():
    found = fit_projection(np.full((20, 4), 0.1), np.arange(15))
    assert (found.xy == 0).all() and "equal" in found.note


def test_one_patch_has_no_trustworthiness():
    assert math.isnan(fit_projection(np.zeros((1, 3)), np.array([0])).trustworthiness)


@compiles_umap
def test_everything_in_training_leaves_nothing_to_lay_in():
    assert fit_projection(clusters(12)[0], np.arange(12)).xy.shape == (12, 2)


def test_what_cannot_be_mapped_is_refused():
    broken = clusters()[0]
    broken[3, 0] = np.nan
    with pytest.raises(DataError, match="1 of 60 embeddings are not finite"):
        fit_projection(broken, TRAIN)
    with pytest.raises(DataError, match="training part is empty"):
        fit_projection(clusters()[0], np.array([], dtype=int))
