"""What a checkpoint belongs to, as one digest of the settings, the seed, the patches' shape and their labels.

Settings that were added after the first version count only where they are not at their default, so that older
checkpoints remain valid.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from pydantic import BaseModel

from core.config import RunConfig

_FIRST = {
    "augment": {"flips", "quarter_turns", "mixup_alpha", "cutmix_alpha", "mix_prob", "label_smoothing"},
    "model": {
        *("backbone", "pretrained", "weights", "image_size", "drop_rate", "arguments", "indices", "statistics_branch"),
    },
    "train": {
        *("epochs", "batch_size", "optimizer", "lr", "weight_decay", "schedule", "warmup_epochs", "ema_decay", "tta"),
        "select",
    },
}


def specification(
    config: RunConfig, seed: int, images: np.ndarray, targets: np.ndarray, masks: np.ndarray | None = None
) -> str:
    """Names what a checkpoint belongs to: settings of the loop, the seed, the data's shape, labels and masks."""
    settings = {name: _counted(getattr(config, name), first) for name, first in _FIRST.items()}
    facts: dict[str, Any] = {**settings, "precision": config.precision, "seed": seed, "shape": list(images.shape)}
    facts["targets"] = hashlib.sha256(np.ascontiguousarray(targets).tobytes()).hexdigest()
    if masks is not None:
        facts["masks"] = hashlib.sha256(np.ascontiguousarray(masks).tobytes()).hexdigest()
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _counted(section: BaseModel, first: set[str]) -> dict:
    fields = type(section).model_fields
    values = section.model_dump(mode="json")
    return {name: values[name] for name in fields if name in first or getattr(section, name) != fields[name].default}
