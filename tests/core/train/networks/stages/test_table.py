"""Table 1 of paper A for any backbone, against the printed tables."""

import pytest
from torch import nn

from core.config import ModelConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.train.networks.backbones import build_network
from core.train.networks.stages import blocks
from core.train.networks.stages.table import stages

# Paper A, Table 1: operator, kernel, squeeze-and-excitation, expansion, stride, channels, layers.
TABLE_1 = [
    ("Conv", "3×3", False, None, 2, 32, 1),
    ("Fused-MBConv", "3×3", False, 1, 1, 32, 4),
    ("Fused-MBConv", "3×3", False, 4, 2, 64, 7),
    ("Fused-MBConv", "3×3", False, 4, 2, 96, 7),
    ("MBConv", "3×3", True, 4, 2, 192, 10),
    ("MBConv", "3×3", True, 6, 1, 224, 19),
    ("MBConv", "3×3", True, 6, 2, 384, 25),
    ("MBConv", "3×3", True, 6, 1, 640, 7),
    ("Conv 1×1 & AvgPool & FC", "", False, None, None, 1280, 1),
]
# Tan and Le, 2019, Table 1 (EfficientNet-B0); EfficientNet-Lite0 is the same without squeeze-and-excitation.
B0 = [
    ("Conv", "3×3", None, 2, 32, 1),
    ("MBConv", "3×3", 1, 1, 16, 1),
    ("MBConv", "3×3", 6, 2, 24, 2),
    ("MBConv", "5×5", 6, 2, 40, 2),
    ("MBConv", "3×3", 6, 2, 80, 3),
    ("MBConv", "5×5", 6, 1, 112, 3),
    ("MBConv", "5×5", 6, 2, 192, 4),
    ("MBConv", "3×3", 6, 1, 320, 1),
    ("Conv 1×1 & AvgPool & FC", "", None, None, 1280, 1),
]
LAYERS_18 = [("layer1", 1, 64), ("layer2", 2, 128), ("layer3", 2, 256), ("layer4", 2, 512)]


def built(name, side=64, bands=RGB_BANDS, **more):
    return build_network(ModelConfig(backbone=name, pretrained=False, **more), bands, (side, side), 0)[0]


def rows(name, **more):
    return stages(built(name, **more))


def printed(row):
    return row.operator, row.kernel, row.squeeze, row.expansion, row.stride, row.channels, row.layers


def test_efficientnetv2_l_is_paper_as_table_1_row_by_row():
    assert [printed(row) for row in rows("tf_efficientnetv2_l", side=32, bands=ZINDI_BANDS)] == TABLE_1


@pytest.mark.parametrize(
    ("name", "squeeze", "side"), [("efficientnet_b0", True, 64), ("tf_efficientnet_lite0", False, 16)]
)
def test_efficientnet_b0_and_lite0_are_as_printed(name, squeeze, side):
    """At 16 pixels the maps cannot halve as often as the layers stride: strides are read from the layers."""
    found = rows(name, side=side)
    assert [(r.operator, r.kernel, r.expansion, r.stride, r.channels, r.layers) for r in found] == B0
    assert [r.squeeze for r in found] == [False, *[squeeze] * 7, False]


def test_efficientnetv2_b0_has_a_first_stage_without_expansion_and_without_a_shortcut():
    """Tan and Le, 2021, Table 4 in its B0 form."""
    found = [(r.operator, r.expansion, r.stride, r.channels, r.layers) for r in rows("tf_efficientnetv2_b0")[1:4]]
    assert found == [("Fused-MBConv", 1, 1, 16, 1), ("Fused-MBConv", 4, 2, 32, 2), ("Fused-MBConv", 4, 2, 48, 2)]


