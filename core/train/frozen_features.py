"""What a frozen backbone says of the patches, computed once for all epochs in which only the last layer learns.

An epoch then costs a matrix product. Its patches are seen in a few views that stay the same from epoch to epoch, and
are not mixed (MixUp, CutMix): both would need the backbone anew. Runs of one process whose frozen part, patches and
views are the same may share them (``Share``): the key of a result names everything that it depends on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.config import AugmentConfig, TrainConfig
from core.device import sent
from core.train.augmentation.augment import smooth, vary
from core.train.augmentation.colour import BandUnits
from core.train.batches import Batches
from core.train.inference import Embedded, embed
from core.train.networks.network import Network
from core.train.optimisation.unfreezing import Opening, opening_at
from core.train.targets import CLASSES

_CHUNK = {"cpu": 16}  # patches that the backbone reads at once: on a CPU they stay in its cache, twice as fast as 64
_CHUNK_GPU = 256
_AFTER = ("classifier.", "second_head.")  # what reads the features
# Settings of the network that its features do not depend on, other than through its values.
_NOT_READ = {"drop_rate", "pretrained", "weights", "weights_overlap", "weights_groups", "weights_fit", "second_weight"}
_NOT_DRAWN = {"label_smoothing", "mixup_alpha", "cutmix_alpha", "mix_prob", "cutmix_box"}  # of augmentation, in a view

T = TypeVar("T")


class Share(Protocol):
    """A result that other runs of this process may have made: by kind and key, made where there is none."""

    def __call__(self, kind: str, key: Hashable, make: Callable[[], T], n_bytes: int) -> T:
        """n_bytes: how much memory the result takes, so that no more is kept than there is room for."""


def alone(kind: str, key: Hashable, make: Callable[[], T], n_bytes: int) -> T:
    """A :class:`Share` of a run by itself: everything is made."""
    return make()


def can_be_kept(network: Network, opening: Opening) -> bool:
    """Whether features are the same in every epoch: nothing before the last layer learns, or draws at random.

    Columns, the two modalities' dropout and outlines are none of it: such a network reads its patches anew.
    """
    frozen = all(name.startswith(_AFTER) for name in opening.parameters)
    branches = (network.tabular, network.modality_dropout, network.mask_head)
    return frozen and all(branch is None for branch in branches)


def stays_frozen(network: Network, config: TrainConfig) -> bool:
    """Whether nothing before the last layer learns in any epoch: the last one has most of the network open."""
    return can_be_kept(network, opening_at(config.epochs, network, config))


def digest(*arrays: Any) -> str:
    """Hex digest of arrays or tensors: shapes, types and values."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        values = array.detach().cpu().numpy() if isinstance(array, Tensor) else np.asarray(array)
        found.update(f"{values.dtype.str}{values.shape}".encode())
        found.update(np.ascontiguousarray(values).data)
    return found.hexdigest()


