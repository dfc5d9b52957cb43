"""The gradients of one optimiser step, from one batch or several, each in as many pieces as memory demands."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.errors import TrainingError
from core.train.networks.tabular import Layout, second_loss
from core.train.optimisation.losses import Loss
from core.train.outlines import outline_loss, without_planes

MAX_PIECES = 8  # a batch that does not fit into memory is cut into 2, 4, 8 pieces whose gradients add up
Batch = tuple[Tensor, Tensor]  # images (n, C, H, W), and planes; soft labels and what is behind them (n, K + S + P)


class Gradients:
    """``pieces``: parts that a batch is cut into so far; it doubles when memory runs out.

    log_odds: what the network said of class 1 in the last step, piece by piece, in the order of the patches.
    n_right: patches of the last step that the network answered rightly; of a mixed one, the class of its larger part.
    mask_weight: of the pixels' loss; None: images have no planes, and no pixel is learnt.
    """

    def __init__(
        self,
        loss: Loss,
        dtype: torch.dtype | None,
        layout: Layout | None = None,
        second_weight: float = 0.0,
        mask_weight: float | None = None,
    ) -> None:
        self.loss, self.dtype, self.pieces = loss, dtype, 1
        self.log_odds: list[Tensor] = []
        self.n_right: Tensor | int = 0
        self.layout, self.second_weight, self.mask_weight = layout or Layout(), second_weight, mask_weight

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
        self.log_odds, self.n_right = [], 0
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
        """The loss of one piece; those of the second head and of pixels are added where there are any."""
        labels, second, table = self.layout.split(y)
        with_mask, planes = self.mask_weight is not None, None
        if with_mask:
            x, planes = without_planes(x)
        with torch.autocast(x.device.type, dtype=self.dtype, enabled=self.dtype is not None):
            plain = table is None and second is None and not with_mask
            outputs = network(x) if plain else network(x, table, second is not None, with_mask)
        alone = plain or (second is None and not with_mask)
        logits = outputs if alone else outputs[0]
        kept = logits.detach().float()
        self.log_odds.append(kept[:, 1] - kept[:, 0])
        self.n_right = self.n_right + (kept.argmax(dim=1) == labels.argmax(dim=1)).sum()
        total = self.loss(logits, labels)
        if alone:
            return total
        if second is not None:
            total = total + self.second_weight * second_loss(outputs[1], second)
        return total + self.mask_weight * outline_loss(outputs[-1], planes) if with_mask else total
