import pytest

from core.config import ModelConfig
from core.data.bands import LANDSLIDE4SENSE_BANDS, RGB_BANDS, ZINDI_BANDS, Band
from core.train.networks.model_scaling import model_scaling


def scaling(backbone, bands):
    return model_scaling(ModelConfig(backbone=backbone), bands)


@pytest.mark.parametrize(
    "backbone", ["tf_efficientnetv2_l.in21k_ft_in1k", "nasnetalarge.tf_in1k", "inception_v3.tv_in1k"]
)
def test_these_families_were_trained_on_pictures_around_a_half(backbone):
    found = scaling(backbone, RGB_BANDS)
    assert set(found) == {"red", "green", "blue"}
    assert all(value == pytest.approx((127.5, 127.5)) for value in found.values())


def test_others_were_trained_with_imagenets_numbers_channel_by_channel():
    found = scaling("resnet50.a1_in1k", RGB_BANDS)
    assert found["red"] == pytest.approx((0.485 * 255, 0.229 * 255))
    assert found["blue"] == pytest.approx((0.406 * 255, 0.225 * 255))
    assert scaling("no_such_net", RGB_BANDS) == scaling("resnet50.nonsense", RGB_BANDS) == found


def test_units_decide_the_numbers_and_bands_without_reflectance_have_none():
    assert scaling("resnet50.a1_in1k", ZINDI_BANDS)["green"] == pytest.approx((4560, 2240))
    assert set(scaling("resnet50.a1_in1k", ZINDI_BANDS)) == {"red", "green", "blue"}
    assert scaling("resnet50.a1_in1k", [Band("red", "Red", unit="reflectance")])["red"] == pytest.approx((0.485, 0.229))
    assert scaling("resnet50.a1_in1k", LANDSLIDE4SENSE_BANDS) == {}
