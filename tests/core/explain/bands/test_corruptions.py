"""What happens to patches is what the scenario says, and what fills a gap is learnt from training patches."""

import numpy as np
import pytest

from core.data.bands import RGB_BANDS, ZINDI_BANDS, bands_named
from core.explain.bands.corruptions import INTACT, cloud_opacity, damage, scenarios
from core.explain.bands.missing_bands import POLICIES, Training, fill_missing, policies_for

RNG = np.random.default_rng(0)
ZINDI = RNG.normal([1800, 1900, 1850, 3100, *[-12] * 8], 1, (6, 32, 32, 12)).transpose(0, 3, 1, 2).astype(np.float32)
BY_NAME = {one.name: one for one in scenarios(ZINDI_BANDS)}


def test_scenarios_follow_from_the_bands():
    assert list(BY_NAME) == [
        "intact", "cloud_25", "cloud_50", "cloud_75", "optical_lost", "sar_lost", "descending_lost", "ascending_lost",
        "optical_noise", "speckle",
    ]  # fmt: skip
    assert BY_NAME["descending_lost"].bands == ("desc_vv", "desc_vh", "desc_dvv", "desc_dvh")
    rgb = [one.name for one in scenarios(RGB_BANDS)]
    assert rgb[4:] == ["red_lost", "green_lost", "blue_lost", "optical_noise"]
    one_orbit = [one.name for one in scenarios(bands_named(["red", "desc_vv", "desc_vh"])) if one.kind == "lost"]
    assert one_orbit == ["optical_lost", "sar_lost"]  # losing the only orbit is losing SAR


@pytest.mark.parametrize("name", BY_NAME)
def test_only_the_bands_that_are_named_change(name):
    before = ZINDI.copy()
    found = damage(ZINDI, ZINDI_BANDS, BY_NAME[name], seed=1)
    np.testing.assert_array_equal(ZINDI, before)
    touched = np.array([band.name in BY_NAME[name].bands for band in ZINDI_BANDS])
    np.testing.assert_array_equal(found.images[:, ~touched], ZINDI[:, ~touched])
    assert not found.missing[:, ~touched].any()
    if BY_NAME[name].kind in ("cloud", "noise"):
        assert (found.images[:, touched] != ZINDI[:, touched]).any(axis=(0, 2, 3)).all()
    np.testing.assert_array_equal(found.images, damage(ZINDI, ZINDI_BANDS, BY_NAME[name], seed=1).images)


@pytest.mark.parametrize("cover", [0.25, 0.5, 0.75])
def test_clouds_cover_as_much_as_they_say_are_bright_and_are_known(cover):
    opacity = cloud_opacity(np.random.default_rng(0), 40, (64, 64), cover)
    assert opacity.mean() == pytest.approx(cover, abs=0.05) and opacity.min() == 0 and opacity.max() == 1
    found = damage(ZINDI, ZINDI_BANDS, BY_NAME[f"cloud_{cover:.0%}".rstrip("%")], seed=0)
    missing = found.missing[:, :4]
    assert (found.images[:, :4][missing] > ZINDI[:, :4][missing]).all()  # DN 4000 and more over 1900 to 3100
    assert found.images[:, :4].max() > 4000


def test_clouds_over_pictures_stay_in_their_range():
    pictures = np.full((2, 3, 32, 32), 120, np.float32)
    found = damage(pictures, RGB_BANDS, scenarios(RGB_BANDS)[2], seed=0)
    assert found.images.max() == 255 and found.images.min() >= 120


def test_speckle_keeps_change_after_minus_before():
    found = damage(ZINDI, ZINDI_BANDS, BY_NAME["speckle"], seed=0).images - ZINDI
    names = [band.name for band in ZINDI_BANDS]
    for pol in ("vv", "vh"):
        after, change = found[:, names.index(f"desc_{pol}")], found[:, names.index(f"desc_d{pol}")]
        before = after - change  # what was drawn for the pass before the event: speckle of its own, no less spread
        assert 2.0 < after.std() < 2.8 and 2.0 < before.std() < 2.8
        assert abs(np.corrcoef(after.ravel(), before.ravel())[0, 1]) < 0.05


def made_training():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(30, 1, 8, 8))
    images = np.concatenate([x, 2 * x + 1, rng.normal(size=x.shape)], axis=1).astype(np.float32)
    return Training(images, images.mean(axis=(0, 2, 3)))


def missing_band(band=1, n=3):
    images = made_training().images[:n].copy()
    missing = np.zeros(images.shape, bool)
    missing[:, band] = True
    hidden = images.copy()
    hidden[missing] = np.nan
    return images, hidden, missing


def test_a_line_tells_a_band_that_is_one():
    images, hidden, missing = missing_band()
    found = fill_missing("regression", np.where(missing, 99, hidden).astype(np.float32), missing, made_training())
    np.testing.assert_allclose(found, images, atol=1e-4)


def test_the_nearest_training_patch_is_the_one_with_the_same_other_bands():
    images, hidden, missing = missing_band()
    found = fill_missing("nearest", hidden, missing, made_training())
    np.testing.assert_array_equal(found, images)


def test_constants_fill_only_what_is_missing():
    images, hidden, missing = missing_band()
    missing[:, :, 4:] = False
    training = made_training()
    found = fill_missing("mean", np.where(missing, 7, images), missing, training)
    np.testing.assert_allclose(found[missing], training.mean[1])
    np.testing.assert_array_equal(found[~missing], images[~missing])
    assert (fill_missing("zero", images, missing, training)[missing] == 0).all()
    assert fill_missing("as_is", images, missing, training) is images


def test_policies_fit_what_happened():
    assert policies_for("lost", 8) == ("mean", "zero", "nearest", "regression")
    assert policies_for("cloud", 8) == ("as_is", "mean", "regression")
    assert policies_for("cloud", 0) == ("as_is", "mean") and policies_for("noise", 8) == ("as_is",)
    assert policies_for(INTACT.kind, 12) == ("as_is",)
    assert set(policies_for("lost", 8)) | {"as_is"} == set(POLICIES)
