"""Online augmentation of a batch: orientation, geometry, bands, MixUp, CutMix, label smoothing, on the batch's device.

The result is a new batch; the one that was given is never changed. Batches of any size, even or odd, can be mixed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.config import AugmentConfig
from core.device import sent
from core.train.augmentation.colour import BandUnits, recolour
from core.train.augmentation.geometry import draw_maps, is_moved, oriented_maps, warp
from core.train.targets import CLASSES

Box = tuple[int, int, int, int]  # top, bottom, left, right; the ends excluded


def augment(
    images: Tensor,
    targets: Tensor,
    config: AugmentConfig,
    generator: np.random.Generator,
    units: BandUnits | None = None,
    planes: int = 0,
) -> tuple[Tensor, Tensor]:
    """A new batch: images (N, C, H, W), soft labels (N, K) whose rows sum to 1.

    What stands behind the labels (sizes, a table of columns: core.train.networks.tabular) is mixed as they are.

    Each patch is varied by its own draws (:func:`vary`); a batch as a whole is mixed (:func:`mix`), or not, with one
    draw.
    """
    return mix(*vary(images, targets, config, generator, units, planes), config, generator)


def vary(
    images: Tensor,
    targets: Tensor,
    config: AugmentConfig,
    generator: np.random.Generator,
    units: BandUnits | None = None,
    planes: int = 0,
) -> tuple[Tensor, Tensor]:
    """Each patch flipped, turned, moved and recoloured by its own draws, its label smoothed; none mixed with another.

    units: the way to the bands' units, without which bands keep their values. planes: how many of the last bands are
    none, but the truth about the pixels (``core.train.outlines``): moved as the pixels are, never recoloured.
    """
    ways = orientations(images.shape, config.flips, config.quarter_turns, generator)
    if config.moves_pixels:
        maps = draw_maps(len(images), images.shape[-2:], config, generator)
        moved = is_moved(maps)
        # Patches that are sampled anew anyway are turned by the same sampling; only the others are copied.
        maps[moved] = oriented_maps(maps, *ways)[moved]
        images = warp(oriented(images, *(way & ~moved for way in ways)), maps, config.fill)
    else:
        images = oriented(images, *ways)
    if config.needs_units and units is not None:
        bands = recolour(images[:, : images.shape[1] - planes], units, config, generator)
        images = torch.cat([bands, images[:, images.shape[1] - planes :]], dim=1) if planes else bands
    labels = smooth(targets[:, :CLASSES], config.label_smoothing)
    return images, torch.cat([labels, targets[:, CLASSES:]], dim=1)


def smooth(targets: Tensor, share: float) -> Tensor:
    """(N, K) soft labels with ``share`` of the mass spread evenly over the K classes."""
    return targets * (1.0 - share) + share / targets.shape[1]


def orientations(
    shape: Sequence[int], flips: bool, turns: bool, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What :func:`oriented` does to each patch of a batch (N, C, H, W): three boolean arrays (N,).

    All that are allowed are equally likely; with both settings these are the 8 symmetries of the square. Patches that
    are not square turn by 0 or 180 degrees.
    """
    n, square = shape[0], shape[-2] == shape[-1]
    swap, up, left = (np.zeros(n, dtype=bool) for _ in range(3))
    if turns:
        quarter = generator.integers(0, 4, n) if square else 2 * generator.integers(0, 2, n)
        # Turning by 90, 180, 270 degrees: swap the axes and flip one, flip both, swap and flip the other.
        swap, up, left = quarter % 2 == 1, (quarter == 1) | (quarter == 2), (quarter == 2) | (quarter == 3)
    if flips:
        up, left = up ^ (generator.random(n) < 0.5), left ^ (generator.random(n) < 0.5)
    return swap, up, left


def oriented(images: Tensor, swap: np.ndarray, up: np.ndarray, left: np.ndarray) -> Tensor:
    """Patch i with H and W swapped, then H reversed, then W reversed, as the boolean arrays (N,) say.

    Pixels only change places. A copy, or the batch itself where nothing is to be done.
    """
    code = swap * 4 + up * 2 + left
    if not code.any():
        return images
    out = torch.empty_like(images)
    for value in np.unique(code):
        where = sent(np.flatnonzero(code == value), images.device)
        view = images.index_select(0, where)
        view = view.transpose(-1, -2) if value & 4 else view
        dims = [dim for bit, dim in ((2, -2), (1, -1)) if value & bit]
        out.index_copy_(0, where, view.flip(dims) if dims else view)
    return out


def mix(
    images: Tensor, targets: Tensor, config: AugmentConfig, generator: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """The batch mixed with itself in another order by MixUp or CutMix (a coin decides when both are on), or as it was.

    The partner of a patch is the one before it: the batch is shuffled, and no patch is its own partner.
    """
    alphas = {"mixup": config.mixup_alpha, "cutmix": config.cutmix_alpha}
    able = [name for name, alpha in alphas.items() if alpha > 0.0]
    if not able or len(images) < 2 or generator.random() >= config.mix_prob:
        return images, targets
    name = able[int(generator.integers(len(able)))]
    weight = float(generator.beta(alphas[name], alphas[name]))
    partner = torch.arange(len(images), device=images.device).roll(1)
    if name == "mixup":
        return mixup(images, targets, weight, partner)
    draw = draw_corners(images.shape[-2:], generator) if config.cutmix_box == "corners" else None
    return cutmix(images, targets, draw or draw_box(images.shape[-2:], weight, generator), partner)


def mixup(images: Tensor, targets: Tensor, weight: float, partner: Tensor) -> tuple[Tensor, Tensor]:
    """``weight * x + (1 - weight) * x[partner]`` for images and labels (Zhang et al., 2018)."""
    return images.index_select(0, partner).lerp_(images, weight), targets[partner].lerp_(targets, weight)


def cutmix(images: Tensor, targets: Tensor, box: Box, partner: Tensor) -> tuple[Tensor, Tensor]:
    """The partner's pixels inside ``box``; labels mixed by the box's exact share of the patch (Yun et al., 2019)."""
    top, bottom, left, right = box
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = images[..., top:bottom, left:right][partner]
    share = (bottom - top) * (right - left) / (images.shape[-2] * images.shape[-1])
    return mixed, torch.lerp(targets, targets[partner], share)


def draw_box(hw: tuple[int, int], weight: float, generator: np.random.Generator) -> Box:
    """A box of about ``1 - weight`` of the area around a uniformly drawn centre, clipped at the patch's border."""
    height, width = int(hw[0]), int(hw[1])
    ratio = float(np.sqrt(1.0 - weight))
    cut_h, cut_w = int(height * ratio), int(width * ratio)
    y, x = int(generator.integers(height)), int(generator.integers(width))
    top, bottom = max(y - cut_h // 2, 0), min(y + (cut_h + 1) // 2, height)
    left, right = max(x - cut_w // 2, 0), min(x + (cut_w + 1) // 2, width)
    return top, bottom, left, right


def draw_corners(hw: tuple[int, int], generator: np.random.Generator) -> Box:
    """A box between two corners that are drawn evenly over the patch, never empty (paper A, Algorithm 2: x1 < x2)."""
    (top, bottom), (left, right) = (sorted(generator.choice(int(n) + 1, 2, replace=False).tolist()) for n in hw)
    return top, bottom, left, right
