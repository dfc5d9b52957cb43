"""What a network said of its own training patches while it learnt from them, epoch by epoch, at no extra cost.

The answers are those of the forward passes that training makes anyway. A batch that is mixed (MixUp, CutMix) answers
for no single patch and is left out; the others are flipped, turned and recoloured as training does it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.device import sent


class EpochAnswers:
    """The answers of one epoch: ``log_odds`` (N,) float32 of class 1 on the device, nan where a patch was mixed."""

    def __init__(self, n: int, device: torch.device) -> None:
        self.log_odds = torch.full((n,), float("nan"), device=device)

    def note(self, batches: Sequence[tuple[np.ndarray, bool]], answers: Sequence[Tensor]) -> None:
        """Write down one step.

        batches: of each batch the positions of its patches, and whether it was mixed. answers: (n,) log-odds of all of
        them, in their order, in any pieces.
        """
        parts = torch.cat(list(answers)).split([len(index) for index, _ in batches])
        for (index, mixed), part in zip(batches, parts, strict=True):
            if not mixed:
                self.log_odds.index_copy_(0, sent(index, self.log_odds.device), part)