def test_resnets_are_as_printed():
    """He et al., 2016, Table 1."""
    found = rows("resnet18")
    assert [printed(row)[:2] + printed(row)[4:] for row in found] == [
        ("Conv", "7×7", 2, 64, 1),
        ("MaxPool", "3×3", 2, 64, 1),
        *(("Basic block", "3×3", stride, channels, 2) for _, stride, channels in LAYERS_18),
        ("AvgPool & FC", "", None, 512, 1),
    ]
    assert [row.name for row in found[2:6]] == [name for name, *_ in LAYERS_18]
    assert [row.rows for row in found] == [32, 16, 16, 8, 4, 2, 1]
    narrow = rows("resnet50", arguments={"channels": [8, 8, 16, 16]})
    assert [(r.operator, r.expansion, r.layers) for r in narrow[2:6]] == [("Bottleneck", 0.25, n) for n in (3, 4, 6, 3)]


def test_plain_convolutions_are_listed_one_by_one():
    assert [printed(row) for row in rows("baseline_cnn")] == [
        ("Conv", "3×3", False, None, 1, 16, 1),
        ("MaxPool", "2×2", False, None, 2, 16, 1),
        ("Conv", "3×3", False, None, 1, 32, 1),
        ("MaxPool", "2×2", False, None, 2, 32, 1),
        ("Conv", "3×3", False, None, 1, 64, 1),
        ("MaxPool", "2×2", False, None, 2, 64, 1),
        ("Dense & FC", "", False, None, None, 128, 1),
    ]


def test_a_unet_goes_down_and_up_again():
    found = rows("unet_resnet18", arguments={"channels": [8, 8, 16, 16], "decoder": [16, 8, 8, 8]})
    up = [row for row in found if row.name.startswith("decoder")]
    assert [(row.stride, row.channels, row.rows) for row in up] == [
        (0.5, 16, 4),
        (0.5, 8, 8),
        (0.5, 8, 16),
        (0.5, 8, 32),
    ]
    assert found[-1].operator == "AvgPool & FC" and found[-1].channels == 8 + 16


def test_two_branches_are_listed_one_after_the_other_and_joined():
    narrow = {"channels": [8, 8, 16, 16]}
    found = rows("resnet18", bands=ZINDI_BANDS, branches="optical_sar", arguments=narrow, statistics_branch=True)
    names = [row.name.split(".")[0] for row in found]
    assert names == ["optical"] * 7 + ["sar"] * 7 + ["classifier"]
    assert found[-1].operator == "Concatenation & joined with statistics & FC"


def test_other_families_have_their_words():
    tiny = {"embed_dim": 16, "depths": [1, 1, 2, 1], "num_heads": [1, 1, 2, 2]}
    swin = rows("swin_tiny_patch4_window7_224", arguments=tiny)
    assert [(r.operator, r.stride, r.channels, r.layers) for r in swin if r.name.startswith("layers.2")] == [
        ("Patch merging", 2, 64, 1),
        ("Swin block", 1, 64, 2),
    ]
    vit = rows("vit_tiny_patch16_224", arguments={"depth": 2})
    assert [(r.operator, r.expansion, r.rows) for r in vit[:2]] == [
        ("Patch embedding", None, 4),
        ("Transformer block", 4, 4),
    ]
    assert vit[-1].operator == "Class token & FC"
    convnext = rows("convnext_atto", arguments={"dims": [8, 8, 16, 16], "depths": [1, 1, 1, 1]})
    assert [(r.operator, r.kernel, r.expansion) for r in convnext[1:3]] == [
        ("ConvNeXt block", "7×7", 4),
        ("Conv", "2×2", None),
    ]
    turns = {"embed_dims": [8, 8, 16, 16], "depths": [1, 1, 3, 1], "num_heads": [1, 1, 2, 2]}
    assert ("Spatial attention + Channel attention", 3) in [
        (r.operator, r.layers) for r in rows("davit_tiny", arguments=turns)
    ]


def test_a_block_that_nobody_knows_keeps_the_name_of_its_class():
    class Strange(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 5, stride=2), nn.Conv2d(4, 8, (1, 7))

    block = blocks.read(Strange())
    assert (block.operator, block.kernel, block.expansion, block.stride) == ("Strange", "5×5, 1×7", None, None)


def test_the_network_is_left_as_it_was():
    network = built("baseline_cnn").train()
    stages(network)
    assert network.training and not any(module._forward_hooks for module in network.modules())
