"""What learns and what stays still: frozen parts, batch normalisation, phases."""

import numpy as np
import pytest
import timm
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from core.config import ModelConfig, TrainConfig
from core.data.bands import RGB_BANDS
from core.errors import ConfigError
from core.train.loop import fit
from core.train.networks.backbones import build_network
from core.train.optimisation.unfreezing import backbone_blocks, lr_scales, opening_at

SIDE = 24  # pixels, of made_patches


def fresh(config):
    return build_network(config.model, RGB_BANDS, (SIDE, SIDE), 0)[0]


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def changed(config, made_patches, **more):
    """Names of the weights and statistics that training changed."""
    network = fresh(config)
    before = state(network)
    x, y = made_patches(24)
    list(fit(network, x, y, x, y, config, "cpu", 0, **more))
    assert all(p.requires_grad for p in network.parameters())
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def is_statistic(name):
    return "running_" in name or "num_batches" in name


@pytest.mark.parametrize("ema", ["none", "0.9"])
def test_a_frozen_backbone_learns_its_head_only_and_keeps_its_running_statistics(config, made_patches, ema):
    config = config.with_overrides(["train.trainable=head", "train.epochs=1", f"train.ema_decay={ema}"])
    assert changed(config, made_patches) == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("settings", ["train.trainable=layers train.top_layers=9", "train.trainable=blocks"])
def test_opened_layers_learn_while_batch_normalisation_stays_as_it_was(config, made_patches, settings):
    config = config.with_overrides([*settings.split(), "train.epochs=1"])
    found = changed(config, made_patches)
    norms = {name for name, module in fresh(config).named_modules() if isinstance(module, _BatchNorm)}
    assert any(name.startswith("backbone.") for name in found) and "classifier.weight" in found
    assert not any(is_statistic(name) or name.rpartition(".")[0] in norms for name in found)


def test_batch_normalisation_moves_where_it_is_told_to_but_not_in_the_closed_part(config, made_patches):
    config = config.with_overrides(["train.trainable=blocks", "train.top_blocks=1", "train.epochs=1"])
    found = changed(config.with_overrides(["train.batch_norm=train"]), made_patches)
    moved = {name.split(".")[1] for name in found if is_statistic(name)}
    opened = {name.split(".")[1] for names in backbone_blocks(fresh(config))[-1:] for name in names}
    assert moved and moved <= opened


def test_all_open_with_frozen_normalisation_keeps_its_statistics(config, made_patches):
    config = config.with_overrides(["train.batch_norm=frozen", "train.epochs=1"])
    found = changed(config, made_patches)
    assert "backbone.conv1.0.weight" in found and not any(map(is_statistic, found))


def test_layers_are_leaf_modules_as_facts_counts_them():
    backbone = timm.create_model("tf_efficientnet_b3", num_classes=1000)
    leaves = [module for module in backbone.modules() if not list(module.children())]
    assert len(leaves) == 393 and sum(isinstance(module, _BatchNorm) for module in backbone.modules()) == 78


def test_normalisation_that_holds_its_activation_opens_with_it():
    network = build_network(ModelConfig(backbone="test_efficientnet", pretrained=False), RGB_BANDS, (32, 32), 0)[0]
    config = TrainConfig(trainable="layers", top_layers=8, batch_norm="train")
    opening = opening_at(1, network, config)
    assert {"backbone.bn2.weight", "backbone.bn2.bias"} <= opening.parameters
    assert "backbone.bn2" not in opening.frozen_norms and "backbone.bn1" in opening.frozen_norms


def test_the_top_layers_are_the_last_leaf_modules(network):
    leaves = [name for name, module in network.backbone.named_modules() if not list(module.children())]
    config = TrainConfig(trainable="layers", top_layers=6, batch_norm="train")
    opened = {name.rpartition(".")[0] for name in opening_at(1, network, config).parameters}
    weighty = {f"backbone.{name}" for name in leaves[-6:] if list(network.backbone.get_submodule(name).parameters())}
    assert opened == weighty | {"classifier"} and weighty


def test_more_layers_than_there_are_open_all(network):
    config = TrainConfig(trainable="layers", top_layers=5000, batch_norm="train")
    assert opening_at(1, network, config).parameters == {name for name, _ in network.named_parameters()}


def test_the_three_phases_open_head_then_top_then_all(network):
    config = TrainConfig(head_epochs=2, top_epochs=3, top_layers=6)
    sizes = [len(opening_at(epoch, network, config).parameters) for epoch in range(1, 8)]
    n = len(list(network.parameters()))
    assert sizes[0] == sizes[1] == 2 and sizes[2] == sizes[3] == sizes[4] and 2 < sizes[2] < n
    assert sizes[5] == sizes[6] == n
    assert opening_at(1, network, config).frozen_norms and not opening_at(6, network, config).frozen_norms


def test_phases_change_what_learns_as_training_goes(config, made_patches):
    phases = config.with_overrides(["train.epochs=2", "train.head_epochs=1", "train.select=fold_best"])
    x, y = made_patches(24)
    network = fresh(phases)
    before = state(network)
    epochs = fit(network, x, y, x, y, phases, "cpu", 0)
    next(epochs)
    assert torch.equal(network.state_dict()["backbone.conv1.0.weight"], before["backbone.conv1.0.weight"])
    trained = network.backbone.conv1[0].weight
    assert not trained.requires_grad
    next(epochs)
    assert network.backbone.conv1[0].weight.requires_grad


def test_blocks_are_timms_and_hold_every_parameter_once():
    network = build_network(ModelConfig(backbone="test_efficientnet", pretrained=False), RGB_BANDS, (32, 32), 0)[0]
    blocks = backbone_blocks(network)
    names = [name for block in blocks for name in block]
    assert sorted(names) == sorted(f"backbone.{name}" for name, _ in network.backbone.named_parameters())
    scales = lr_scales(network, 0.5)
    assert scales[blocks[-1][0]] == 0.5 and scales[blocks[0][0]] == 0.5 ** len(blocks)


def test_a_backbone_without_blocks_says_so(network):
    network.backbone = torch.nn.Conv2d(3, 4, 3)
    with pytest.raises(ConfigError, match="blocks of this backbone"):
        backbone_blocks(network)


def test_position_embeddings_open_with_everything_only():
    network = build_network(ModelConfig(backbone="test_vit", pretrained=False), RGB_BANDS, (32, 32), 0)[0]
    few, every = (opening_at(1, network, TrainConfig(trainable=part, top_layers=900)) for part in ("layers", "all"))
    assert "backbone.pos_embed" in every.parameters - few.parameters
    assert np.all([name.startswith("backbone.") for name in every.parameters - few.parameters])
