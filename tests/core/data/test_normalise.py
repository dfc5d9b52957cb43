import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.data.normalise import Normaliser, fit_normaliser
from core.errors import ConfigError, FormatError

BANDS = ("red", "desc_vv")


def made(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.normal(1800, 1300, (n, 6, 5)), rng.normal(-10, 8, (n, 6, 5))], axis=1).astype(np.float32)


def test_standard_gives_mean_0_and_spread_1():
    images = made()
    out = fit_normaliser(images, "standard", BANDS).transform(images)
    assert out.dtype == np.float32 and out.shape == images.shape
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std((0, 2, 3)), 1, atol=1e-5)


def test_robust_is_median_and_width_between_the_5_and_95_percent_quantiles():
    values = np.arange(101, dtype=np.float32).reshape(1, 1, 1, 101)
    normaliser = fit_normaliser(values, "robust", ["red"])
    assert normaliser.center_.tolist() == [50.0] and normaliser.scale_.tolist() == [90.0]
    assert normaliser.transform(values)[0, 0, 0, [5, 50, 95]].tolist() == pytest.approx([-0.5, 0.0, 0.5])


@pytest.mark.parametrize("method", ["standard", "robust"])
def test_nodata_and_non_finite_are_neither_learnt_from_nor_kept(method):
    clean = made()
    dirty = np.concatenate([clean, np.zeros((3, 2, 6, 5), np.float32), np.full((2, 2, 6, 5), np.nan, np.float32)])
    dirty[-1, 0] = np.inf
    normaliser = fit_normaliser(dirty, method, BANDS, nodata=0.0)
    expected = fit_normaliser(clean, method, BANDS)
    np.testing.assert_allclose(normaliser.center_, expected.center_, rtol=1e-6)
    np.testing.assert_allclose(normaliser.scale_, expected.scale_, rtol=1e-6)
    assert (normaliser.transform(dirty)[20:] == 0).all()


def test_zero_in_one_band_only_is_a_value():
    images = made(4)
    images[0, 1, 0, 0] = 0.0
    out = fit_normaliser(images, "standard", BANDS, nodata=0.0).transform(images)
    assert out[0, 1, 0, 0] != 0.0


@pytest.mark.parametrize("method", ["standard", "robust"])
@pytest.mark.parametrize("value", [0.0, 7.0, 1e7, -3e-12])
def test_a_constant_band_keeps_scale_1(method, value):
    images = made(4)
    images[:, 1] = value
    normaliser = fit_normaliser(images, method, BANDS)
    assert normaliser.scale_[1] == 1.0
    assert np.abs(normaliser.transform(images)[:, 1]).max() == 0.0


def test_a_band_without_values_becomes_0():
    images = made(4)
    images[:, 1] = np.nan
    normaliser = fit_normaliser(images, "robust", BANDS)
    assert normaliser.center_[1] == 0 and normaliser.scale_[1] == 1
    assert (normaliser.transform(images)[:, 1] == 0).all()


def test_json_gives_the_same_numbers_bit_for_bit():
    images = made()
    normaliser = fit_normaliser(images, "standard", BANDS, nodata=0.0)
    again = Normaliser.from_json(normaliser.to_json())
    np.testing.assert_array_equal(again.transform(images), normaliser.transform(images))
    assert (again.method, again.band_names, again.nodata) == ("standard", BANDS, 0.0)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"method":"standard","band_names":["a"],"center":[0],"scale":[0]}'])
def test_damaged_json_is_told(text):
    with pytest.raises(FormatError, match="not a normaliser"):
        Normaliser.from_json(text)


def test_another_number_of_bands_is_refused_never_broadcast():
    normaliser = fit_normaliser(made(), "standard", BANDS)
    with pytest.raises(FormatError, match="2 bands red, desc_vv"):
        normaliser.transform(made()[:, :1])
    with pytest.raises(FormatError):
        fit_normaliser(made(), "standard", ["red"])
    with pytest.raises(ConfigError, match="standard, robust"):
        fit_normaliser(made(), "minmax", BANDS)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (3, 2, 4, 4)), st.sampled_from(["standard", "robust"]), st.sampled_from([None, 0.0]))
def test_whatever_comes_in_finite_numbers_come_out(images, method, nodata):
    normaliser = fit_normaliser(images, method, BANDS, nodata)
    assert np.isfinite(normaliser.transform(images)).all()


def test_bytes_are_accepted():
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 4, 4)).astype(np.uint8)
    assert np.isfinite(fit_normaliser(images, "standard", BANDS).transform(images)).all()
