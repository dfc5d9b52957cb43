"""The best weights so far, where an epoch is chosen by its F1, and when to stop looking for better ones.

Also as plain values and named arrays for a checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

_PREFIX = "best."


class BestWeights:
    """Weights with the highest F1; among equals those of the lowest loss, then the earliest.

    Attributes: ``epoch`` (0 while none is kept), ``f1`` and ``loss`` of what is kept, and ``weights``.
    """

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.epoch, self.f1, self.loss = 0, float("nan"), float("nan")
        self.weights: dict[str, Tensor] = {}

    def offer(self, epoch: int, f1: float, loss: float, network: nn.Module) -> None:
        """Keep the network's weights if they are better; an undefined F1 never is."""
        if math.isnan(f1) or (self.epoch and (f1, -loss) <= (self.f1, -self.loss)):
            return
        self.epoch, self.f1, self.loss = epoch, f1, loss
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def is_enough(self, epoch: int) -> bool:
        """Whether ``patience`` epochs have brought nothing better."""
        return self.patience is not None and self.epoch > 0 and epoch - self.epoch >= self.patience

    def facts(self) -> dict:
        """Plain values for a checkpoint's card: nothing until something is kept."""
        return {"best": {"epoch": self.epoch, "f1": self.f1, "loss": self.loss}} if self.epoch else {}

    def pack(self) -> dict[str, np.ndarray]:
        """The weights by name, for a checkpoint."""
        return {f"{_PREFIX}{name}": value.cpu().numpy() for name, value in self.weights.items()}

    def unpack(self, facts: Mapping, arrays: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`facts` and :meth:`pack`."""
        if best := facts.get("best"):
            self.epoch, self.f1, self.loss = int(best["epoch"]), float(best["f1"]), float(best["loss"])
        weights = {name: array for name, array in arrays.items() if name.startswith(_PREFIX)}
        self.weights = {name.removeprefix(_PREFIX): torch.from_numpy(np.array(a)) for name, a in weights.items()}
