import numpy as np
import pytest
import torch
import torchvision.transforms.functional as TF

from core.config import AugmentConfig, ModelConfig, RunConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, bands_named
from core.data.indices import compute
from core.errors import ConfigError
from core.train.augmentation.augment import augment
from core.train.augmentation.colour import BandUnits, recolour, speckle
from core.train.networks.backbones import build_network

CPU = torch.device("cpu")
CENTER = np.array([1800, 1900, 1850, 3100, -10, -18, -1, -1, -11, -20, 0.5, -0.3])
SCALE = np.array([1300, 1260, 1270, 1450, 8, 10, 4, 5, 6, 10, 3, 4.4])
UNITS = BandUnits(ZINDI_BANDS, CENTER, SCALE, CPU)
OPTICAL, SAR = slice(0, 4), slice(4, 12)
COLOURS = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.4, "jitter": 0.2, "grayscale": 0.3, "noise": 0.02}


def raw(n=4, side=12):
    """(n, 12, side, side): DN 500 to 5000, dB around -12."""
    rng = np.random.default_rng(0)
    optical, sar = rng.uniform(500, 5000, (n, 4, side, side)), rng.normal(-12, 4, (n, 8, side, side))
    return np.concatenate([optical, sar], axis=1)


def normalised(values):
    return torch.as_tensor((values - CENTER[:, None, None]) / SCALE[:, None, None], dtype=torch.float32)


def back(images):
    return images.double().numpy() * SCALE[:, None, None] + CENTER[:, None, None]


def changed(seed=0, **settings):
    return back(recolour(normalised(raw()), UNITS, AugmentConfig(**settings), np.random.default_rng(seed)))


@pytest.mark.parametrize("name", sorted(COLOURS))
def test_colour_leaves_sar_as_it_was_to_the_bit_and_changes_optical_bands(name):
    images = normalised(raw())
    found = recolour(images, UNITS, AugmentConfig(**{name: max(COLOURS[name], 0.5)}), np.random.default_rng(1))
    assert torch.equal(found[:, SAR], images[:, SAR]) and not torch.equal(found[:, OPTICAL], images[:, OPTICAL])


@pytest.mark.parametrize("settings", [{"speckle_looks": 4}, {"sar_offset": 1.0}])
def test_what_is_sars_own_leaves_optical_bands_as_they_were_to_the_bit(settings):
    images = normalised(raw())
    found = recolour(images, UNITS, AugmentConfig(**settings), np.random.default_rng(1))
    assert torch.equal(found[:, OPTICAL], images[:, OPTICAL]) and not torch.equal(found[:, SAR], images[:, SAR])


def test_brightness_is_one_gain_a_patch_on_reflectance():
    gain = changed(brightness=0.3)[:, OPTICAL] / raw()[:, OPTICAL]
    one = gain[:, :1, :1, :1]
    assert np.allclose(gain, one, rtol=1e-4) and len(np.unique(one.round(4))) == 4
    assert (np.abs(one - 1) <= 0.3).all()
    expected = TF.adjust_brightness(torch.from_numpy(raw()[0, :3] / 1e4), float(one[0, 0, 0, 0]))
    assert np.allclose(changed(brightness=0.3)[0, :3] / 1e4, expected, atol=1e-5)


def test_jitter_is_one_gain_a_band():
    gain = changed(jitter=0.2)[:, OPTICAL] / raw()[:, OPTICAL]
    assert np.allclose(gain, gain[:, :, :1, :1], rtol=1e-4) and np.ptp(gain[0, :, 0, 0]) > 0.01


def test_contrast_keeps_the_mean_and_saturation_the_grey_of_each_pixel():
    before, after = raw()[:, OPTICAL], changed(contrast=0.3)[:, OPTICAL]
    assert np.allclose(after.mean((1, 2, 3)), before.mean((1, 2, 3)), rtol=1e-4)
    assert not np.allclose(after.std((1, 2, 3)), before.std((1, 2, 3)), rtol=0.01)
    after = changed(saturation=0.1)[:, OPTICAL]  # little enough to leave every band above 0
    assert np.allclose(after.mean(1), before.mean(1), rtol=1e-4) and not np.allclose(after, before, rtol=0.01)


def test_grey_patches_have_one_value_in_all_optical_bands():
    found = changed(grayscale=1.0)[:, OPTICAL]
    assert np.allclose(found, raw()[:, OPTICAL].mean(1, keepdims=True), rtol=1e-4)


