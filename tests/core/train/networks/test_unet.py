"""A U-Net around a timm encoder, pooled at both ends."""

import numpy as np
import pytest
import timm
import torch

from core.config import ModelConfig, TrainConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.errors import ConfigError
from core.explain.cam.gradcam import gradcam
from core.io import safetensors_file
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.networks.stages.table import stages
from core.train.optimisation.unfreezing import backbone_blocks, opening_at

NARROW = {"channels": [8, 16, 24, 32]}


def built(name="unet_resnet18", bands=ZINDI_BANDS, side=64, arguments=None, **more):
    model = ModelConfig(backbone=name, pretrained=False, arguments=NARROW if arguments is None else arguments, **more)
    return build_network(model, bands, (side, side), 0)


@pytest.mark.parametrize(
    ("name", "side", "arguments"),
    [
        ("unet_resnet18", 64, NARROW | {"decoder": [16, 12, 8, 8]}),
        ("unet_tf_efficientnetv2_b0", 32, {}),
        ("unet_mobilenetv4_conv_small", 32, {}),
        ("unet_vit_tiny_patch16_224", 64, {"depth": 4}),
        ("unet_test_convnext", 64, {}),
    ],
)
def test_it_learns_is_kept_and_shows_where_it_looks(name, side, arguments, tmp_path):
    network, report = built(name, side=side, arguments=arguments)
    x = torch.randn(2, 12, side, side)
    assert network.train()(x).shape == (2, 2)
    network.train()(x).square().sum().backward()
    assert all(p.grad is not None for name, p in network.named_parameters() if ".decoder." in name)
    save_network(network.eval(), tmp_path)
    assert torch.equal(load_network(tmp_path)(x), network(x))
    assert network.cam_layer(2).name.startswith("backbone.encoder.")
    layers = [layer.name for layer in network.cam_layers()]
    assert any(".decoder." in name for name in layers)
    assert len(report.mapping) == 12 and stages(network)


def test_grad_cams_default_is_the_encoders_last_stage_that_is_large_enough():
    network = built()[0].eval()
    assert network.cam_layer(1).name == "backbone.encoder.layer4.1"
    maps, layer = gradcam(network, np.random.default_rng(0).normal(size=(2, 12, 64, 64)).astype(np.float32), target=0)
    assert layer == "backbone.encoder.layer2.1" and maps.shape == (2, 8, 8)


def test_the_embedding_is_the_decoders_mean_beside_the_encoders():
    network = built(arguments=NARROW | {"decoder": [16, 12, 8, 6]})[0].eval()
    x = torch.randn(3, 12, 64, 64)
    encoder = network.backbone.encoder
    deepest = encoder.forward_intermediates(x, intermediates_only=True)[-1]
    found = network.embed(x)
    assert found.shape == (3, 6 + 32) and torch.allclose(found[:, 6:], deepest.mean(dim=(2, 3)))


def test_timms_weights_fill_the_encoder_and_leave_the_decoder_random(tmp_path):
    torch.manual_seed(5)
    state = {k: v.numpy() for k, v in timm.create_model("resnet18", **NARROW).state_dict().items()}
    safetensors_file.save_arrays(tmp_path / "w.safetensors", state)
    network, report = built(bands=RGB_BANDS, weights=str(tmp_path / "w.safetensors"))
    assert np.array_equal(network.backbone.encoder.layer3[0].conv1.weight.detach(), state["layer3.0.conv1.weight"])
    assert all(name.startswith("decoder.") for name in report.missing) and report.missing


def test_weights_of_a_run_with_a_unet_are_taken_over_whole(tmp_path):
    first = built()[0]
    save_network(first, tmp_path)
    network, report = build_network(
        ModelConfig(backbone="unet_resnet18", arguments=NARROW, weights=str(tmp_path)), ZINDI_BANDS, (64, 64), 9
    )
    assert not report.missing
    assert all(torch.equal(v, first.backbone.state_dict()[k]) for k, v in network.backbone.state_dict().items())


def test_its_decoder_is_the_last_block_and_its_top_layers():
    network = built()[0]
    assert all(".decoder." in name for name in backbone_blocks(network)[-1])
    opened = opening_at(1, network, TrainConfig(trainable="layers", top_layers=3)).parameters
    assert all(".decoder." in name for name in opened if name.startswith("backbone."))


def test_what_cannot_be_built_is_refused_in_words():
    with pytest.raises(ConfigError, match="decoder: 4 whole numbers"):
        built(arguments=NARROW | {"decoder": [8, 8]})
    with pytest.raises(ConfigError, match="no backbone 'resnet17'"):
        built("unet_resnet17")
