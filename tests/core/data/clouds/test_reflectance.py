import numpy as np
import pytest

from core.data.bands import LANDSLIDE4SENSE_BANDS, RGB_BANDS, ZINDI_BANDS, bands_named
from core.data.clouds.reflectance import coarser, factors, filled, steps_of
from core.errors import ConfigError


def test_units_lead_to_reflectance_and_landslide4senses_means_give_it_back():
    assert np.allclose(factors(ZINDI_BANDS, "x"), 1e-4)
    assert np.allclose(factors(LANDSLIDE4SENSE_BANDS, "x"), [0.0824632, 0.0663416, 0.0445173, 0.1941322], atol=1e-6)


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        (RGB_BANDS, "told from blue, green, red and nir; d.h5 has no nir. It has red, green, blue"),
        (ZINDI_BANDS[4:], "has no blue and no green and no red and no nir"),
        (bands_named(["blue", "green", "red", "nir"], units=dict.fromkeys(["red", "nir"], "0-255")),
         "reflectance; d.h5 has .*red in '0-255', nir in '0-255'. Accepted units.*stretched"),
    ],
)  # fmt: skip
def test_other_bands_and_units_are_refused_in_plain_words(bands, told):
    with pytest.raises(ConfigError, match=told):
        factors(bands, "d.h5")


def test_coarser_by_hand_without_what_is_missing_and_beyond_the_border():
    image = np.arange(15, dtype=np.float32).reshape(1, 3, 5)
    image[0, 0, 0] = np.nan
    mean, share = coarser(image, 2)
    assert mean.shape == (1, 2, 3) and share.tolist() == [[0.75, 1, 1], [1, 1, 1]]
    assert mean[0].tolist() == [[(1 + 5 + 6) / 3, 5.0, 6.5], [10.5, 12.5, 14.0]]
    image[0, :2, :2] = np.nan
    image[0, 1, 1] = 6
    assert np.isnan(coarser(image, 2)[0][0, 0, 0]), "a quarter was seen"
    assert coarser(np.zeros((2, 4, 6, 6)), 3)[0].shape == (2, 4, 2, 2)
    assert [steps_of(metres) for metres in (4.8, 10, 20, 30, 60)] == [6, 3, 2, 1, 1]


def test_what_is_missing_is_filled_with_the_nearest():
    coarse = np.full((2, 3, 4), np.nan, np.float32)
    assert not filled(coarse).any()
    coarse[:, :, 0], coarse[:, :, 3] = 1, 7
    assert filled(coarse)[0].tolist() == [[1, 1, 7, 7]] * 3