def test_noise_has_the_set_spread_in_reflectance():
    values = np.full((8, 12, 32, 32), 3000.0)
    found = recolour(normalised(values), UNITS, AugmentConfig(noise=0.02), np.random.default_rng(0))
    difference = (back(found) - values)[:, OPTICAL] / 1e4
    assert difference.std() == pytest.approx(0.02, rel=0.03) and abs(difference.mean()) < 1e-3


def test_reflectance_never_falls_below_zero():
    found = recolour(normalised(raw() * 0.01), UNITS, AugmentConfig(noise=0.2), np.random.default_rng(0))
    assert back(found)[:, OPTICAL].min() > -1e-2


def test_the_pre_event_image_stays_as_it_was_when_the_event_is_speckled():
    """Change = post - pre, so that both take the same dB."""
    position = {band.name: i for i, band in enumerate(ZINDI_BANDS)}
    found = changed(speckle_looks=3, sar_offset=1.0)
    for post, change in (
        ("desc_vv", "desc_dvv"),
        ("desc_vh", "desc_dvh"),
        ("asc_vv", "asc_dvv"),
        ("asc_vh", "asc_dvh"),
    ):
        before, after = ((v[:, position[post]] - v[:, position[change]]) for v in (raw(), found))
        assert np.allclose(before, after, atol=1e-3)
    assert not np.allclose(found[:, position["desc_vv"]] - raw()[:, position["desc_vv"]],
                           found[:, position["asc_vv"]] - raw()[:, position["asc_vv"]], atol=1e-2)  # fmt: skip


@pytest.mark.parametrize("looks", [1, 4, 16])
def test_speckle_has_mean_one_and_the_spread_of_its_looks(looks):
    intensity = 10 ** (speckle((200_000,), looks, torch.Generator().manual_seed(0)) / 10)
    assert float(intensity.mean()) == pytest.approx(1, rel=0.01)
    assert float(intensity.std()) == pytest.approx(looks**-0.5, rel=0.02)


def test_offsets_stay_within_their_bound_and_are_one_a_patch_and_band():
    difference = (changed(sar_offset=1.5) - raw())[:, SAR]
    assert np.abs(difference).max() <= 1.5 + 1e-4 and np.allclose(difference, difference[:, :, :1, :1], atol=1e-4)


def test_pictures_count_as_reflectance_and_other_bands_are_left_alone():
    bands = (*RGB_BANDS, *bands_named(["slope"]))
    units = BandUnits(bands, np.full(4, 100.0), np.full(4, 50.0), CPU)
    images = torch.randn(2, 4, 8, 8)
    found = recolour(images, units, AugmentConfig(brightness=0.5), np.random.default_rng(0))
    assert torch.equal(found[:, 3], images[:, 3]) and not torch.equal(found[:, :3], images[:, :3])


def test_equal_generators_give_equal_bits_and_the_batch_is_left_alone():
    images, config = normalised(raw()), AugmentConfig(**COLOURS, speckle_looks=2, sar_offset=1)
    before, targets = images.clone(), torch.eye(2)[[0, 1, 0, 1]]
    one, two = (augment(images, targets, config, np.random.default_rng(3), UNITS)[0] for _ in range(2))
    assert torch.equal(one, two) and torch.equal(images, before)


def test_indices_inside_the_network_are_those_of_the_changed_bands():
    model = ModelConfig(backbone="test_resnet", pretrained=False, indices=("ndvi", "evi2", "vari"))
    network = build_network(model, ZINDI_BANDS, (32, 32), 0, (CENTER, SCALE))[0]
    images = recolour(normalised(raw(side=32)), UNITS, AugmentConfig(**COLOURS), np.random.default_rng(0))
    found = network.index_bands(images)[:, 12:]
    raws = images.double() * torch.from_numpy(SCALE)[:, None, None] + torch.from_numpy(CENTER)[:, None, None]
    records = {band.name: band for band in ZINDI_BANDS}
    values = dict(zip(records, raws.unbind(1), strict=True))
    expected = torch.stack(compute(network.index_bands.indices, values, records), 1)
    lit = (raws[:, OPTICAL] > 10).all(1)  # at 0 reflectance a ratio means nothing, and rounding decides it
    error = (found.double() - expected).abs().transpose(0, 1)[:, lit]
    assert lit.float().mean() > 0.8 and float(error[:2].max()) < 1e-6
    assert float(error[2].quantile(0.99)) < 1e-6  # VARI's denominator crosses zero


def test_a_normalisation_without_units_is_refused_with_colours():
    with pytest.raises(ConfigError, match="minmax.*colours"):
        RunConfig().with_overrides(["normalise.method=minmax", "augment.noise=0.1"])
