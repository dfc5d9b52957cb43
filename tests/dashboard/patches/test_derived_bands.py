"""What is computed from the bands is drawn beside them: SAR before as after is, indices in their own range."""

from __future__ import annotations

import numpy as np

from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.data.indices import possible
from dashboard.patches import derived_bands

PRE = ("desc_vv_pre", "desc_vh_pre", "asc_vv_pre", "asc_vh_pre")


def test_whatever_the_bands_allow_can_be_drawn():
    names = [band.name for band in derived_bands.drawable(ZINDI_BANDS)]
    assert names[:12] == [band.name for band in ZINDI_BANDS] and {*PRE, "ndvi", "canny"} <= set(names[12:])
    assert "ndvi" not in [band.name for band in derived_bands.drawable(RGB_BANDS)]


def test_before_is_after_minus_change_and_without_data_where_they_are():
    images = np.random.default_rng(0).normal(size=(2, 12, 4, 4)).astype(np.float32)
    images[0, :, 1, 1] = np.nan
    images[1, 6, 0, 0] = np.nan
    made, names = derived_bands.with_computed(images, ZINDI_BANDS, ("red", "desc_vv_pre", "ndvi"))
    assert names[12:] == ("desc_vv_pre", "ndvi") and made.shape == (2, 14, 4, 4)
    assert (made[:, :12] == images)[np.isfinite(images)].all()
    assert np.allclose(made[1, 12, 1:], images[1, 4, 1:] - images[1, 6, 1:])
    assert np.isnan(made[0, 12:, 1, 1]).all() and np.isnan(made[1, 12, 0, 0])


def test_bands_alone_are_left_as_they_are():
    images = np.zeros((1, 3, 2, 2), np.float32)
    made, names = derived_bands.with_computed(images, RGB_BANDS, ("red", "red"))
    assert made is images and names == ("red", "green", "blue")


def test_before_and_after_share_their_limits_and_others_have_their_own():
    limits = np.arange(36.0).reshape(12, 3)
    more = derived_bands.with_computed_limits(limits, ZINDI_BANDS, (*PRE, "ndvi"), lambda name: (0.1, 0.2, 0.3))
    assert (more[:12] == limits).all() and (more[12:16] == limits[[4, 5, 8, 9]]).all()
    assert more[16].tolist() == [0.1, 0.2, 0.3]


def test_every_index_that_is_possible_can_be_drawn():
    images = np.abs(np.random.default_rng(0).normal(1000, 300, (1, 12, 16, 16))).astype(np.float32)
    for name in possible(ZINDI_BANDS):
        made, names = derived_bands.with_computed(images, ZINDI_BANDS, [name])
        assert names[-1] == name and np.isfinite(made[0, -1]).all()
