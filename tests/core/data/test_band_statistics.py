import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from core.data import band_statistics as band_statistics_module
from core.data.band_statistics import FULL_NAMES, NAMES, band_statistics, full_statistics
from core.data.bands import ZINDI_BANDS


def test_columns_are_what_their_names_say():
    images = np.random.default_rng(0).normal(size=(70, 2, 8, 8)).astype(np.float32)
    columns = [f"{band}_{name}" for band in ("red", "vv") for name in NAMES]
    features = dict(zip(columns, band_statistics(images).T, strict=True))
    vv = images[:, 1].reshape(70, -1)
    np.testing.assert_allclose(features["vv_mean"], vv.mean(1), atol=1e-6)
    np.testing.assert_allclose(features["vv_std"], vv.std(1), atol=1e-6)
    for name, q in [("q01", 1), ("q05", 5), ("q25", 25), ("q50", 50), ("q75", 75), ("q95", 95), ("q99", 99)]:
        np.testing.assert_allclose(features[f"red_{name}"], np.percentile(images[:, 0], q, axis=(1, 2)), atol=1e-6)


@given(arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 70)), elements=st.floats(-1e6, 1e6, width=32)))
def test_quantiles_are_the_very_numbers_of_numpy(values):
    shares = np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
    found = band_statistics_module._quantiles(values, shares)
    np.testing.assert_array_equal(found.astype(np.float32), np.quantile(values, shares, axis=-1).astype(np.float32))


def test_nodata_and_non_finite_pixels_are_left_out():
    images = np.random.default_rng(0).normal(5, 1, size=(2, 2, 4, 4)).astype(np.float32)
    expected = band_statistics(images[:, :, 1:])
    images[0, :, 0], images[1, :, 0] = np.inf, np.nan
    np.testing.assert_allclose(band_statistics(images), expected, rtol=1e-6)


def test_a_patch_without_data_gives_zeros_and_changes_no_other():
    images = np.random.default_rng(0).normal(5, 1, size=(3, 2, 4, 4)).astype(np.float32)
    expected = band_statistics(images)
    images[1] = np.nan
    features = band_statistics(images)
    assert (features[1] == 0).all()
    np.testing.assert_array_equal(features[[0, 2]], expected[[0, 2]])


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (2, 2, 3, 3), elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf])))
def test_features_are_always_finite(images):
    features = band_statistics(images)
    assert features.shape == (2, 18) and features.dtype == np.float32
    assert np.isfinite(features).all()


def test_rich_statistics_of_a_patch_do_not_depend_on_its_neighbours_in_the_batch():
    images = np.random.default_rng(4).uniform(0, 255, size=(5, 3, 16, 16)).astype(np.float32)
    order = np.array([3, 0, 4, 2, 1])
    names = ("red", "green", "blue")
    together = band_statistics_module.rich_statistics(images, names)
    assert together.shape == (5, 18 * (3 + 4)) and np.isfinite(together).all()
    np.testing.assert_array_equal(band_statistics_module.rich_statistics(images[order], names), together[order])
    np.testing.assert_array_equal(band_statistics_module.rich_statistics(images[2:3], names), together[2:3])
    np.testing.assert_allclose(together[:, :27], band_statistics_module.band_statistics(images), rtol=1e-6)


def test_rich_statistics_leave_out_what_plain_ones_do():
    rng = np.random.default_rng(4)
    names = ("red", "green", "blue")
    images = rng.uniform(100, 120, size=(3, 3, 20, 20)).astype(np.float32)
    whole = band_statistics_module.rich_statistics(images, names)
    dirty = images.copy()
    dirty[0, :, :7] = np.nan  # a swath that was not seen
    dirty[1, 1, 3, 3] = np.inf
    rich = band_statistics_module.rich_statistics(dirty, names)
    np.testing.assert_array_equal(rich[2], whole[2])
    np.testing.assert_array_equal(rich[:, :27], band_statistics(dirty))
    # Counted as 0, a third of the pixels would pull every mean and quantile down; so would the smoothed border.
    lowest = rich[0].reshape(2, 7, 9)[:, :3, NAMES.index("q01")]
    assert (lowest >= 99).all() and (rich[0].reshape(2, 7, 9)[:, :3, 0] > 105).all()
    assert np.isfinite(rich).all()


