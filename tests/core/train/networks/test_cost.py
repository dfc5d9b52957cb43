import pytest
import timm

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.train.networks.backbones import build_network
from core.train.networks.cost import network_facts, stages


def built(name, side=64, bands=RGB_BANDS, **more):
    return build_network(ModelConfig(backbone=name, pretrained=False, **more), bands, (side, side), 0)[0]


def test_the_facts_are_counted_and_the_network_stays_as_it_was():
    network = built("resnet18").train()
    facts = network_facts(network, repeats=1)
    of_timm = sum(p.numel() for p in timm.create_model("resnet18", num_classes=2).parameters())
    assert facts.parameters == of_timm and facts.megabytes == pytest.approx(of_timm * 4 / 1e6)
    assert facts.depth == 17 + 3 + 1 and facts.ms > 0 and network.training  # 3: convolutions beside a shortcut


def test_stages_are_those_of_efficientnetv2s_table():
    """Tan and Le, 2021, Table 4 in its B0 form: operators, strides, channels, layers."""
    rows = [(r.operator, r.stride, r.channels, r.layers) for r in stages(built("tf_efficientnetv2_b0"))]
    assert rows[0][1:3] == (2, 32)
    assert [row for row in rows if row[0] in ("ConvBnAct", "EdgeResidual", "InvertedResidual")] == [
        ("ConvBnAct", 1, 16, 1),
        ("EdgeResidual", 2, 32, 2),
        ("EdgeResidual", 2, 48, 2),
        ("InvertedResidual", 2, 96, 3),
        ("InvertedResidual", 1, 112, 5),
        ("InvertedResidual", 2, 192, 8),
    ]


def test_a_transformer_whose_maps_end_in_channels_is_read_rightly():
    tiny = {"embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]}
    rows = stages(built("swin_tiny_patch4_window7_224", arguments=tiny))
    assert [row.channels for row in rows if row.name.startswith("layers.")] == [16, 32, 64, 128]
