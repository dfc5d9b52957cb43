"""Paper A's Table 2: what resolution, indices, mixing, schedule, normalisation and SSIM-SMOTE are worth."""

from __future__ import annotations

from typing import Any

from core.config import RunConfig, preset
from core.config.preset_groups import GROUPS
from core.experiments.base import Asked, Kind, Row

BASELINE = "table2-baseline"
PRINTED = {  # train and test F1 as the paper prints them
    "table2-baseline": (0.9398, 0.8370), "table2-384-mixup": (0.9976, 0.7866), "table2-20ch": (0.9469, 0.8163),
    "table2-mixup-cutmix": (0.9891, 0.8606), "table2-step": (0.9713, 0.8379), "table2-cosine": (0.9988, 0.8729),
    "table2-robust": (0.9976, 0.8845), "table2-smote": (1.0, 0.8915),
}  # fmt: skip
SMALLER = 4  # a small budget's patches have this part of the side
LITE = ("model.backbone=tf_efficientnet_lite0", "model.pretrained=packaged")


def rows(asked: Asked) -> list[Row]:
    """The eight rows; with another preset, what tells each from the table's baseline is applied to that."""
    words = GROUPS["paper_a"].presets
    base = preset(BASELINE)
    found = []
    for name in PRINTED:
        config = preset(name)
        if asked.preset:
            config = _with(preset(asked.preset), base, config)
        train, test = PRINTED[name]
        facts = {"printed_train_f1": train, "printed_f1": test}
        found.append(Row(name.removeprefix("table2-"), words[name], config, facts=facts))
    return found


def _with(onto: RunConfig, base: RunConfig, row: RunConfig) -> RunConfig:
    """``onto`` with the settings in which ``row`` differs from ``base``."""
    trees: list[dict[str, Any]] = [one.model_dump(mode="json") for one in (onto, base, row)]
    own, first, second = trees
    for section, values in second.items():
        if isinstance(values, dict):
            own[section] |= {key: value for key, value in values.items() if value != first[section][key]}
    return RunConfig.model_validate(own)


def shrink(config: RunConfig) -> list[str]:
    """EfficientNet-Lite0 with its packaged weights at a quarter of the side, in place of EfficientNetV2-L."""
    found = [] if config.preset and not config.preset.startswith("table2-") else list(LITE)
    if config.model.image_size is not None:
        found.append(f"model.image_size={max(16, config.model.image_size // SMALLER)}")
    return found


KIND = Kind(
    name="table2",
    title="Training recipe (paper A, Table 2)",
    summary="What resolution, indices, mixing, learning rate schedule, normalisation and SSIM-SMOTE are worth (paper "
    "A, Table 2).",
    rows=rows,
    shrink=shrink,
    baseline="baseline",
    figure="rows",
)
