import pytest
import torch

from core.config import ModelConfig
from core.data.bands import ZINDI_BANDS
from core.train.networks.backbones import build_network

# FACTS: layer4[-1], blocks[-1], layers[-1].blocks[-1]; with a class token blocks[-1].norm1. At 64 px a stride-32
# network ends in 2x2, so that 8x8 asks for an inner layer.
EXPECTED = [
    ("resnet18", 64, {2: "layer4.1", 8: "layer2.1"}),
    ("resnet18", 256, {8: "layer4.1"}),
    ("mobilenetv4_conv_small", 64, {2: "blocks.4.0", 8: "blocks.1.1"}),
    ("tf_efficientnetv2_b0", 64, {2: "blocks.5.7", 8: "blocks.2.1"}),
    ("mobilenetv3_small_100", 64, {2: "blocks.5.0"}),
    ("densenet121", 64, {4: "features.denseblock3"}),
    ("test_vit", 128, {8: "blocks.5.norm1"}),
    ("test_vit2", 128, {8: "blocks.7"}),
    ("swin_tiny_patch4_window7_224", 64, {2: "layers.3.blocks.1", 8: "layers.1.blocks.1"}),
]


@pytest.mark.parametrize(("name", "side", "expected"), EXPECTED)
def test_the_deepest_living_block_with_a_map_that_is_large_enough(name, side, expected):
    network, _ = build_network(ModelConfig(backbone=name, pretrained=False), ZINDI_BANDS, (side, side), 0)
    for min_map, place in expected.items():
        layer = network.cam_layer(min_map)
        assert layer.name == f"backbone.{place}"
        assert network.get_submodule(layer.name) is layer.module and network.training
        _check_alive(network, layer, min_map, side)


def _check_alive(network, layer, min_map, side):
    seen = []
    handle = layer.module.register_forward_hook(lambda module, args, output: seen.append(output))
    logits = network.eval()(torch.randn(2, 12, side, side))
    handle.remove()
    network.train()
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), seen)
    maps, pull = layer.reshape(seen[0]), layer.reshape(gradient)
    assert maps.shape[0] == 2 and min(maps.shape[-2:]) >= min_map
    assert pull.abs().sum() > 0


def test_where_no_map_is_as_large_the_largest_and_of_those_the_deepest_is_taken():
    network, _ = build_network(ModelConfig(backbone="test_vit", pretrained=False), ZINDI_BANDS, (32, 32), 0)
    assert network.cam_layer(8).name == "backbone.blocks.5.norm1"  # 2x2 is all there is


def test_tokens_are_laid_out_row_by_row():
    model = ModelConfig(backbone="test_vit", pretrained=False)
    network, _ = build_network(model, ZINDI_BANDS, (32, 48), 0)
    tokens = torch.arange(7.0).reshape(1, 7, 1)  # one class token, then 2x3
    assert network.cam_layer(2).reshape(tokens)[0, 0].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_the_map_is_that_of_the_size_inside_the_network():
    model = ModelConfig(backbone="test_resnet", pretrained=False, image_size=128)
    network, _ = build_network(model, ZINDI_BANDS, (32, 32), 0)
    outside, _ = build_network(ModelConfig(backbone="test_resnet", pretrained=False), ZINDI_BANDS, (128, 128), 0)
    assert network.cam_layer(8).name == outside.cam_layer(8).name
