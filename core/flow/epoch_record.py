"""What one fold's network answered for every patch, epoch by epoch, bounded in size.

An epoch's result comes in, and one row of log-odds for all patches comes out: of the validation patches by the network
that is validated, of the training patches as training saw them. No patch is looked at once more for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.train.loop import EpochResult

MOST_BYTES = 32 * 2**20  # of a fold; where it would be more, every second, third ... epoch is kept, and the last
MOST_LOG_ODDS = 60.0  # a probability that rounds to 0 or 1 is no surer than this


class EpochRecord:
    """epoch: (E,) int32. log_odds: (E, N) float16 of class 1, nan where there is no answer for this patch alone."""

    def __init__(self, n: int, val: np.ndarray, learnt: np.ndarray, earlier: Mapping[str, np.ndarray] | None) -> None:
        """val, learnt: rows of the N patches; earlier: what processes before this one kept."""
        self._n, self._val, self._learnt = n, val, learnt
        self.epoch = np.empty(0, np.int32) if earlier is None else earlier["epoch"]
        self.log_odds = np.empty((0, n), np.float16) if earlier is None else earlier["log_odds"]

    def add(self, result: EpochResult) -> bool:
        """Take an epoch up, in place of what was kept of it and of later ones; whether anything changed."""
        kept = self.epoch < result.epoch
        changed = not kept.all()
        self.epoch, self.log_odds = self.epoch[kept], self.log_odds[kept]
        every = -(-2 * self._n * result.epochs // MOST_BYTES)
        if (result.epochs - result.epoch) % every:
            return changed
        row = np.full(self._n, np.nan, np.float16)
        row[self._learnt] = result.train_log_odds[: len(self._learnt)]  # synthetic patches stand behind them
        with np.errstate(divide="ignore"):
            odds = np.log(result.val_probs) - np.log1p(-result.val_probs)
        row[self._val] = np.clip(odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)
        self.epoch = np.append(self.epoch, np.int32(result.epoch))
        self.log_odds = np.concatenate([self.log_odds, row[None]])
        return True
