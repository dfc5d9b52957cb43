"""Training of one network by several processes in step: each computes the gradients of its share of every batch.

All processes do the same work on the same patches with the same random numbers; only forward and backward passes are
shared out. After each step gradients and running statistics of batch normalisation are the same in all of them, and so
are weights. What differs from one process is that batch normalisation in training sees a share of a batch, not the
whole of it, and that dropout draws for the share; with frozen normalisation and no dropout, sums of floating-point
numbers are all that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.train.optimisation.gradients import Batch, Gradients

LEAST = 2  # patches of a share: batch normalisation needs two


@dataclass(frozen=True)
class Group:
    """This process and those that train with it; alone where torch's process group was not begun."""

    rank: int = 0
    size: int = 1

    @classmethod
    def of_this_process(cls) -> Group:
        """As torch knows it."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return cls()
        return cls(torch.distributed.get_rank(), torch.distributed.get_world_size())

    def step(self, network: nn.Module, gradients: Gradients, batches: Sequence[Batch], whole: nn.Module) -> Tensor:
        """As ``Gradients.of``, each process on its share; afterwards all hold the gradients of the whole.

        whole: the network whose parameters and buffers are kept the same. A batch too small to be shared is computed
        by everybody.
        """
        if self.size == 1 or min(len(images) for images, _ in batches) < LEAST * self.size:
            return gradients.of(network, batches)
        mine = [
            (images.tensor_split(self.size)[self.rank], targets.tensor_split(self.size)[self.rank])
            for images, targets in batches
        ]
        loss = gradients.of(network, mine)
        n = sum(len(images) for images, _ in batches)
        weight = sum(len(images) for images, _ in mine) / n
        self._sum(whole, loss, weight)
        self._gather(gradients, batches)
        return loss

    def _sum(self, network: nn.Module, loss: Tensor, weight: float) -> None:
        """Replace gradients, running statistics and the loss by those of all processes; one message for all."""
        grads = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        means = [one for one in network.buffers() if one.is_floating_point()]
        parts = [(one, weight) for one in grads] + [(one, 1.0 / self.size) for one in means] + [(loss, weight)]
        flat = torch.cat([(one.detach() * factor).reshape(-1).float() for one, factor in parts])
        torch.distributed.all_reduce(flat)
        for (one, _), value in zip(parts, flat.split([one.numel() for one, _ in parts]), strict=True):
            one.copy_(value.view_as(one))

    def _gather(self, gradients: Gradients, batches: Sequence[Batch]) -> None:
        """Replace what the network said of this share by what was said of all patches, in their order."""
        sizes = [[len(some) for some in images.tensor_split(self.size)] for images, _ in batches]
        most = max(sum(of[rank] for of in sizes) for rank in range(self.size))
        own = torch.cat(gradients.log_odds)
        padded = torch.zeros(most, device=own.device)
        padded[: len(own)] = own
        found = [torch.zeros_like(padded) for _ in range(self.size)]
        torch.distributed.all_gather(found, padded)
        n_right = torch.as_tensor(gradients.n_right, device=own.device).clone()
        torch.distributed.all_reduce(n_right)
        pieces, at = [], [0] * self.size
        for of in sizes:
            for rank, length in enumerate(of):
                pieces.append(found[rank][at[rank] : at[rank] + length])
                at[rank] += length
        gradients.log_odds, gradients.n_right = pieces, n_right
