import numpy as np
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.data.indices import INDICES, compute
from core.train.backbones import build_network, load_network, save_network
from core.train.index_bands import IndexBands

RNG = np.random.default_rng(0)
RAW = RNG.uniform(5, 250, size=(6, 3, 32, 32)).astype(np.float32)
CENTER, SCALE = RAW.mean((0, 2, 3)), RAW.std((0, 2, 3))
PATCHES = torch.from_numpy((RAW - CENTER[:, None, None]) / SCALE[:, None, None])


def built():
    model = ModelConfig(backbone="test_resnet", pretrained=False, indices="auto")
    return build_network(model, RGB_BANDS, (32, 32), 0, (CENTER, SCALE))[0]


def test_indices_computed_inside_equal_those_of_the_raw_patches():
    layer = IndexBands(tuple(INDICES.values()), ("red", "green", "blue"))
    layer.set_units(CENTER, SCALE)
    layer.fit(PATCHES)
    found = layer(PATCHES).numpy()
    expected = np.stack(
        compute(tuple(INDICES.values()), dict(zip(("red", "green", "blue"), RAW.swapaxes(0, 1), strict=True))), axis=1
    )
    expected = (expected - expected.mean((0, 2, 3), keepdims=True)) / expected.std((0, 2, 3), keepdims=True)
    np.testing.assert_array_equal(found[:, :3], PATCHES.numpy())
    np.testing.assert_allclose(found[:, 3:], expected, atol=2e-4)


def test_a_network_with_index_bands_comes_back_from_its_files_the_same(tmp_path):
    network = built().eval()
    network.fit_statistics(PATCHES)
    save_network(network, tmp_path)
    with torch.inference_mode():
        torch.testing.assert_close(load_network(tmp_path)(PATCHES), network(PATCHES))
    assert network.cam_layer(4).name.startswith("backbone.")


def test_backbone_arguments_reach_timm():
    narrow = ModelConfig(backbone="resnet18", pretrained=False, arguments={"channels": [8, 16, 24, 32]})
    assert build_network(narrow, RGB_BANDS, (64, 64), 0)[0].n_features == 32
