"""Every family of the papers at 3, 12 and 20 bands: the right layer, a map large enough, alive, right side up."""

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band
from core.errors import ConfigError
from core.explain.cam.gradcam import gradcam
from core.explain.cam.overlay import dead_maps
from core.train.networks.backbones import build_network

BANDS = {
    3: RGB_BANDS,
    12: ZINDI_BANDS,
    20: tuple(Band(f"b{i}", "other", "none", "", f"Band {i}") for i in range(20)),
}
SWIN = {"embed_dim": 12, "depths": (1, 1, 2, 1), "num_heads": (1, 1, 2, 2)}
DAVIT = {"embed_dims": (12, 24, 36, 48), "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)}
# FACTS' table by family, as small as the family comes: backbone, side in pixels, arguments, its own last layer, the
# default (8x8). At 64 px a stride-32 network ends in 2x2, so that the default is an inner layer.
FAMILIES = [
    ("tf_efficientnetv2_b0", 64, {}, "blocks.5.7", "blocks.2.1"),
    ("tf_efficientnet_b0", 64, {}, "blocks.6.0", "blocks.2.1"),
    ("resnet50", 64, {"channels": [8, 16, 24, 32]}, "layer4.2", "layer2.3"),
    ("resnet18", 64, {"channels": [8, 16, 24, 32]}, "layer4.1", "layer2.1"),
    ("mobilenetv1_100", 64, {}, "blocks.4.1", "blocks.2.1"),
    ("mobilenetv2_100", 64, {}, "blocks.6.0", "blocks.2.2"),
    ("mobilenetv3_large_100", 64, {}, "blocks.6.0", "blocks.2.2"),
    ("mobilenetv4_conv_small", 64, {}, "blocks.4.0", "blocks.1.1"),
    ("densenet121", 64, {"growth_rate": 4, "block_config": (2, 2, 2, 2)}, "features", "features.denseblock2"),
    ("nasnetalarge", 64, {"num_features": 192, "stem_size": 8}, "cell_17", "cell_5"),
    ("inception_v3", 128, {}, "Mixed_7c", "Mixed_5d"),
    ("regnety_002", 64, {}, "s4", "s2"),
    ("wide_resnet50_2", 64, {"channels": [8, 16, 24, 32]}, "layer4.2", "layer2.3"),
    ("vit_tiny_patch16_224", 128, {"depth": 3}, "blocks.2.norm1", "blocks.2.norm1"),
    ("swin_tiny_patch4_window7_224", 64, SWIN, "layers.3.blocks.0", "layers.1.blocks.0"),
    ("swinv2_tiny_window8_256", 64, SWIN, "layers.3.blocks.0", "layers.1.blocks.0"),
    ("davit_tiny", 64, DAVIT, "stages.3.blocks.0.1", "stages.1.blocks.0.1"),
]


def made(backbone, side, arguments, n_bands=3):
    model = ModelConfig(backbone=backbone, pretrained=False, arguments=arguments)
    network, _ = build_network(model, BANDS[n_bands], (side, side), 0)
    return network.eval()


@pytest.mark.parametrize(("backbone", "side", "arguments", "last", "default"), FAMILIES, ids=lambda value: str(value))
def test_the_layer_of_every_family_gives_living_maps(backbone, side, arguments, last, default):
    for n_bands in BANDS:
        network = made(backbone, side, arguments, n_bands)
        images = np.random.default_rng(n_bands).normal(size=(2, n_bands, side, side)).astype(np.float32)
        maps, name = gradcam(network, images, min_map=8, target=0, method="layercam")
        assert name == f"backbone.{default}"
        assert maps.shape[0] == 2 and 8 <= min(maps.shape[1:]) and np.isfinite(maps).all()
        # Untrained weights may speak against a class everywhere, so look cell by cell and at either class.
        other, _ = gradcam(network, images, target=1, method="layercam", layer=name)
        assert not dead_maps(maps + other).any()
    assert network.cam_layer(1).name == f"backbone.{last}"
    layers = {layer.name: layer for layer in network.cam_layers()}
    assert layers[f"backbone.{last}"].alive and layers[f"backbone.{default}"].alive
    assert (layers[name].rows, layers[name].columns) == maps.shape[1:]


@pytest.mark.parametrize("backbone", ["swin_tiny_patch4_window7_224", "davit_tiny", "vit_tiny_patch16_224", "resnet18"])
def test_rows_and_columns_of_the_map_are_those_of_the_patch(backbone):
    _, side, arguments, _, default = next(family for family in FAMILIES if family[0] == backbone)
    network = made(backbone, side, arguments)
    _, module, reshape = network.cam_layer(8)
    outputs = []
    handle = module.register_forward_hook(lambda *parts: outputs.append(reshape(parts[-1])))
    patch = torch.zeros(1, 3, side, side)
    changed = patch.clone()
    changed[:, :, : side // 8, side // 2 : side // 2 + side // 8] = 3.0  # first row, middle column
    with torch.no_grad():
        network(patch)
        network(changed)
    handle.remove()
    difference = (outputs[1] - outputs[0]).abs().sum(dim=1)[0]
    row, column = np.unravel_index(int(difference.argmax()), difference.shape)
    assert row <= 1 and abs(column - difference.shape[1] // 2) <= 1


@pytest.mark.parametrize(
    ("backbone", "side", "layer"), [("mobilenetv3_large_100", 64, "conv_head"), ("vit_tiny_patch16_224", 64, "norm")]
)
def test_the_known_dead_choices_can_be_named_but_are_not_offered(backbone, side, layer):
    network = made(backbone, side, {"depth": 2} if "vit" in backbone else {})
    images = np.random.default_rng(0).normal(size=(2, 3, side, side)).astype(np.float32)
    maps, name = gradcam(network, images, layer=f"backbone.{layer}")
    assert name == f"backbone.{layer}"
    assert maps.shape[1:] == (1, 1) or (maps == 0).all()
    assert not [one for one in network.cam_layers() if one.name == name]


def test_a_layer_that_is_not_there_or_has_no_map_is_refused_in_words():
    network = made("test_resnet", 32, {})
    with pytest.raises(ConfigError, match="no layer 'layer9'.*layer2"):
        network.cam_layer(4, "backbone.layer9")
    with pytest.raises(ConfigError, match="no map"):
        network.cam_layer(4, "backbone.global_pool")
