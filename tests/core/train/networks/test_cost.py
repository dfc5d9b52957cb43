import pytest
import timm

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.train.networks.backbones import build_network
from core.train.networks.cost import network_facts


def built(name, side=64, bands=RGB_BANDS, **more):
    return build_network(ModelConfig(backbone=name, pretrained=False, **more), bands, (side, side), 0)[0]


def test_the_facts_are_counted_and_the_network_stays_as_it_was():
    network = built("resnet18").train()
    facts = network_facts(network, repeats=1)
    of_timm = sum(p.numel() for p in timm.create_model("resnet18", num_classes=2).parameters())
    assert facts.parameters == of_timm and facts.megabytes == pytest.approx(of_timm * 4 / 1e6)
    assert facts.depth == 17 + 3 + 1 and facts.ms > 0 and network.training  # 3: convolutions beside a shortcut
