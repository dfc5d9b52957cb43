"""The backbones that the forms list, and what their networks can start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.config import RunConfig, packaged_weights
from core.config.training import BEFORE, BRANCHES, PACKAGED, SAR
from core.data.bands import Band
from core.errors import ConfigError

BACKBONES = (
    "baseline_cnn",
    "mobilenetv4_conv_small",
    "tf_efficientnet_lite0",
    "resnet18",
    "unet_resnet18",
    "tf_efficientnetv2_b0",
    "mobilenetv1_100.ra4_e3600_r224_in1k",
    "mobilenetv3_large_100.ra_in1k",
    "densenet121.ra_in1k",
    "tf_efficientnet_b3.aa_in1k",
    "tf_efficientnet_b4.aa_in1k",
    "inception_v3.tv_in1k",
    "resnet50.a1_in1k",
    "davit_tiny.msft_in1k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "wide_resnet50_2.tv2_in1k",
    "nasnetalarge.tf_in1k",
    "swin_base_patch4_window7_224.ms_in22k_ft_in1k",
    "vit_base_patch16_224.augreg2_in21k_ft_in1k",
    "tf_efficientnetv2_l.in21k_ft_in1k",
    "regnety_320.tv2_in1k",
)
INITIAL: dict[Any, str] = {  # model.pretrained
    True: "from the hub (downloaded)",
    PACKAGED: "packaged (no download)",
    False: "random",
}
SMALLEST = {"inception_v3.tv_in1k": 75}  # side in pixels, of those that cannot take 32


def offered_branches(bands: Sequence[Band]) -> list[str]:
    """The values of model.branches that a network on these bands can have."""
    names, modalities = {band.name for band in bands}, {band.modality for band in bands}
    there = {SAR} & modalities | ({BEFORE} if any(f"{name}_pre" in names for name in names) else set())
    return [name for name, parts in BRANCHES.items() if {SAR, BEFORE} & set(parts) <= there]


def initial_weights(backbone: str) -> list:
    """What the network of this backbone can start from: keys of ``INITIAL``."""
    there = packaged_weights.known(backbone) is not None
    return [one for one in INITIAL if there or one != PACKAGED]


def check_size(config: RunConfig, patch_hw: tuple[int, int]) -> None:
    """Raises ConfigError for a listed backbone that cannot take patches of this size (pixels), before it is queued."""
    least, side = SMALLEST.get(config.model.backbone, 0), config.model.image_size or min(patch_hw)
    if side < least:
        raise ConfigError(
            f"{config.model.backbone} needs patches of at least {least} pixels a side; they would have {side}. Set "
            "“Side after resizing (pixels)” to that or more, for example 96, or choose another backbone."
        )