def full(images, names):
    """(N, C + J, 15) by channel."""
    table = full_statistics(images, names)
    return table.reshape(len(images), -1, len(FULL_NAMES))


def test_the_full_set_by_hand():
    values = np.array([[0, 0], [0, 4]], np.float32)  # mean 1, deviations -1 -1 -1 3: m2 3, m3 6, m4 21
    found = dict(zip(FULL_NAMES, full(values[None, None], ("nir",))[0, 0], strict=True))
    assert (found["min"], found["max"], found["mean"], found["q50"]) == (0, 4, 1, 0)
    assert found["skewness"] == np.float32(6 / 3**1.5) and found["kurtosis"] == np.float32(21 / 9 - 3)
    three, one = 0.75 * np.log2(4 / 3), 0.25 * np.log2(4)  # three pixels in one bin, one in another
    np.testing.assert_allclose(found["entropy"], three + one, rtol=1e-6)
    assert found["gradient"] == 2.0, "two pairs of four differ, by 4"


def test_the_full_set_is_scipys_on_twelve_bands_and_their_indices():
    rng = np.random.default_rng(1)
    names = tuple(band.name for band in ZINDI_BANDS)
    images = rng.gamma(2.0, 500.0, size=(70, 12, 8, 8)).astype(np.float32)
    found = full(images, names)
    assert found.shape == (70, 12 + 9, 15)
    pixels = images.reshape(70, 12, -1).astype(np.float64)
    own = found[:, :12]
    np.testing.assert_array_equal(own[..., :9].reshape(70, -1), band_statistics(images))
    np.testing.assert_allclose(own[..., FULL_NAMES.index("skewness")], stats.skew(pixels, axis=2), rtol=1e-4)
    np.testing.assert_allclose(own[..., FULL_NAMES.index("kurtosis")], stats.kurtosis(pixels, axis=2), rtol=1e-3)
    counts = np.histogram(pixels[3, 5], bins=32)[0]
    entropy = own[3, 5, FULL_NAMES.index("entropy")]
    np.testing.assert_allclose(entropy, stats.entropy(counts, base=2), rtol=1e-5)
    ndvi = (images[:, 3] - images[:, 0]) / (images[:, 3] + images[:, 0])
    np.testing.assert_allclose(found[:, 12 + 4, 0], ndvi.mean(axis=(1, 2)), rtol=1e-4)
    ratio = (images[:, 4] - images[:, 5]).mean(axis=(1, 2))
    np.testing.assert_allclose(found[:, 12 + 7, 0], ratio, rtol=1e-3, atol=0.05)


def test_what_is_missing_is_left_out_of_the_full_set_and_patches_do_not_depend_on_each_other():
    rng = np.random.default_rng(2)
    images = rng.uniform(10, 20, size=(3, 3, 6, 6)).astype(np.float32)
    names = ("red", "green", "blue")
    whole = full(images, names)
    images[1, 0, 0, 0], images[2] = np.inf, np.nan
    found = full(images, names)
    np.testing.assert_array_equal(found[0], whole[0])
    assert (found[2] == 0).all() and np.isfinite(found).all()
    kept = images[1, 0].ravel()[1:].astype(np.float64)
    place = [FULL_NAMES.index(name) for name in ("min", "max", "skewness", "entropy", "gradient")]
    across = np.abs(np.diff(images[1, 0], axis=1)).ravel()
    down = np.abs(np.diff(images[1, 0], axis=0)).ravel()
    steps = np.concatenate([across, down])
    expected = [
        kept.min(), kept.max(), stats.skew(kept), stats.entropy(np.histogram(kept, 32)[0], base=2),
        steps[np.isfinite(steps)].mean(),
    ]  # fmt: skip
    np.testing.assert_allclose(found[1, 0, place], expected, rtol=1e-4)
    np.testing.assert_array_equal(found[1, 1], whole[1, 1])


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, (2, 2, 3, 3), elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf])))
def test_the_full_set_is_always_finite(images):
    assert np.isfinite(full(images, ("nir", "red"))).all()
