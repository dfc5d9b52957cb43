"""Patches rotated by any angle, sheared, shifted and cropped, each by its own draw, on the batch's device.

All bands of a patch are moved alike.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import AugmentConfig
from core.device import sent


def draw_maps(n: int, hw: tuple[int, int], config: AugmentConfig, generator: np.random.Generator) -> np.ndarray:
    """(n, 2, 3) float64: from a place in the new patch to one in the old, as (x, y) pixels from the patch's centre."""
    height, width = int(hw[0]), int(hw[1])
    angle = np.deg2rad(generator.uniform(-config.rotation, config.rotation, n))
    shear = np.tan(np.deg2rad(generator.uniform(-config.shear, config.shear, n)))
    room = (1.0 - config.crop) / 2  # how far the centre of the cut square may lie from the patch's, as share of a side
    share = generator.uniform(-1, 1, (n, 2)) * (config.translation + room)
    pixels = generator.integers(-config.shift, config.shift + 1, (n, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)  # (n, 2, 2)
    slant = np.tile(np.eye(2), (n, 1, 1))
    slant[:, 0, 1] = shear
    maps = np.concatenate([config.crop * (turn @ slant), (share * (width, height) + pixels)[:, :, None]], axis=2)
    maps[generator.random(n) >= config.affine_prob] = [[1, 0, 0], [0, 1, 0]]
    return maps


def is_moved(maps: np.ndarray) -> np.ndarray:
    """(n,) bool: which of ``maps`` do anything."""
    return (maps != [[1, 0, 0], [0, 1, 0]]).any(axis=(1, 2))


def oriented_maps(maps: np.ndarray, swap: np.ndarray, up: np.ndarray, left: np.ndarray) -> np.ndarray:
    """``maps`` (n, 2, 3) for patches that were first swapped and reversed: what :func:`warp` then does is both at once.

    swap, up, left: (n,) bool, as of ``core.train.augmentation.augment.oriented``; only square patches are swapped.
    """
    x, y = np.where(left, -1.0, 1.0)[:, None] * maps[:, 0], np.where(up, -1.0, 1.0)[:, None] * maps[:, 1]  # (n, 3)
    return np.stack([np.where(swap[:, None], y, x), np.where(swap[:, None], x, y)], axis=1)


def warp(images: Tensor, maps: np.ndarray, fill: str) -> Tensor:
    """The batch under ``maps`` (see :func:`draw_maps`), each patch under its own, every band alike.

    Bilinear, filled behind the border as ``fill`` says; what the maps leave as it is stays so to the bit.
    """
    moved = np.flatnonzero(is_moved(maps))
    if not len(moved):
        return images
    height, width = images.shape[-2:]
    sides = np.array([width, height]) / 2  # grid_sample counts from -1 to 1 over a side
    theta = maps[moved].copy()
    theta[:, :, :2] *= sides / sides[:, None]
    theta[:, :, 2] /= sides
    matrices = sent(theta.astype(np.float32), images.device).to(images.dtype)
    grid = sampling_grid(matrices, height, width)

    def sampled(patches: Tensor) -> Tensor:
        return F.grid_sample(patches, grid, mode="bilinear", padding_mode=fill, align_corners=False)

    if len(moved) == len(images):
        return sampled(images)
    where = sent(moved, images.device)
    return images.index_copy(0, where, sampled(images.index_select(0, where)))


def sampling_grid(maps: Tensor, height: int, width: int) -> Tensor:
    """(n, H, W, 2): where each pixel's value is looked up, as (x, y) from -1 to 1 over the sides; maps: (n, 2, 3).

    ``F.affine_grid`` without its product of tiny matrices, which takes five times as long on a CPU.
    """
    x, y = (
        ((torch.arange(n, device=maps.device, dtype=maps.dtype) * 2 + 1) / n - 1).reshape(shape)
        for n, shape in ((width, (1, 1, -1)), (height, (1, -1, 1)))
    )
    grid = maps.new_empty(len(maps), height, width, 2)
    for axis in (0, 1):
        by_x, by_y, by = (maps[:, axis, k].reshape(-1, 1, 1) for k in range(3))
        grid[..., axis] = by_x * x + (by_y * y + by)
    return grid
