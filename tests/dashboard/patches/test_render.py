"""Pictures of patches: what is shown must be what the numbers say."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from core.data.bands import Composite
from core.data.pictures import drawing
from dashboard.patches import render as view

NAMES = ("red", "green", "blue")
RGB = Composite("True colour", NAMES)
LIMITS = np.array([[0.0, 50.0, 100.0], [0.0, 100.0, 200.0], [-10.0, 0.0, 10.0]])


def quantiles(low: float, high: float) -> dict:
    """Statistics of a band whose values are spread evenly from low to high."""
    at = {"min": 0, "q01": 1, "q05": 5, "q25": 25, "q50": 50, "q75": 75, "q95": 95, "q99": 99, "max": 100}
    return {key: low + (high - low) * percent / 100 for key, percent in at.items()}


def test_dataset_limits_are_the_2nd_and_98th_percentile_of_an_even_band():
    assert view.dataset_limits([quantiles(0, 1000), quantiles(-50, 50)]) == pytest.approx(
        np.array([[20, 500, 980], [-48, 0, 48]])
    )


def test_constant_and_unknown_bands_have_limits_that_can_be_divided_by():
    limits = view.dataset_limits([quantiles(7, 7), {"min": None}])
    assert np.isfinite(limits).all()
    assert (limits[:, 2] > limits[:, 0]).all()


def test_patch_limits_leave_out_nodata_and_what_is_not_finite():
    image = np.full((2, 4, 4), np.nan)
    image[:, 1:] = np.arange(24).reshape(2, 3, 4) + 1.0
    image[0, 3, 3] = np.inf
    limits = view.patch_limits(image)
    assert limits == pytest.approx(np.array([[1.2, 6, 10.8], [13.22, 18.5, 23.78]]))


def test_a_band_that_clouds_darken_is_lifted_to_a_visible_median_and_keeps_its_order():
    limits = np.array([[0.0, 10.0, 100.0]])  # a median a tenth of the way to white
    image = np.array([[[0.0, 10.0, 50.0, 100.0]]])
    row = view.picture(image, ("red",), Composite("Red", ("red",)), limits, side=None)[0, :, 0].astype(int)
    assert row[1] == pytest.approx(255 * drawing.DARKEST_MEDIAN, abs=13)
    assert (np.diff(row) > 0).all() and (row[0], row[3]) == (0, 255)


def test_low_is_black_high_is_white_and_the_bands_keep_their_channels():
    image = np.array([[[0.0, 100.0, 50.0]], [[0.0, 200.0, 0.0]], [[-10.0, 10.0, -10.0]]])
    rgb = view.picture(image, NAMES, RGB, LIMITS, side=None)
    assert rgb[0].tolist() == [[0, 0, 0], [255, 255, 255], [128, 0, 0]]


def test_composite_chooses_bands_by_name_not_by_place():
    image = np.stack([np.full((2, 2), value) for value in (100.0, 0.0, -10.0)])
    swapped = view.picture(image, NAMES, Composite("swapped", ("blue", "green", "red")), LIMITS, side=None)
    assert swapped[0, 0].tolist() == [0, 0, 255]


def test_a_single_band_is_grey():
    image = np.stack([np.full((2, 2), value) for value in (25.0, 0.0, 0.0)])
    rgb = view.picture(image, NAMES, Composite("Red", ("red",)), LIMITS, side=None)
    assert rgb[0, 0].tolist() == [64, 64, 64]


def test_nodata_and_non_finite_pixels_are_neutral_grey():
    image = np.full((3, 1, 3), 5.0)
    image[:, 0, 0] = np.nan
    image[1, 0, 1] = np.inf
    rgb = view.picture(image, NAMES, RGB, LIMITS, side=None)
    assert rgb[0, 0].tolist() == list(drawing.NO_DATA_RGB)
    assert rgb[0, 1].tolist() == list(drawing.NO_DATA_RGB)
    assert rgb[0, 2].tolist() != list(drawing.NO_DATA_RGB)


def test_enlarging_keeps_the_proportions():
    assert view.enlarge(np.zeros((10, 20, 3), np.uint8), 50).shape == (50, 100, 3)
    assert view.enlarge(np.zeros((64, 64, 3), np.uint8), 256, smooth=True).shape == (256, 256, 3)


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(np.float32, (3, 5, 5), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
def test_any_values_at_all_give_a_picture(image):
    limits = view.patch_limits(image)
    rgb = view.picture(image, NAMES, RGB, limits)
    assert rgb.shape == (256, 256, 3)
    assert rgb.dtype == np.uint8


def test_overlay_leaves_alone_what_the_map_ignores():
    rgb = np.full((8, 8, 3), 200, np.uint8)
    cam = np.zeros((8, 8), np.float32)
    cam[:, 4:] = 3.0
    drawn = view.overlay(rgb, cam, opacity=1.0)
    assert (drawn[:, 0] == 200).all()
    assert drawn[0, 7].tolist() == [252, 255, 164]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_dead_map_changes_nothing(value):
    rgb = np.full((8, 8, 3), 200, np.uint8)
    assert (view.overlay(rgb, np.full((4, 4), value, np.float32)) == rgb).all()


def test_a_swatch_is_its_colour():
    assert view.swatch("#2E9E73", 2).reshape(-1, 3).tolist() == [[0x2E, 0x9E, 0x73]] * 4


def test_a_common_top_makes_maps_comparable():
    weak, strong = np.full((2, 2), 1.0), np.full((2, 2), 4.0)
    assert view.heat(weak, (4, 4), top=4.0).max() == pytest.approx(0.25)
    assert view.heat(strong, (4, 4), top=4.0).max() == pytest.approx(1.0)
    assert view.heat(weak, (4, 4)).max() == pytest.approx(1.0)


def test_heat_scale_grows_lighter_from_end_to_end():
    luminance = view.legend(64, 1)[0].astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_outline_draws_the_edge_of_the_mask_and_only_that():
    rgb = np.full((40, 40, 3), 100, np.uint8)
    mask = np.zeros((10, 10), np.uint8)
    mask[3:7, 3:7] = 1  # 12..27 in the picture
    drawn = view.outline(rgb, mask, width=2)
    assert drawn[12, 20].tolist() == list(drawing.MASK_RGB)
    assert drawn[13, 20].tolist() == list(drawing.MASK_RGB)
    assert drawn[11, 20].tolist() == list(drawing.HALO_RGB)
    assert drawn[20, 20].tolist() == [100, 100, 100]
    assert drawn[5, 5].tolist() == [100, 100, 100]


def test_a_mask_that_fills_the_patch_or_is_empty_draws_nothing():
    rgb = np.full((40, 40, 3), 100, np.uint8)
    assert (view.outline(rgb, np.ones((10, 10))) == rgb).all()
    assert (view.outline(rgb, np.zeros((10, 10))) == rgb).all()


def test_png_keeps_every_pixel():
    rgb = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(view.png(rgb)))) == rgb).all()
