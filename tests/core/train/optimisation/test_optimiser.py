import copy

import numpy as np
import pytest
import torch

from core.config import ModelConfig, TrainConfig
from core.data.bands import RGB_BANDS
from core.train.networks.backbones import build_network
from core.train.optimisation.optimiser import WeightAverage, build_optimiser, pack, unpack


def step(network, optimiser, seed=0):
    x = torch.randn(4, 3, 24, 24, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    network(x).square().sum().backward()
    optimiser.step()


def test_adamw_decays_weights_but_no_norm_bias_or_position_embedding():
    network, _ = build_network(ModelConfig(backbone="test_vit", pretrained=False), RGB_BANDS, (32, 32), 0)
    optimiser = build_optimiser(network, TrainConfig(optimizer="adamw", weight_decay=0.1))
    decayed = {id(p) for p in optimiser.param_groups[0]["params"]}
    names = {name for name, p in network.named_parameters() if id(p) in decayed}
    assert "classifier.weight" in names and "backbone.blocks.0.attn.qkv.weight" in names
    assert not any(name.endswith("bias") or "norm" in name for name in names)
    assert "backbone.pos_embed" not in names and "backbone.cls_token" not in names
    assert [group["weight_decay"] for group in optimiser.param_groups] == [0.1, 0.0]
    assert sum(len(group["params"]) for group in optimiser.param_groups) == len(list(network.parameters()))


def test_adam_holds_every_parameter_in_one_group(network):
    optimiser = build_optimiser(network, TrainConfig(optimizer="adam", weight_decay=0.0))
    assert len(optimiser.param_groups) == 1 and type(optimiser) is torch.optim.Adam


def test_the_average_is_the_debiased_exponential_average_of_weights_and_running_statistics(network):
    optimiser, average = build_optimiser(network, TrainConfig(lr=0.01)), WeightAverage(network, 0.9)
    expected = {name: value.clone().double() for name, value in network.state_dict().items()}
    for t in range(5):
        step(network, optimiser, t)
        average.update()
        decay = min(0.9, (1 + t) / (10 + t))
        for name, value in network.state_dict().items():
            expected[name] = expected[name] * decay + value.double() * (1 - decay)
    for name, value in average.network.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value.double(), expected[name], atol=1e-6), name
        else:
            assert value == network.state_dict()[name]
    assert average.updates == 5 and not any(p.requires_grad for p in average.network.parameters())


def test_what_was_unpacked_goes_on_exactly_as_what_was_packed(network):
    other = copy.deepcopy(network)
    optimiser, average = build_optimiser(network, TrainConfig(lr=0.01)), WeightAverage(network, 0.9)
    for t in range(2):
        step(network, optimiser, t)
        average.update()
    packed = {name: np.array(array, order="C") for name, array in pack(network, optimiser, average).items()}
    twin, twin_average = build_optimiser(other, TrainConfig(lr=0.01)), WeightAverage(other, 0.9)
    unpack(packed, other, twin, twin_average, updates=2)
    for net, opt, avg in ((network, optimiser, average), (other, twin, twin_average)):
        step(net, opt, 9)
        avg.update()
    for a, b in ((network, other), (average.network, twin_average.network)):
        for name, value in a.state_dict().items():
            assert torch.equal(value, b.state_dict()[name]), name


@pytest.mark.parametrize(
    ("name", "peer", "more"),
    [
        ("adam", torch.optim.Adam, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.8}),
        ("rmsprop", torch.optim.RMSprop, {}),
        ("nadam", torch.optim.NAdam, {}),
    ],
)
def test_each_optimiser_steps_as_torchs_own_does(network, name, peer, more):
    twin = copy.deepcopy(network)
    ours = build_optimiser(network, TrainConfig(optimizer=name, lr=0.01, weight_decay=0.1, momentum=0.8))
    theirs = peer(twin.parameters(), lr=0.01, weight_decay=0.1, **more)
    for t in range(3):
        step(network, ours, t)
        step(twin, theirs, t)
    assert type(ours) is peer
    for a, b in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)  # a hundredth of a step


def test_discriminative_rates_are_timms(network):
    from timm.optim import param_groups_layer_decay

    expected = {}
    for group in param_groups_layer_decay(network.backbone, layer_decay=0.5, weight_decay=0.0):
        expected |= {id(p): group["lr_scale"] for p in group["params"]}
    optimiser = build_optimiser(network, TrainConfig(layer_decay=0.5))
    found = {id(p): group["lr_scale"] for group in optimiser.param_groups for p in group["params"]}
    names = {id(p): name for name, p in network.named_parameters()}
    deepest = max(expected.values())
    for key, scale in expected.items():
        assert found[key] == pytest.approx(0.5 * scale / deepest), names[key]
    assert found[id(network.classifier.weight)] == 1 and len(found) == len(names)
