"""The learning rate of each step, and the decay of the running average of weights."""

from __future__ import annotations

import math

from core.config import TrainConfig


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


def ema_decay_at(update: int, decay: float) -> float:
    """Decay of the running average at its ``update``-th update (from 0).

    min(decay, (1 + t) / (10 + t)): the average remembers about a tenth of the steps so far until ``decay`` takes
    over, so that the random first weights are forgotten even in runs of a few epochs.
    """
    return min(decay, (1.0 + update) / (10.0 + update))
