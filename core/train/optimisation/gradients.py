"""The gradients of one optimiser step, from one batch or several, each in as many pieces as memory demands."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.errors import TrainingError
from core.train.networks.tabular import Layout, size_loss
from core.train.optimisation.losses import Loss

MAX_PIECES = 8  # a batch that does not fit into memory is cut into 2, 4, 8 pieces whose gradients add up
Batch = tuple[Tensor, Tensor]  # images (n, C, H, W); soft labels and what stands behind them (n, K + S + P)


class Gradients:
    """``pieces``: parts that a batch is cut into so far; it doubles when memory runs out."""

    def __init__(
        self, loss: Loss, dtype: torch.dtype | None, layout: Layout | None = None, size_weight: float = 0.0
    ) -> None:
        self.loss, self.dtype, self.pieces = loss, dtype, 1
        self.layout, self.size_weight = layout or Layout(), size_weight

    def of(self, network: nn.Module, batches: Sequence[Batch]) -> Tensor:
        """Puts the gradients of the mean loss over all ``batches`` into the network; that loss, without gradient.

        Raises TrainingError when even the smallest pieces do not fit into memory.
        """
        while True:
            total = self._try(network, batches)
            if total is not None:
                return total
            images = batches[0][0]
            if self.pieces * 2 > min(MAX_PIECES, len(images) // 2):
                raise TrainingError(
                    f"A batch of {len(images)} patches does not fit into the memory of '{images.device}', even in "
                    f"{self.pieces} pieces. Set train.batch_size or model.image_size lower, or a smaller backbone."
                )
            self.pieces *= 2
            if images.device.type == "cuda":
                torch.cuda.empty_cache()

    def _try(self, network: nn.Module, batches: Sequence[Batch]) -> Tensor | None:
        """None when memory ran out."""
        network.zero_grad(set_to_none=True)
        n = sum(len(images) for images, _ in batches)
        total = torch.zeros((), device=batches[0][0].device)
        try:
            for images, targets in batches:
                pieces = min(self.pieces, len(images) // 2)  # batch normalisation needs two patches
                for x, y in zip(images.tensor_split(pieces), targets.tensor_split(pieces), strict=True):
                    part = self._loss(network, x, y) * (len(x) / n)
                    part.backward()
                    total += part.detach()
        except torch.OutOfMemoryError:
            return None
        return total

    def _loss(self, network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """The loss of one piece; that of the size classes is added where there are any."""
        labels, sizes, table = self.layout.split(y)
        with torch.autocast(x.device.type, dtype=self.dtype, enabled=self.dtype is not None):
            outputs = network(x) if table is None and sizes is None else network(x, table, sizes is not None)
        if sizes is None:
            return self.loss(outputs, labels)
        logits, of_sizes = outputs
        return self.loss(logits, labels) + self.size_weight * size_loss(of_sizes, sizes)
