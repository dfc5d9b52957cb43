"""The SAR before the event is after minus change, drawn as after is."""

from __future__ import annotations

import numpy as np

from core.data.bands import RGB_BANDS, ZINDI_BANDS
from dashboard import drawn_bands

NAMES = [band.name for band in drawn_bands.drawable(ZINDI_BANDS)]


def test_what_can_be_drawn_of_twelve_bands_is_sixteen():
    assert NAMES[12:] == ["desc_vv_pre", "desc_vh_pre", "asc_vv_pre", "asc_vh_pre"]
    assert drawn_bands.drawable(RGB_BANDS) == RGB_BANDS


def test_before_is_after_minus_change_and_without_data_where_they_are():
    images = np.random.default_rng(0).normal(size=(2, 12, 4, 4)).astype(np.float32)
    images[0, :, 1, 1] = -9999
    images[1, 6, 0, 0] = np.nan
    made = drawn_bands.with_before(images, ZINDI_BANDS, -9999.0)
    assert made.shape == (2, 16, 4, 4) and (made[:, :12] == images)[np.isfinite(images)].all()
    assert np.allclose(made[1, 12, 1:], images[1, 4, 1:] - images[1, 6, 1:])
    assert (made[0, 12:, 1, 1] == -9999).all() and np.isnan(made[1, 12, 0, 0])


def test_before_and_after_share_their_limits():
    limits = np.arange(36.0).reshape(12, 3)
    more = drawn_bands.with_before_limits(limits, ZINDI_BANDS)
    assert (more[:12] == limits).all() and (more[12:] == limits[[4, 5, 8, 9]]).all()
    assert drawn_bands.with_before_limits(limits[:3], RGB_BANDS).shape == (3, 3)
