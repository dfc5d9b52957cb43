"""Paper B's Figures 6 and 7: how much of a network with ImageNet weights to open, and what its other choices are worth.

Its recipe (augmentation, balanced class weights, Adam 0.001, 15 epochs) on EfficientNet-Lite0, whose weights come with
the program; ``--preset uva-finetune-20`` takes its own EfficientNetB3, whose weights are downloaded.
"""

from __future__ import annotations

from core.config import RunConfig
from core.experiments.base import Asked, Kind, Row

LITE = ("model.backbone=tf_efficientnet_lite0", "model.pretrained=packaged")
LAYERS = (10, 15, 20, 40)  # paper B, V.B.2
BLOCKS = (2, 6)  # two: paper B, IV.5
NO_AUGMENTATION = (
    "augment.flips=false", "augment.quarter_turns=false", "augment.mixup_alpha=0", "augment.cutmix_alpha=0",
    "augment.rotation=0", "augment.shear=0", "augment.translation=0", "augment.shift=0", "augment.crop=1",
    "augment.brightness=0", "augment.contrast=0", "augment.saturation=0", "augment.jitter=0", "augment.grayscale=0",
    "augment.noise=0",
)  # fmt: skip
VARIANTS = {
    "no class weights": ("train.class_weight=none",),
    "no augmentation": NO_AUGMENTATION,
    "random weights": ("model.pretrained=false",),
}


def rows(asked: Asked) -> list[Row]:
    """What is opened, from the last layer to everything; then the variants of two of these."""
    base = asked.base("uva-finetune-20")
    base = base.with_overrides(() if asked.preset else LITE)
    opened: dict[str, tuple[str, tuple[str, ...]]] = {"head": ("Head only", ("train.trainable=head",))}
    for n in LAYERS:
        opened[f"layers-{n}"] = (f"Top {n} layers", ("train.trainable=layers", f"train.top_layers={n}"))
    for n in BLOCKS:
        opened[f"blocks-{n}"] = (f"Last {n} blocks", ("train.trainable=blocks", f"train.top_blocks={n}"))
    opened["all"] = ("All layers", ("train.trainable=all",))
    found = [_row(base, name, words, settings) for name, (words, settings) in opened.items()]
    for name, variants in (("layers-20", list(VARIANTS)[:2]), ("all", list(VARIANTS))):
        words, settings = opened[name]
        found += [_row(base, name, words, (*settings, *VARIANTS[variant]), variant) for variant in variants]
    return found


def _row(base: RunConfig, name: str, words: str, settings: tuple[str, ...], variant: str = "") -> Row:
    title = f"{words}, {variant}" if variant else words
    facts = {"opened": words, "variant": variant}
    return Row("-".join([name, *variant.split()]), title, base.with_overrides(settings), facts=facts)


def shrink(config: RunConfig) -> tuple[str, ...]:
    """Patches of 64 pixels instead of 300."""
    side = config.model.image_size
    return () if side is None or side <= 64 else ("model.image_size=64",)


KIND = Kind(
    name="unfreeze",
    title="How much to unfreeze",
    summary="From the last layer to the whole network, with and without class weights, augmentation and ImageNet "
    "weights (paper B, Figures 6 and 7).",
    rows=rows,
    shrink=shrink,
    baseline="head",
    figure="opened",
    across="Opened for training",
)
