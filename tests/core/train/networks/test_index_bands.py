import json

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, bands_named
from core.data.indices import compute, indices_named
from core.data.stacks import choose_indices, extended
from core.errors import ConfigError
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.networks.index_bands import IndexBands

RNG = np.random.default_rng(0)
RAW = RNG.uniform(5, 250, size=(6, 3, 32, 32)).astype(np.float32)
CENTER, SCALE = RAW.mean((0, 2, 3)), RAW.std((0, 2, 3))
PATCHES = torch.from_numpy((RAW - CENTER[:, None, None]) / SCALE[:, None, None])
COLOURS = ("redr", "greenr", "ngrdi", "nrbdi")


def built(bands=RGB_BANDS, indices="auto", units=(CENTER, SCALE)):
    model = ModelConfig(backbone="test_resnet", pretrained=False, indices=indices)
    return build_network(model, bands, (32, 32), 0, units)[0]


def zindi_patches(n=4, side=24):
    raw = np.concatenate([RNG.uniform(200, 4000, (n, 4, side, side)), RNG.normal(-10, 5, (n, 8, side, side))], axis=1)
    center, scale = raw.mean((0, 2, 3)).astype(np.float32), raw.std((0, 2, 3)).astype(np.float32)
    normalised = ((raw - center[:, None, None]) / scale[:, None, None]).astype(np.float32)
    return raw.astype(np.float32), torch.from_numpy(normalised), (center, scale)


def test_indices_computed_inside_equal_those_of_the_raw_patches():
    indices = indices_named(COLOURS, RGB_BANDS)
    layer = IndexBands(indices, RGB_BANDS)
    layer.set_units(CENTER, SCALE)
    layer.fit(PATCHES)
    found = layer(PATCHES).numpy()
    raw = dict(zip(("red", "green", "blue"), RAW.swapaxes(0, 1), strict=True))
    expected = np.stack(compute(indices, raw), axis=1)
    expected = (expected - expected.mean((0, 2, 3), keepdims=True)) / expected.std((0, 2, 3), keepdims=True)
    np.testing.assert_array_equal(found[:, :3], PATCHES.numpy())
    np.testing.assert_allclose(found[:, 3:], expected, atol=2e-4)


@pytest.mark.parametrize(("stack", "channels"), [("stack20", 20), ("stack28", 28)])
def test_a_stack_inside_the_network_is_the_stack_of_the_raw_patches(stack, channels):
    raw, patches, units = zindi_patches()
    indices = choose_indices(stack, ZINDI_BANDS)
    layer = IndexBands(indices, ZINDI_BANDS)
    layer.set_units(*units)
    layer.fit(patches)
    found = layer(patches)
    assert found.shape[1] == channels and torch.isfinite(found).all()
    values = (found[:, 12:] * layer.scale_ + layer.center_).numpy()
    expected = extended(raw, ZINDI_BANDS, [index.name for index in indices])[0][:, 12:]
    for i, index in enumerate(indices):
        if index.name == "canny":
            assert (np.abs(values[:, i] - expected[:, i]) < 0.5).mean() > 0.999
        else:
            np.testing.assert_allclose(values[:, i], expected[:, i], atol=2e-3, err_msg=index.name)


def test_an_index_agrees_with_its_bands_after_mixing_and_colour_changes():
    raw, patches, units = zindi_patches()
    layer = IndexBands(indices_named(["ndvi", "desc_vv_pre"], ZINDI_BANDS), ZINDI_BANDS)
    layer.set_units(*units)
    mixed = (0.3 * patches + 0.7 * patches.flip(0)) * 1.1
    found = layer(mixed)[:, 12:].numpy()
    center, scale = (values[:, None, None] for values in units)
    dn = mixed.numpy() * scale + center
    np.testing.assert_allclose(found[:, 0], (dn[:, 3] - dn[:, 0]) / (dn[:, 3] + dn[:, 0]), atol=1e-4)
    np.testing.assert_allclose(dn[:, 4] - found[:, 1], dn[:, 6], atol=1e-3)  # post - pre is the measured difference


def test_half_precision_around_it_does_not_round_an_index():
    layer = IndexBands(indices_named(["sobel", "canny", "redr"], RGB_BANDS), RGB_BANDS)
    layer.set_units(CENTER, SCALE)
    plain = layer(PATCHES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer(PATCHES), plain, rtol=0, atol=0)


def test_patches_without_data_give_finite_indices_and_gradients():
    network = built(indices=("sobel", "canny", "vari", "redr")).train()
    patches = torch.zeros(4, 3, 32, 32, requires_grad=True)
    network.fit_statistics(patches.detach())
    network(patches).sum().backward()
    assert torch.isfinite(patches.grad).all()


@pytest.mark.parametrize("indices", ["auto", ("vari", "sobel", "canny")])
def test_a_network_with_index_bands_comes_back_from_its_files_the_same(tmp_path, indices):
    network = built(indices=indices).eval()
    network.fit_statistics(PATCHES)
    save_network(network, tmp_path)
    again = load_network(tmp_path)
    with torch.inference_mode():
        torch.testing.assert_close(again(PATCHES), network(PATCHES))
    assert network.cam_layer(4).name.startswith("backbone.")
    assert again.model == network.model


def test_a_kept_network_says_which_indices_auto_stood_for(tmp_path):
    bands = bands_named(("red", "green", "blue", "nir"))
    save_network(built(bands, "auto", (np.zeros(4), np.ones(4))), tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["indices"] == [*COLOURS, "ndvi", "evi2", "gndvi", "ndwi"]
    # Cards of the first version do not list them: there "auto" meant the ratios of colours.
    save_network(built(bands, COLOURS, (np.zeros(4), np.ones(4))), tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    del card["indices"]
    card["model"]["indices"] = "auto"
    (tmp_path / "model.json").write_text(json.dumps(card))
    assert tuple(index.name for index in load_network(tmp_path).index_bands.indices) == COLOURS


def test_a_stack_on_other_bands_is_refused():
    with pytest.raises(ConfigError, match="Zindi's 12 bands"):
        built(indices="stack20")


def test_backbone_arguments_reach_timm():
    narrow = ModelConfig(backbone="resnet18", pretrained=False, arguments={"channels": [8, 16, 24, 32]})
    assert build_network(narrow, RGB_BANDS, (64, 64), 0)[0].n_features == 32
