"""The learning rate of each step of training. Numbers alone: drawings of a run's settings read it too."""

from __future__ import annotations

import math

from core.config.training import TrainConfig


def lr_at(step: int, steps_per_epoch: int, config: TrainConfig) -> float:
    """Learning rate of optimiser step ``step`` (from 0).

    Linear warm-up over ``warmup_epochs`` reaching ``lr`` with its last step, then constant ("none"), or times
    ``step_factor`` after every ``step_epochs`` ("step"), or half a cosine from ``lr`` down to almost 0 at the last step
    ("cosine"; Loshchilov and Hutter, 2017).
    """
    total = config.epochs * steps_per_epoch
    warmup = min(config.warmup_epochs * steps_per_epoch, total)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    if config.schedule == "none":
        return config.lr
    if config.schedule == "step":
        return config.lr * config.step_factor ** ((step - warmup) // (config.step_epochs * steps_per_epoch))
    share = (step - warmup) / max(1, total - warmup)
    return config.lr * 0.5 * (1.0 + math.cos(math.pi * share))
