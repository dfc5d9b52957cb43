"""What a frozen backbone says of the patches, computed once for all epochs in which only the last layer learns.

An epoch then costs a matrix product. Its patches are seen in a few views that stay the same from epoch to epoch, and
are not mixed (MixUp, CutMix): both would need the backbone anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import AugmentConfig
from core.device import sent
from core.train.augmentation.augment import smooth, vary
from core.train.augmentation.colour import BandUnits
from core.train.batches import Batches
from core.train.inference import Embedded
from core.train.networks.network import Network
from core.train.optimisation.unfreezing import Opening
from core.train.targets import CLASSES

_CHUNK = {"cpu": 16}  # patches that the backbone reads at once: on a CPU they stay in its cache, twice as fast as 64
_CHUNK_GPU = 256
_AFTER = ("classifier.", "second_head.")  # what reads the features


def can_be_kept(network: Network, opening: Opening) -> bool:
    """Whether features are the same in every epoch: nothing before the last layer learns, or draws at random.

    Columns, the two modalities' dropout and outlines are none of it: such a network reads its patches anew.
    """
    frozen = all(name.startswith(_AFTER) for name in opening.parameters)
    branches = (network.tabular, network.modality_dropout, network.mask_head)
    return frozen and all(branch is None for branch in branches)


class FrozenFeatures:
    """The training part's features (V, N, D) float32 on its device, and the way from a batch of them to the labels.

    The first view is the patch as it is, each other one an augmented copy. The draws are those of ``seed``, and the
    batches are cut in the order of the patches: an interrupted run computes the same features to the bit.
    """

    def __init__(
        self,
        network: Network,
        data: Batches,
        augment: AugmentConfig,
        n_views: int,
        seed: int,
        units: BandUnits | None,
        dtype: torch.dtype | None,
    ) -> None:
        self._targets, self._smoothing = data.targets, augment.label_smoothing
        self._network, self._dtype = network, dtype
        self._judged: dict[int, Tensor] = {}
        chunk, views = _CHUNK.get(data.device.type, _CHUNK_GPU), []
        for view in range(n_views):
            generator, parts = np.random.default_rng((seed, 0, view)), []
            for start in range(0, len(data), chunk):
                images, targets = data.take(np.arange(start, min(start + chunk, len(data))))
                if view:
                    images, _ = vary(images, targets, augment, generator, units)
                parts.append(features_of(network, images, dtype))
            views.append(torch.cat(parts))
        self._views = torch.stack(views)

    def of(self, images: np.ndarray) -> Tensor:
        """(M, D) of patches that are judged after every epoch: (M, C, H, W), the same array each time."""
        if id(images) not in self._judged:
            device = self._targets.device
            chunk = _CHUNK.get(device.type, _CHUNK_GPU)
            parts = [images[i : i + chunk] for i in range(0, len(images), chunk)]
            found = [features_of(self._network, torch.as_tensor(part).to(device), self._dtype) for part in parts]
            self._judged[id(images)] = torch.cat(found) if found else torch.empty(0, self._network.n_features)
        return self._judged[id(images)]

    def take(self, index: np.ndarray, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Features (n, D) of the patches at ``index``, each in a view that is drawn, and their targets (n, K)."""
        device = self._targets.device
        n_views, where = len(self._views), sent(index, device)
        view = sent(generator.integers(n_views, size=len(index)) if n_views > 1 else np.zeros_like(index), device)
        targets = self._targets.index_select(0, where)
        labels = smooth(targets[:, :CLASSES], self._smoothing)
        return self._views[view, where], torch.cat([labels, targets[:, CLASSES:]], dim=1)


@torch.no_grad()
def features_of(network: Network, images: Tensor, dtype: torch.dtype | None) -> Tensor:
    """(n, C, H, W) -> (n, D) float32, batch normalisation and dropout as in evaluation."""
    was_training = network.training
    network.eval()
    try:
        with torch.autocast(images.device.type, dtype=dtype, enabled=dtype is not None):
            return network.embed(images)
    finally:
        network.train(was_training)


@torch.no_grad()
def answered(network: Network, features: Tensor) -> Embedded:
    """What the last layer says of features (n, D), as in evaluation."""
    was_training = network.training
    logits = network.eval().classify(features)
    network.train(was_training)
    return Embedded(features.cpu().numpy(), logits.float().cpu().numpy())


class LastLayer(nn.Module):
    """The network from its features on, called as the network is."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, table: Any = None, with_second: bool = False, with_mask: bool = False) -> Any:
        """(n, D) -> logits (n, 2), and those of the second head (n, S) where asked for."""
        logits = self.network.classify(features)
        return (logits, self.network.second_head(self.network.dropout(features))) if with_second else logits
