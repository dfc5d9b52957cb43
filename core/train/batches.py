"""The training part in memory, and the batches of an epoch.

Patches that fit into the device's free memory are kept there whole; others are streamed batch by batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.device import free_bytes, sent
from core.errors import TrainingError
from core.train.outlines import with_planes

SHARE_FOR_DATA = 0.4  # of the device's free memory; the rest is for weights, activations and the optimiser
Placement = Literal["device", "streamed"]


@dataclass(frozen=True)
class Batches:
    """Patches and soft labels, and where they lie: ``placement`` is "device" or "streamed".

    masks: (N, H, W) uint8 on the device (``core.train.outlines``), where pixels are learnt too.
    """

    images: np.ndarray | Tensor
    targets: Tensor
    device: torch.device
    placement: Placement
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: np.ndarray) -> tuple[Tensor, Tensor]:
        """Images (n, C, H, W) float32 and targets (n, K) of these positions, on the device."""
        where = sent(index, self.device)
        targets = self.targets.index_select(0, where)
        if isinstance(self.images, Tensor):
            return self.images.index_select(0, where), targets
        return sent(self.images[index], self.device), targets

    def take_with_masks(self, index: np.ndarray) -> tuple[Tensor, Tensor]:
        """The same; where pixels are learnt, two planes of their truth stand behind the bands (n, C + 2, H, W)."""
        images, targets = self.take(index)
        if self.masks is None:
            return images, targets
        return with_planes(images, self.masks.index_select(0, sent(index, self.device))), targets


def place(images: np.ndarray, targets: np.ndarray, device: torch.device, masks: np.ndarray | None = None) -> Batches:
    """The patches ready to be drawn from: whole on the device when they take at most 40 % of its free memory.

    images: (N, C, H, W) float32, finite. targets: (N, K) float32. masks: (N, H, W) uint8, as ``core.train.outlines``
    says. On a CPU the array itself is used, without a copy.
    """
    if masks is not None:
        return replace(place(images, targets, device), masks=torch.from_numpy(np.ascontiguousarray(masks)).to(device))
    on_device = torch.from_numpy(targets).to(device)
    if device.type == "cpu":
        # torch gathers with all cores, but takes no array that it may not write to, such as a memory map.
        return Batches(torch.from_numpy(images) if images.flags.writeable else images, on_device, device, "device")
    free = free_bytes(device)
    if free is not None and images.nbytes > SHARE_FOR_DATA * free:
        return Batches(images, on_device, device, "streamed")
    return Batches(torch.from_numpy(np.ascontiguousarray(images)).to(device), on_device, device, "device")


def batch_indices(n: int, batch_size: int, generator: np.random.Generator) -> list[np.ndarray]:
    """One epoch: every position once, in random order, in ceil(n / batch_size) batches of nearly equal size.

    No batch is a remainder of one or two patches, which batch normalisation could not bear; for that, one batch may
    exceed ``batch_size`` by one. Raises TrainingError when there are fewer than two patches.
    """
    if n < 2:
        raise TrainingError(f"The training part has {n} patches; 2 or more are needed. Add patches or use fewer folds.")
    n_batches = min(-(-n // batch_size), n // 2)
    return np.array_split(generator.permutation(n), n_batches)
