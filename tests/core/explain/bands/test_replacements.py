"""Each replacement is what its name says, and pixels without data keep what they have."""

import numpy as np
import pytest

from core.errors import ConfigError
from core.explain.bands.replacements import BASELINES, CONSTANT, choose_donors, replacement

IMAGES = np.random.default_rng(0).normal(size=(4, 3, 5, 5)).astype(np.float32)
FILLS = {name: np.arange(3.0) + i for i, name in enumerate(CONSTANT)}


@pytest.mark.parametrize("baseline", CONSTANT)
def test_constants_are_one_value_a_band(baseline):
    found = replacement(baseline, IMAGES, FILLS, None, None, 0)
    assert found.shape == (1, 3, 1, 1) and found[0, :, 0, 0].tolist() == FILLS[baseline].tolist()


def test_shuffling_keeps_each_bands_values_and_all_bands_in_register():
    found = replacement("shuffle", IMAGES, FILLS, None, None, 0)
    pixels = [{tuple(p) for p in x.reshape(3, -1).T.tolist()} for x in (IMAGES[0], found[0])]
    assert pixels[0] == pixels[1] and not np.array_equal(found, IMAGES)
    np.testing.assert_array_equal(found, replacement("shuffle", IMAGES, FILLS, None, None, 0))
    assert not np.array_equal(found, replacement("shuffle", IMAGES, FILLS, None, None, 1))


@pytest.mark.parametrize("baseline", BASELINES)
def test_pixels_without_data_are_left_alone(baseline):
    has_data = np.ones((4, 5, 5), bool)
    has_data[:, :2] = False
    found = replacement(baseline, IMAGES, FILLS, has_data, IMAGES[::-1], 0)
    np.testing.assert_array_equal(found[:, :, :2], IMAGES[:, :, :2])
    assert (found[:, :, 2:] != IMAGES[:, :, 2:]).mean() > 0.5
    if baseline == "shuffle":
        np.testing.assert_array_equal(np.sort(found[:, :, 2:].ravel()), np.sort(IMAGES[:, :, 2:].ravel()))


def test_donors_are_of_the_other_class_where_there_is_one():
    labels = np.array([0, 1, 1, 0, 1])
    assert (labels[choose_donors(labels, labels, 0)] == 1 - labels).all()
    assert choose_donors(np.ones(3, int), np.ones(4, int), 0).max() < 4


def test_an_unknown_replacement_is_refused():
    with pytest.raises(ConfigError, match="Known: mean, zero"):
        replacement("noise", IMAGES, FILLS, None, None, 0)
    with pytest.raises(ConfigError):
        replacement("swap", IMAGES, FILLS, None, None, 0)
