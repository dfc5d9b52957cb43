import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.data.normalise import METHODS, MINMAX_WARNING, Normaliser, fit_normaliser
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


def test_robust_iqr_is_median_and_width_of_the_middle_half():
    values = np.arange(101, dtype=np.float32).reshape(1, 1, 1, 101)
    normaliser = fit_normaliser(values, "robust_iqr", ["red"])
    assert normaliser.center_.tolist() == [50.0] and normaliser.scale_.tolist() == [50.0]
    assert normaliser.transform(values)[0, 0, 0, [25, 50, 100]].tolist() == pytest.approx([-0.5, 0.0, 1.0])


def test_robust_widths_that_vanish_give_way_to_the_standard_deviation():
    values = np.zeros((1, 1, 10, 10), np.float32)
    values[..., 0, :2] = 100.0  # 98 of 100 are 0: every quantile but the highest is
    for method in ("robust", "robust_iqr"):
        normaliser = fit_normaliser(values, method, ["slope"])
        assert normaliser.center_[0] == 0 and normaliser.scale_[0] == pytest.approx(values.std())


def test_model_takes_what_the_backbone_expects_and_is_standard_elsewhere():
    images = made()
    given = {"red": (127.5, 63.75)}
    normaliser = fit_normaliser(images, "model", BANDS, given=given)
    plain = fit_normaliser(images, "standard", BANDS)
    assert (normaliser.center_[0], normaliser.scale_[0]) == (127.5, 63.75)
    assert (normaliser.center_[1], normaliser.scale_[1]) == (plain.center_[1], plain.scale_[1])
    np.testing.assert_array_equal(normaliser.mean_, plain.mean_)
    assert fit_normaliser(images, "standard", BANDS, given=given).center_[0] == plain.center_[0]
    with pytest.raises(ConfigError, match="needs red, green or blue in 0-255"):
        fit_normaliser(images, "model", BANDS)