def frozen_part(network: Network, device: torch.device | str, dtype: torch.dtype | None = None) -> Hashable:
    """Names what features depend on beside the patches: the network before its last layer, and how it is run."""
    named = [*network.named_parameters(), *network.named_buffers()]
    before = [(name, value) for name, value in named if not name.startswith(_AFTER)]
    layout = [value.stride() for _, value in before]  # channels last adds up in another order
    facts = {name: value for name, value in network.model.model_dump(mode="json").items() if name not in _NOT_READ}
    names = json.dumps([facts, [name for name, _ in before], layout], sort_keys=True)
    bands = tuple((band.name, band.modality) for band in network.bands)
    return names, digest(*(value for _, value in before)), bands, network.image_hw, str(device), str(dtype)


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
        share: Share = alone,
    ) -> None:
        self._targets, self._smoothing = data.targets, augment.label_smoothing
        self._network, self._dtype, self._share, self._part = network, dtype, share, None
        self._judged: dict[int, Tensor] = {}

        def views() -> Tensor:
            return torch.stack([_view(network, data, augment, view, seed, units, dtype) for view in range(n_views)])

        if share is alone:
            self._views = views()
            return
        self._part = frozen_part(network, data.device, dtype)
        key = self._part, digest(data.images), n_views, *_drawn(augment, n_views, seed, network, units)
        n_bytes = n_views * len(data) * network.n_features * 4
        # What is kept lies in main memory: a GPU's is for one run at a time.
        self._views = share("features", key, lambda: views().cpu(), n_bytes).to(data.device)

    def of(self, images: np.ndarray) -> Tensor:
        """(M, D) of patches that are judged after every epoch: (M, C, H, W), the same array each time."""
        if id(images) not in self._judged:
            key = None if self._part is None else (self._part, digest(images))
            n_bytes = len(images) * self._network.n_features * 4
            found = self._share("judged_features", key, lambda: self._seen(images).cpu(), n_bytes)
            self._judged[id(images)] = found.to(self._targets.device)
        return self._judged[id(images)]

    def _seen(self, images: np.ndarray) -> Tensor:
        device = self._targets.device
        chunk = _CHUNK.get(device.type, _CHUNK_GPU)
        parts = [images[i : i + chunk] for i in range(0, len(images), chunk)]
        found = [features_of(self._network, torch.as_tensor(part).to(device), self._dtype) for part in parts]
        return torch.cat(found) if found else torch.empty(0, self._network.n_features)

    def take(self, index: np.ndarray, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Features (n, D) of the patches at ``index``, each in a view that is drawn, and their targets (n, K)."""
        device = self._targets.device
        n_views, where = len(self._views), sent(index, device)
        view = sent(generator.integers(n_views, size=len(index)) if n_views > 1 else np.zeros_like(index), device)
        targets = self._targets.index_select(0, where)
        labels = smooth(targets[:, :CLASSES], self._smoothing)
        return self._views[view, where], torch.cat([labels, targets[:, CLASSES:]], dim=1)


def _view(
    network: Network,
    data: Batches,
    augment: AugmentConfig,
    view: int,
    seed: int,
    units: BandUnits | None,
    dtype: torch.dtype | None,
) -> Tensor:
    """(N, D) of one view of every patch."""
    chunk = _CHUNK.get(data.device.type, _CHUNK_GPU)
    generator, parts = np.random.default_rng((seed, 0, view)), []
    for start in range(0, len(data), chunk):
        images, targets = data.take(np.arange(start, min(start + chunk, len(data))))
        if view:
            images, _ = vary(images, targets, augment, generator, units)
        parts.append(features_of(network, images, dtype))
    return torch.cat(parts)


def _drawn(
    augment: AugmentConfig, n_views: int, seed: int, network: Network, units: BandUnits | None
) -> tuple[Hashable, ...]:
    """Names what the augmented views depend on; nothing where there is the patch as it is alone."""
    if n_views == 1:
        return ()
    settings = {name: value for name, value in augment.model_dump(mode="json").items() if name not in _NOT_DRAWN}
    scale = None if units is None else digest(*(network.units or ()))
    return json.dumps(settings, sort_keys=True), seed, scale, tuple((band.name, band.unit) for band in network.bands)


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


def embed_frozen(
    network: Network, images: np.ndarray, device: torch.device | str, batch_size: int, tta: bool, share: Share
) -> Embedded:
    """As ``core.train.inference.embed``, to the bit, for a network of which only the last layer has learnt.

    images: (N, C, H, W) float32. The embeddings may have been computed by another run.
    """
    if network.second_head is not None or not len(images):
        return embed(network, images, device, batch_size, tta=tta)
    network.to(device)
    key = frozen_part(network, device), digest(images), batch_size, tta
    n_bytes = len(images) * network.n_features * 4
    embeddings = share(
        "embeddings", key, lambda: embed(network, images, device, batch_size, tta=tta).embeddings, n_bytes
    )
    logits = []
    for start in range(0, len(images), batch_size):  # in the same batches: another shape may round differently
        part = torch.from_numpy(embeddings[start : start + batch_size].copy()).to(device)
        logits.append(answered(network, part).logits)
    return Embedded(embeddings, np.concatenate(logits))


class LastLayer(nn.Module):
    """The network from its features on, called as the network is."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, table: Any = None, with_second: bool = False, with_mask: bool = False) -> Any:
        """(n, D) -> logits (n, 2), and those of the second head (n, S) where asked for."""
        logits = self.network.classify(features)
        return (logits, self.network.second_head(self.network.dropout(features))) if with_second else logits
