"""The decay of the running average of weights."""

from __future__ import annotations


def ema_decay_at(update: int, decay: float) -> float:
    """Decay of the running average at its ``update``-th update (from 0).

    min(decay, (1 + t) / (10 + t)): the average remembers about a tenth of the steps so far until ``decay`` takes
    over, so that the random first weights are forgotten even in runs of a few epochs.
    """
    return min(decay, (1.0 + update) / (10.0 + update))