def test_minmax_scales_each_patch_by_its_own_range():
    images = np.array(
        [[[[0.0, 5.0], [10.0, 2.5]]], [[[-4.0, -4.0], [4.0, 0.0]]], [[[7.0, 7.0], [7.0, 7.0]]]], np.float32
    )
    normaliser = fit_normaliser(images, "minmax", ["red"])
    expected = [[-0.5, 0.0, 0.5, -0.25], [-0.5, -0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(normaliser.transform(images).reshape(3, 4), expected, atol=1e-7)
    assert normaliser.units is None and "scaled by its own" in MINMAX_WARNING
    np.testing.assert_allclose(normaliser.transform(images[:1] * 3 + 8), normaliser.transform(images[:1]), atol=1e-6)


def test_minmax_leaves_nodata_and_infinity_out_of_a_patchs_range():
    images = np.array([[[[np.nan, 2.0], [np.inf, 4.0]], [[np.nan, 1.0], [1.0, 3.0]]]], np.float32)
    out = fit_normaliser(images, "minmax", BANDS).transform(images)[0]
    np.testing.assert_array_equal(out[0], [[0.0, -0.5], [0.0, 0.5]])
    np.testing.assert_array_equal(out[1], [[0.0, -0.5], [-0.5, 0.5]])


@pytest.mark.parametrize("method", ["standard", "robust", "robust_iqr", "model"])
def test_units_lead_back_to_the_values_that_came_in(method):
    images = made()
    normaliser = fit_normaliser(images, method, BANDS, given={"red": (5000.0, 2500.0)})
    center, scale = (values[:, None, None] for values in normaliser.units)
    np.testing.assert_allclose(normaliser.transform(images) * scale + center, images, rtol=1e-4, atol=1e-2)


@pytest.mark.fault(12)
@pytest.mark.parametrize("method", ["standard", "robust", "robust_iqr"])
def test_nodata_and_non_finite_are_neither_learnt_from_nor_kept(method):
    clean = made()
    dirty = np.concatenate(
        [clean, np.full((3, 2, 6, 5), np.nan, np.float32), np.full((2, 2, 6, 5), np.nan, np.float32)]
    )
    dirty[-1, 0] = np.inf
    normaliser = fit_normaliser(dirty, method, BANDS)
    expected = fit_normaliser(clean, method, BANDS)
    np.testing.assert_allclose(normaliser.center_, expected.center_, rtol=1e-6)
    np.testing.assert_allclose(normaliser.scale_, expected.scale_, rtol=1e-6)
    assert (normaliser.transform(dirty)[20:] == 0).all()


def test_zero_in_one_band_only_is_a_value():
    images = made(4)
    images[0, 1, 0, 0] = 0.0
    out = fit_normaliser(images, "standard", BANDS).transform(images)
    assert out[0, 1, 0, 0] != 0.0


@pytest.mark.fault(12)
@pytest.mark.parametrize("method", ["standard", "robust", "robust_iqr", "minmax"])
@pytest.mark.parametrize("value", [0.0, 7.0, 1e7, -3e-12])
def test_a_constant_band_keeps_scale_1(method, value):
    images = made(4)
    images[:, 1] = value
    normaliser = fit_normaliser(images, method, BANDS)
    assert normaliser.scale_[1] == 1.0
    assert np.abs(normaliser.transform(images)[:, 1]).max() == 0.0


@pytest.mark.fault(12)
def test_a_band_without_values_becomes_0():
    images = made(4)
    images[:, 1] = np.nan
    normaliser = fit_normaliser(images, "robust", BANDS)
    assert normaliser.center_[1] == 0 and normaliser.scale_[1] == 1
    assert (normaliser.transform(images)[:, 1] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_json_gives_the_same_numbers_bit_for_bit(method):
    images = made()
    normaliser = fit_normaliser(images, method, BANDS, given={"red": (0.485 * 255, 0.229 * 255)})
    again = Normaliser.from_json(normaliser.to_json())
    np.testing.assert_array_equal(again.transform(images), normaliser.transform(images))
    np.testing.assert_array_equal(again.mean_, normaliser.mean_)
    assert (again.method, again.band_names) == (method, BANDS)


def test_a_normaliser_of_the_first_version_is_read_its_centre_standing_for_the_mean():
    card = json.loads(fit_normaliser(made(), "standard", BANDS).to_json())
    del card["mean"]
    again = Normaliser.from_json(json.dumps(card))
    np.testing.assert_array_equal(again.mean_, again.center_)
    with pytest.raises(FormatError, match="'log' is no method"):
        Normaliser.from_json(json.dumps(card | {"method": "log"}))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"method":"standard","band_names":["a"],"center":[0],"scale":[0]}'])
def test_damaged_json_is_told(text):
    with pytest.raises(FormatError, match="not a normaliser"):
        Normaliser.from_json(text)


@pytest.mark.fault(13)
def test_another_number_of_bands_is_refused_never_broadcast():
    normaliser = fit_normaliser(made(), "standard", BANDS)
    with pytest.raises(FormatError, match="2 bands red, desc_vv"):
        normaliser.transform(made()[:, :1])
    with pytest.raises(FormatError):
        fit_normaliser(made(), "standard", ["red"])
    with pytest.raises(ConfigError, match="no normalisation 'log'. Accepted: standard, robust"):
        fit_normaliser(made(), "log", BANDS)


@pytest.mark.fault(12)
@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (3, 2, 4, 4)), st.sampled_from(METHODS))
def test_whatever_comes_in_finite_numbers_come_out(images, method):
    normaliser = fit_normaliser(images, method, BANDS, given={"red": (0.5, 0.25)})
    out = normaliser.transform(images)
    assert np.isfinite(out).all()
    if method == "minmax":
        assert np.abs(out).max() <= 0.5


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, (4, 2, 5, 5), elements=st.floats(-1e4, 1e4, width=32)),
    st.sampled_from(METHODS),
    st.permutations(range(4)),
)
def test_a_patch_is_normalised_the_same_whatever_stands_beside_it(images, method, order):
    normaliser = fit_normaliser(images[:3], method, BANDS, given={"red": (0.5, 0.25)})
    np.testing.assert_array_equal(normaliser.transform(images[list(order)]), normaliser.transform(images)[list(order)])


def test_bytes_are_accepted():
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 4, 4)).astype(np.uint8)
    assert np.isfinite(fit_normaliser(images, "standard", BANDS).transform(images)).all()
