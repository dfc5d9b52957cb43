"""Each family of the papers: one forward and backward pass, saved, loaded, with a layer for Grad-CAM, on tiny inputs.

A small member of each family, narrowed where timm lets it be: what differs between members is their size. The
full-size ones go through the same in ``benchmarks/experiments/full_backbones.py`` (four minutes on two busy cores).
"""

import json

import pytest
import torch

from core.config import ModelConfig, RunConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.errors import ConfigError
from core.train.loop import fit
from core.train.networks.backbones import build_network, load_network, save_network
from tests.builders import TRAIN_SIDE, TRAIN_TINY

NARROW = {"channels": [8, 16, 16, 16]}
FAMILIES = {
    "tf_efficientnetv2_b0": (32, {}),
    "tf_efficientnet_b0": (32, {}),
    "mobilenetv1_100": (32, {}),
    "mobilenetv2_100": (32, {}),
    "mobilenetv3_large_100": (32, {}),
    "resnet26": (32, NARROW),
    "wide_resnet50_2": (32, NARROW | {"layers": [1, 1, 1, 1]}),
    "regnety_002": (32, {}),
    "densenet121": (32, {"growth_rate": 4, "block_config": [1, 1, 1, 1]}),
    "inception_v3": (80, {}),
    "nasnetalarge": (64, {"stem_size": 8, "num_features": 192}),
    "vit_tiny_patch16_224": (32, {"depth": 2}),
    "swin_tiny_patch4_window7_224": (64, {"embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]}),
    "davit_tiny": (32, {"embed_dims": [8, 16, 16, 16], "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]}),
    "unet_resnet26": (32, NARROW | {"decoder": [16, 8, 8, 8]}),
    "unet_tf_efficientnetv2_b0": (32, {}),
    "baseline_cnn": (32, {}),
}  # fmt: skip
INPUTS = {3: (RGB_BANDS, ()), 12: (ZINDI_BANDS, ()), 20: (ZINDI_BANDS, "stack20")}

LARGE = ("inception_v3", "nasnetalarge")  # seconds each: 12 bands are enough to see that they take any number
CASES = [(name, n) for name in FAMILIES for n in INPUTS if n == 12 or name not in LARGE]


@pytest.mark.parametrize(("name", "n"), CASES)
def test_a_family_learns_is_kept_and_shows_where_it_looks(name, n, tmp_path):
    side, arguments = FAMILIES[name]
    bands, indices = INPUTS[n]
    model = ModelConfig(backbone=name, pretrained=False, indices=indices, arguments=arguments)
    network, report = build_network(model, bands, (side, side), 0)
    x = torch.randn(2, len(bands), side, side)
    assert len(report.mapping) == n
    network.train()(x).square().sum().backward()
    first = next(p for p in network.backbone.parameters() if p.ndim == 4)
    assert first.shape[1] == n and first.grad.isfinite().all() and first.grad.abs().sum() > 0
    save_network(network.eval(), tmp_path)
    assert torch.equal(load_network(tmp_path)(x), network(x))
    assert network.cam_layer(1).name.startswith("backbone.")


def test_inceptions_smallest_patch_is_told():
    with pytest.raises(ConfigError, match="64x64 pixels .* model.image_size"):
        build_network(ModelConfig(backbone="inception_v3", pretrained=False), RGB_BANDS, (64, 64), 0)


@pytest.mark.parametrize("loss", ["kl", "bce"])
@pytest.mark.parametrize("arguments", [{"kernel": 5}, {"widths": [8, 16]}, {"widths": [8, 16, 16, 32], "dense": 32}])
def test_the_second_papers_network_with_both_its_losses_and_its_variants(loss, arguments, made_patches, tmp_path):
    settings = [f"model.arguments={json.dumps(arguments)}", f"train.loss={loss}", "train.epochs=1"]
    config = RunConfig().with_overrides([*TRAIN_TINY, "model.backbone=baseline_cnn", *settings])
    network, _ = build_network(config.model, RGB_BANDS, (TRAIN_SIDE, TRAIN_SIDE), 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x, y = made_patches(16)
    (result,) = fit(network, x, y, x, y, config, "cpu", 0)
    assert result.train_loss > 0 and all(not torch.equal(v, before[k]) for k, v in network.state_dict().items())
    save_network(network, tmp_path)
    assert torch.equal(load_network(tmp_path)(torch.from_numpy(x)), network(torch.from_numpy(x)))
    assert network.cam_layer(1).name.startswith("backbone.stages.")
