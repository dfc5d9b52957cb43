"""What a backbone's weights expect of red, green and blue: the mean and spread of the pictures they were trained on.

Centre and scale of each such band in its own unit, for the normaliser "model".
"""

from __future__ import annotations

from collections.abc import Sequence

import timm

from core.config import ModelConfig
from core.config.packaged_weights import asked_for, of_backbone
from core.data.bands import TO_REFLECTANCE, Band

RGB = ("red", "green", "blue")


def model_scaling(model: ModelConfig, bands: Sequence[Band]) -> dict[str, tuple[float, float]]:
    """Band name -> (centre, scale) in the band's unit, of red, green and blue where the unit leads to 0-1.

    timm's ``mean`` and ``std`` of the backbone: 0.5 for tf_efficientnetv2's s to xl, nasnet and inception, ImageNet's
    for most others; they belong to pictures in 0-1. An unknown backbone gives ImageNet's. Packaged weights have their
    own, on their card.
    """
    packaged = model.backbone in asked_for(model)
    config = of_backbone(model.backbone) if packaged else _pretrained_cfg(model.backbone)
    mean = config.mean if config is not None else timm.data.IMAGENET_DEFAULT_MEAN
    std = config.std if config is not None else timm.data.IMAGENET_DEFAULT_STD
    scaling = {}
    for band in bands:
        if band.name in RGB and band.unit in TO_REFLECTANCE:
            place, unit = RGB.index(band.name), 1 / TO_REFLECTANCE[band.unit]
            scaling[band.name] = (mean[place] * unit, std[place] * unit)
    return scaling


def _pretrained_cfg(backbone: str):
    try:
        return timm.models.get_pretrained_cfg(backbone, allow_unregistered=True)
    except RuntimeError:  # the architecture is known, the tag after the dot is not: building it says so
        return None
