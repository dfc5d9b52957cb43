"""Embeddings and logits of patches, in batches, with or without test-time augmentation over the eight views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.device import autocast_dtype
from core.train.networks.network import Network


@dataclass(frozen=True)
class Embedded:
    """``embeddings`` (N, D) and ``logits`` (N, 2), float32; column 1 of the logits is landslide.

    ``second_logits`` (N, S) are of the second head, where the network has one. ``outlines`` (N, H, W) are the mask
    head's probability of landslide for each pixel, where they were asked for.
    """

    embeddings: np.ndarray
    logits: np.ndarray
    second_logits: np.ndarray | None = None
    outlines: np.ndarray | None = None

    @property
    def probs(self) -> np.ndarray:
        """(N,) float64 softmax probability of landslide."""
        difference = self.logits[:, 1].astype(np.float64) - self.logits[:, 0]
        return np.exp(-np.logaddexp(0.0, -difference))


class Batches(Protocol):
    """Images that are made a batch at a time."""

    def __len__(self) -> int:
        """N."""

    def __getitem__(self, part: slice) -> np.ndarray | Tensor:
        """Those of a batch."""


def embed(
    network: Network,
    images: np.ndarray | Tensor | Batches,
    device: torch.device | str,
    batch_size: int,
    tta: bool = False,
    precision: str = "float32",
    table: np.ndarray | None = None,
    outlines: bool = False,
) -> Embedded:
    """Embeddings and logits of normalised ``images`` (N, C, H, W) float32; N may be 0.

    images may also be made a batch at a time, when it is sliced; a batch is read before the next is asked for.
    table: (N, P) of the columns that the network reads (``core.data.tabular.columns``); none: they are unknown.
    outlines: also what the mask head answers for each pixel, each view turned back before the mean; for a network that
    has one.

    With ``tta`` both are means over the 8 flips and quarter turns (4 flips where patches are not square); since the
    last layer is linear, the mean logits are those of the mean embedding. The network moves to ``device`` and keeps
    its training flag.
    """
    device = torch.device(device)
    was_training = network.training
    network.to(device).eval()
    dtype = autocast_dtype(device, precision)
    pieces: list[tuple[np.ndarray, np.ndarray]] = []
    drawn: list[np.ndarray] = []
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
            for start in range(0, len(images), batch_size):
                batch = torch.as_tensor(images[start : start + batch_size]).to(device, torch.float32)
                rows = None if table is None else torch.as_tensor(table[start : start + batch_size]).to(device)
                seen = [network.embed_with_map(view, rows) for view in (views(batch) if tta else [batch])]
                embeddings = _mean([embedding for embedding, _ in seen])
                if outlines:
                    drawn.append(_outlines(network, [pixels for _, pixels in seen], batch.shape[-2:]))
                outputs = [embeddings, network.classify(embeddings)]
                outputs += [network.second_head(embeddings)] if network.second_head is not None else []
                pieces.append(tuple(part.float().cpu().numpy() for part in outputs))
    finally:
        network.train(was_training)
    if not pieces:
        nothing = np.zeros((0, *network.image_hw), np.float32) if outlines else None
        return Embedded(np.zeros((0, network.n_features), np.float32), np.zeros((0, 2), np.float32), None, nothing)
    found = Embedded(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))
    return replace(found, outlines=np.concatenate(drawn)) if outlines else found


def views(images: Tensor) -> Iterator[Tensor]:
    """The batch (N, C, H, W) in each symmetry of its patch: 8 for a square, 4 otherwise, the first as it is."""
    turned = [images, images.transpose(-1, -2)] if images.shape[-1] == images.shape[-2] else [images]
    for base in turned:
        for dims in ([], [-1], [-2], [-2, -1]):
            yield base.flip(dims) if dims else base


def turned_back(maps: Sequence[Tensor]) -> Tensor:
    """(N, H, W), the mean of maps (N, h, w) of :func:`views`, each where its pixels were before it was turned."""
    back = []
    for number, one in enumerate(maps):
        dims = ([], [-1], [-2], [-2, -1])[number % 4]
        one = one.flip(dims) if dims else one
        back.append(one.transpose(-1, -2) if number >= 4 else one)
    return _mean(back)


def _outlines(network: Network, pixels: list[Tensor], hw: tuple[int, int]) -> np.ndarray:
    """(N, H, W) float32 in 0-1: the mean probability over the views."""
    height, width = hw  # a view that is turned by a quarter is of a square
    return turned_back([torch.sigmoid(network.outline(one, (height, width))) for one in pixels]).float().cpu().numpy()


def _mean(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.stack(parts).mean(dim=0)
