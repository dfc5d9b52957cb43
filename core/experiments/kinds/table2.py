"""Paper A's Table 2: what resolution, indices, mixing, schedule, normalisation and SSIM-SMOTE are worth."""

from __future__ import annotations

from core.config import RunConfig, preset
from core.config.preset_groups import GROUPS
from core.experiments.base import Asked, Kind, Row

PRINTED = {  # train and test F1 as the paper prints them
    "table2-baseline": (0.9398, 0.8370), "table2-384-mixup": (0.9976, 0.7866), "table2-20ch": (0.9469, 0.8163),
    "table2-mixup-cutmix": (0.9891, 0.8606), "table2-step": (0.9713, 0.8379), "table2-cosine": (0.9988, 0.8729),
    "table2-robust": (0.9976, 0.8845), "table2-smote": (1.0, 0.8915),
}  # fmt: skip
SMALLER = 4  # a small budget's patches have this part of the side
LITE = ("model.backbone=tf_efficientnet_lite0", "model.pretrained=packaged")


def rows(asked: Asked) -> list[Row]:
    """The eight rows; with another preset, what the table's rows differ in is applied to that."""
    words = GROUPS["paper_a"].presets
    found = []
    for name in PRINTED:
        config = preset(name)
        if asked.preset:
            config = _on(preset(asked.preset), config, asked.dataset.shape[2])
        train, test = PRINTED[name]
        facts = {"printed_train_f1": train, "printed_f1": test}
        title = words[name].replace(f"{preset(name).model.image_size} pixels", f"{_side(config, asked)} pixels")
        found.append(Row(name.removeprefix("table2-"), title, config, facts=facts))
    return found


def _side(config: RunConfig, asked: Asked) -> int:
    """The side of the patches that a row is trained on, in pixels, as its title says it."""
    for item in shrink(config) if asked.budget == "small" else ():
        config = config.with_overrides([item])
    return config.model.image_size or asked.dataset.shape[2]


def _on(preset_config: RunConfig, row: RunConfig, side: int) -> RunConfig:
    """A preset with the row's value of every setting in which the table's rows differ.

    The larger side becomes half as much again as the preset's, or as the patches' own ``side``. Steps of the learning
    rate come as often in the preset's epochs as in the table's: otherwise a short training would never see one.
    """
    trees = [preset(name).model_dump(mode="json") for name in PRINTED]
    own, values = preset_config.model_dump(mode="json"), row.model_dump(mode="json")
    for section, settings in values.items():
        if isinstance(settings, dict):
            own[section] |= {
                key: value
                for key, value in settings.items()
                if key != "image_size" and any(tree[section][key] != trees[0][section][key] for tree in trees)
            }
    usual = trees[0]["model"]["image_size"]
    if row.model.image_size is not None and row.model.image_size != usual:
        own["model"]["image_size"] = round((preset_config.model.image_size or side) * row.model.image_size / usual)
    if row.train.schedule == "step":
        own["train"]["step_epochs"] = max(1, round(row.train.step_epochs * own["train"]["epochs"] / row.train.epochs))
    return RunConfig.model_validate(own)


def shrink(config: RunConfig) -> list[str]:
    """EfficientNet-Lite0 with its packaged weights at a quarter of the side, in place of EfficientNetV2-L.

    Another preset keeps its network and its sides: where the patches' own side is used, a quarter of the larger row's
    would be the smaller one.
    """
    if config.preset and not config.preset.startswith("table2-"):
        return []
    return [*LITE, f"model.image_size={max(16, (config.model.image_size or 0) // SMALLER)}"]


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
