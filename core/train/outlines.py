"""What the mask head is taught: the truth about each pixel as two planes behind a patch's bands, and its loss.

One plane says how much of a pixel is known to be landslide, the other how much is known not to be. Both are moved and
mixed exactly as the pixels are (``core.train.augmentation.augment``), so that they stay true of what the network sees.
A pixel counts only where all that it was made of is known: where nothing is known both planes are 0.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

PLANES = 2
UNKNOWN = 255  # in a mask: nothing is known of the pixel
KNOWN = 0.99  # of the two planes' sum, from which a pixel counts: sampling rounds


def training_masks(masks: np.ndarray, labels: np.ndarray, n_synthetic: int = 0) -> np.ndarray:
    """(N + M, H, W) uint8: 1 landslide, 0 none, ``UNKNOWN``. masks: (N, H, W) 0/1 of real patches; labels: (N,) 0/1.

    A landslide whose mask is empty has no mask: nothing is known of it. Nor is of the M synthetic patches, which have
    no outline of their own.
    """
    known = (np.asarray(masks) > 0).astype(np.uint8)
    known[(np.asarray(labels) == 1) & ~known.any(axis=(1, 2))] = UNKNOWN
    return np.concatenate([known, np.full((n_synthetic, *known.shape[1:]), UNKNOWN, np.uint8)])


def with_planes(images: Tensor, masks: Tensor) -> Tensor:
    """(N, C, H, W) and masks (N, H, W) as of :func:`training_masks` -> (N, C + 2, H, W)."""
    planes = torch.stack([masks == 1, masks == 0], dim=1)
    return torch.cat([images, planes.to(images.dtype)], dim=1)


def without_planes(images: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C + 2, H, W) -> the bands (N, C, H, W), and the planes (N, 2, H, W)."""
    return images[:, :-PLANES].contiguous(), images[:, -PLANES:]


def outline_loss(logits: Tensor, planes: Tensor) -> Tensor:
    """Cross-entropy (nats) of logits (N, H, W), the mean over the pixels that count; 0 where none does."""
    logits, (yes, no) = logits.float(), planes.unbind(dim=1)
    counts = (yes + no >= KNOWN).to(logits.dtype)
    parts = -(yes * F.logsigmoid(logits) + no * F.logsigmoid(-logits)) * counts
    return parts.sum() / counts.sum().clamp(min=1.0)
