"""Paper A's Figure 5: backbones by their number of parameters."""

from __future__ import annotations

from core.config import RunConfig
from core.experiments.base import Asked, Kind, Row

# The families of both papers at their full size, and a narrow member of the same family that two cores can train.
FAMILIES = {
    "efficientnetv2": ("EfficientNetV2", "tf_efficientnetv2_l.in21k_ft_in1k", "tf_efficientnetv2_b0"),
    "efficientnet": ("EfficientNet", "tf_efficientnet_b3.aa_in1k", "tf_efficientnet_lite0"),
    "regnet": ("RegNetY", "regnety_320.tv2_in1k", "regnety_004"),
    "wide_resnet": ("Wide ResNet", "wide_resnet50_2.tv2_in1k", "resnet34"),
    "resnet": ("ResNet", "resnet50.a1_in1k", "resnet18"),
    "densenet": ("DenseNet", "densenet121.ra_in1k", "densenet121"),
    "inception": ("Inception v3", "inception_v3.tv_in1k", None),  # needs 75 pixels at the least
    "mobilenet": ("MobileNet", "mobilenetv1_100.ra4_e3600_r224_in1k", "mobilenetv3_small_075"),
    "swin": ("Swin", "swin_base_patch4_window7_224.ms_in22k_ft_in1k", None),
    "davit": ("DaViT", "davit_base.msft_in1k", None),
}
FIXED_SIDE = {"swin": 224, "davit": 224}


def rows(asked: Asked) -> list[Row]:
    """One recipe, a row a backbone; a small budget has narrow members of the families, all from random weights."""
    base, small = asked.base("table2-baseline"), asked.budget == "small"
    found = []
    for name, (title, full, narrow) in FAMILIES.items():
        backbone = narrow if small else full
        if backbone is None:
            continue
        settings = [f"model.backbone={backbone}", "model.arguments={}"]
        settings += ["model.pretrained=false"] if small else []
        settings += [f"model.image_size={FIXED_SIDE[name]}"] if name in FIXED_SIDE else []
        found.append(Row(name, f"{title} ({backbone.partition('.')[0]})", base.with_overrides(settings)))
    return found


def shrink(config: RunConfig) -> list[str]:
    """A quarter of the side."""
    side = config.model.image_size
    return [] if side is None else [f"model.image_size={max(16, side // 4)}"]


KIND = Kind(
    name="backbones",
    title="Backbones (paper A, Figure 5)",
    summary="F1 of the families of backbones that the papers compare, by their number of parameters (paper A, Figure "
    "5).",
    rows=rows,
    shrink=shrink,
    figure="parameters",
    across="Parameters (millions)",
)
