"""Occlusion finds the band that is used, and its sums are those one gets by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DataError, FormatError, LabelError
from core.explain.occlusion import band_importance, occlude_bands


def patches(n: int = 6, bands: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, bands, 3, 3)).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3), st.integers(1, 7))
def test_the_only_band_a_model_uses_ranks_first(band, batch_size):
    images = patches() + 1.0

    def predict(batch):
        return 1 / (1 + np.exp(-batch[:, band].mean(axis=(1, 2))))

    p0, p_b = occlude_bands(predict, images, np.zeros(4), batch_size)
    found = band_importance(p0, p_b, np.ones(6))
    assert int(np.argmax(found.drop_mean)) == band
    np.testing.assert_array_equal(np.delete(found.drop_sum, band), 0.0)  # the others lose nothing, exactly


def test_drops_of_a_linear_model_are_weight_times_distance_from_the_fill():
    weights, fill, images = np.array([0.5, -1.0, 0.0, 2.0]), np.array([0.1, -0.2, 5.0, 0.3]), patches()
    means = images.mean(axis=(2, 3), dtype=np.float64)  # (N, C)
    p0, p_b = occlude_bands(lambda batch: batch.mean(axis=(2, 3)) @ weights, images, fill, batch_size=4)
    np.testing.assert_allclose(p0, means @ weights, atol=1e-5)
    np.testing.assert_allclose(p0 - p_b, (weights * (means - fill)).T, atol=1e-5)


def test_predictions_may_have_any_further_axes():
    p0, p_b = occlude_bands(lambda batch: batch[:, :2], patches(), np.zeros(4), batch_size=4)
    assert p0.shape == (6, 2, 3, 3) and p_b.shape == (4, 6, 2, 3, 3)
    np.testing.assert_array_equal(p0, patches()[:, :2])  # a view of the batch was answered, and kept safe
    assert (p_b[0, :, 0] == 0).all() and (p_b[1, :, 1] == 0).all()


def test_patches_are_left_as_they_were():
    images = patches()
    occlude_bands(lambda batch: batch.sum(axis=(1, 2, 3)), images, np.full(4, 9.0))
    np.testing.assert_array_equal(images, patches())


def test_both_sums_are_given_over_landslides_only():
    p0, p_b = np.array([0.9, 0.7, 0.4]), np.array([[0.5, 0.6, 0.0], [0.9, 0.8, 1.0]])
    found = band_importance(p0, p_b, np.array([1, 1, 0]))
    assert found.n == 2
    np.testing.assert_allclose(found.drop_sum, [0.5, -0.1])
    np.testing.assert_allclose(found.drop_mean, [0.25, -0.05])
    np.testing.assert_allclose(found.paper_sum, [0.9, 0.3])  # the paper takes p0 to be 1
    assert (found.lo <= found.drop_mean).all() and (found.drop_mean <= found.hi).all()


def test_interval_has_the_width_of_a_mean_and_respects_groups():
    drops = np.random.default_rng(0).normal(0.2, 0.1, 100)
    alone = band_importance(drops, np.zeros((1, 100)), np.ones(100))
    error = drops.std() / 10
    assert alone.lo[0] == pytest.approx(drops.mean() - 1.96 * error, abs=0.004)
    assert alone.hi[0] == pytest.approx(drops.mean() + 1.96 * error, abs=0.004)
    four = band_importance(np.repeat(drops, 4), np.zeros((1, 400)), np.ones(400), np.repeat(np.arange(100), 4))
    np.testing.assert_allclose([four.lo, four.hi], [alone.lo, alone.hi])
    single = band_importance(drops, np.zeros((1, 100)), np.ones(100), np.zeros(100))
    assert np.isnan(single.lo[0]) and np.isnan(single.hi[0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(FormatError, match="one value a band"):
        occlude_bands(lambda batch: batch, patches(), np.zeros(3))
    with pytest.raises(LabelError, match="No patch is labelled landslide"):
        band_importance(np.zeros(2), np.zeros((1, 2)), np.array([0, -1]))
    with pytest.raises(DataError, match="shapes disagree"):
        band_importance(np.zeros(2), np.zeros((1, 3)), np.zeros(2))


def test_no_patches_give_no_predictions():
    p0, p_b = occlude_bands(lambda batch: batch.sum(axis=(1, 2, 3)), patches(0), np.zeros(4))
    assert p0.shape == (0,) and p_b.shape == (4, 0)
