"""What the presets are for: groups with a sentence each, and what tells a preset from the others of its group."""

from __future__ import annotations

from typing import NamedTuple

from core.config.packaged_weights import WEIGHTS

LITE0 = "tf_efficientnet_lite0"  # of the preset transfer
FEW = 500  # labelled patches: below, longer training is not worth its time


class Group(NamedTuple):
    """Presets with one purpose. purpose: a sentence; presets: name -> what it does."""

    title: str
    purpose: str
    presets: dict[str, str]


GROUPS: dict[str, Group] = {
    "try": Group(
        "Try it out",
        "Minutes on a laptop: a small network, to see every page filled. Not for figures that are reported.",
        {"demo": "ResNet-18-D at a quarter of its width, 10 epochs"},
    ),
    "work": Group(
        "Real work, small machine",
        "An hour or less on two cores for a few thousand patches, without a download: a network and band statistics, "
        "combined.",
        {
            "transfer": "EfficientNet-Lite0 from packaged ImageNet weights, opened in three phases, combined with band "
            "statistics",
            "small": "ResNet-18 at half its width from random weights, spectral indices, 25 epochs, combined with band "
            "statistics",
        },
    ),
    "columns": Group(
        "Table of columns",
        "Minutes on a processor: the heads of paper A's Table 3 on the numbers themselves, for a dataset without "
        "pictures.",
        {"columns": "Boosted trees, SVMs and logistic regression, no network"},
    ),
    "board": Group(
        "The board's best",
        "After the second place of Zindi's landslide challenge, for its 12 bands: 256 pixels, 20 epochs, a loss that "
        "counts F1. Its backbones are not known; these start from packaged ImageNet weights. They need a GPU.",
        {
            "board2-two": "Two encoders: optical, SAR differences",
            "board2-three": "Three encoders: optical, SAR differences, indices",
            "board2-optical": "One encoder: optical bands alone",
        },
    ),
    "paper_a": Group(
        "Paper A (Table 2)",
        "The rows of paper A's Table 2: EfficientNetV2-L, 50 epochs. They need a GPU and download weights.",
        {
            "table2-baseline": "Baseline: 256 pixels, constant learning rate",
            "table2-384-mixup": "384 pixels and MixUp",
            "table2-20ch": "20 channels (12 bands, 8 indices), MixUp and CutMix",
            "table2-mixup-cutmix": "MixUp and CutMix",
            "table2-step": "MixUp and CutMix, learning rate in steps",
            "table2-cosine": "MixUp and CutMix, cosine learning rate",
            "table2-robust": "MixUp and CutMix, cosine, robust normalisation",
            "table2-smote": "MixUp and CutMix, cosine, five SSIM-SMOTE patches per landslide",
        },
    ),
    "paper_b": Group(
        "Paper B (transfer learning)",
        "Paper B's recipes for RGB images: pretrained backbones, frozen or opened from the top. They need a GPU; most "
        "download weights.",
        {
            "uva-baseline": "Five-layer network from scratch",
            "uva-baseline-bce": "Five-layer network, binary cross-entropy",
            "uva-efficientnetb3": "EfficientNetB3, frozen",
            "uva-resnet50": "ResNet-50, frozen",
            "uva-mobilenet": "MobileNet, frozen",
            "uva-densenet121": "DenseNet-121, frozen",
            "uva-nasnetlarge": "NASNet-Large, frozen",
            "uva-finetune-10": "EfficientNetB3, last 10 layers trained",
            "uva-finetune-15": "EfficientNetB3, last 15 layers trained",
            "uva-finetune-20": "EfficientNetB3, last 20 layers trained",
            "uva-finetune-40": "EfficientNetB3, last 40 layers trained",
            "uva-efficientnetb4": "EfficientNetB4, last 15 layers trained",
            "uva-blocks": "EfficientNetB3, last two blocks trained",
            "uva-transfer": "EfficientNetB3 from another run's weights, last 40 layers trained",
            "uva-three-phases": "EfficientNetB3 opened in three phases: head, top layers, everything",
        },
    ),
}


def group_of(preset: str) -> str:
    """Key of the group that a preset belongs to."""
    return next(key for key, group in GROUPS.items() if preset in group.presets)


def sensible(n_labelled: int, simulated: bool, pictures: bool = True) -> str:
    """The preset for a dataset that nobody has chosen one for; few or simulated patches are for trying out.

    Of the two for real work the one that reaches more (docs/transfer.md), where its weights are installed.
    """
    if not pictures:
        return "columns"
    if simulated or n_labelled < FEW:
        return "demo"
    return "transfer" if WEIGHTS[LITE0].path() is not None else "small"
