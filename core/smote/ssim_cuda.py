"""SSIM of all pairs and exact neighbours on a CUDA device, tile by tile.

Patches lie in main memory, as an array or anything sliced like one. The results are those of
``core.smote.ssim.pairwise_ssim`` and ``core.smote.topk.nearest_patches`` on the CPU. triton comes with CUDA builds of
torch and is imported only here, when :func:`usable` is asked; without it the CPU does the work.

Window means and variances are taken once for each patch, in float64. Tiles of described patches are kept on the device
while they fill less than half of what is free; the others are described again when they are needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from core.device import free_bytes
from core.smote import ssim_terms

CHUNK = 128  # patches described at once: 50 MB in float64 with 12 bands of 64 x 64, a few times
TILE_BYTES = 2**30  # of one described tile: about 2000 patches of 12 x 64 x 64
MOST = 2048  # patches on a side of a tile: sums of 12 bands are 0.2 GB
BLOCK = 256  # tiles are cut at multiples of it
SCALE = float(np.sqrt(2 / 48))  # products of scaled pixels add up to twice the sample covariance and more
MEAN_SCALE = float(np.sqrt(2 * 49 / 48))


def usable(device: Any) -> bool:
    """Whether the device is a CUDA device and triton is there."""
    return device is not None and torch.device(device).type == "cuda" and find_spec("triton") is not None


@dataclass(frozen=True)
class Described:
    """What of n patches the kernel needs, padded to whole blocks: axes band, group, column, row, place in the group."""

    n: int
    n_windows: int  # (H - 6) (W - 6)
    values: torch.Tensor  # (C, groups, W, ROWS + 6, 32) float32, centred, in units of the data range times SCALE
    mean: torch.Tensor  # (C, groups, W - 6, ROWS, 32), window means about the offset times MEAN_SCALE
    half: torch.Tensor  # the same shape: variance + C2 / 2; infinite where there is no window
    offset: torch.Tensor  # (C, groups, 32)
    windows: torch.Tensor | None  # (n, H - 6, W - 6) bool where pixels hold no data

    def flags(self) -> torch.Tensor:
        """(n, windows) bool: those that count."""
        if self.windows is None:
            return torch.ones((self.n, self.n_windows), dtype=torch.bool, device=self.values.device)
        return self.windows.flatten(1)

    @property
    def bytes(self) -> int:
        """What it fills on the device."""
        parts = (self.values, self.mean, self.half, self.offset, self.windows)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)


def describe(part: np.ndarray, ranges: np.ndarray, valid: np.ndarray | None, device: Any, plan: Any = None):
    """The :class:`Described` of patches (n, C, H, W). Raises FormatError where they are not finite."""
    from core.smote.ssim_triton import PLAN, SIDE

    part = np.asarray(part)
    n, bands, height, width = part.shape
    plan = plan or PLAN
    groups = -(-n // plan.y_block) * plan.y_block // SIDE
    rows = -(-(height - 6) // plan.rows) * plan.rows
    values = torch.zeros((bands, groups, width, rows + 6, SIDE), dtype=torch.float32, device=device)
    mean = torch.zeros((bands, groups, width - 6, rows, SIDE), dtype=torch.float32, device=device)
    half = torch.full_like(mean, float("inf"))
    offset = torch.zeros((bands, groups, SIDE), dtype=torch.float32, device=device)
    whole = ssim_terms.whole_windows(valid, part.shape)
    windows = None if whole is None else torch.from_numpy(whole).to(device)
    scale = torch.as_tensor(np.array(ranges), dtype=torch.float64, device=device)[:, None, None]
    finite = []
    for first in range(0, n, CHUNK):
        some = slice(first, min(first + CHUNK, n))
        kept = part[some] if part.dtype in (np.float32, np.float64) else part[some].astype(np.float64)
        pixels = torch.from_numpy(np.ascontiguousarray(kept)).to(device).double() / scale
        finite.append(pixels.isfinite().all(dim=3).all(dim=2).all(dim=1))
        middle = pixels.mean(dim=(2, 3)).float()  # (m, C)
        pixels = (pixels - middle[:, :, None, None]).float().double()  # what the kernel will see
        sums, squares = _window_sums(pixels), _window_sums(pixels * pixels)
        variance = (squares - sums * sums / 49) / 48 + float(ssim_terms.C2) / 2
        if windows is not None:
            variance.masked_fill_(~windows[some, None], float("inf"))
        where = slice(first // SIDE, -(-some.stop // SIDE))
        _place(values[:, where, :, :height], pixels * SCALE)
        _place(mean[:, where, :, : height - 6], sums * (MEAN_SCALE / 49))
        _place(half[:, where, :, : height - 6], variance)
        _place(offset[:, where, None, None], middle[:, :, None, None])
    ssim_terms.refuse_unfinite(~torch.cat(finite).cpu().numpy())
    return Described(n, (height - 6) * (width - 6), values, mean, half, offset, windows)


def _window_sums(pixels: torch.Tensor) -> torch.Tensor:
    """(m, C, H, W) -> (m, C, H-6, W-6): sums over each 7 x 7 window."""
    height, width = pixels.shape[2] - 6, pixels.shape[3] - 6
    columns = sum(pixels[:, :, k : k + height] for k in range(7))
    return sum(columns[..., k : k + width] for k in range(7))


def _place(where: torch.Tensor, values: torch.Tensor) -> None:
    """Write (m, C, H, W) into (C, groups, W, H, 32); a last group may stay partly empty."""
    groups, side = where.shape[1], where.shape[-1]
    for group in range(groups) if len(values) < groups * side else ():
        some = values[group * side : (group + 1) * side]
        where[:, group, ..., : len(some)] = some.permute(1, 3, 2, 0)
    if len(values) == groups * side:
        where.copy_(values.unflatten(0, (groups, side)).permute(2, 0, 4, 3, 1))


def compare(left: Described, right: Described, plan: Any = None) -> torch.Tensor:
    """(n, m) float32 SSIM on the device, -1 without a common window; of a tile with itself only above the diagonal."""
    from core.smote.ssim_triton import PLAN, half_sums

    same, bands = left is right, len(left.offset)
    sums = half_sums(
        left, right, same, float(ssim_terms.C1) / 2, float(ssim_terms.C2), 1 / MEAN_SCALE, plan or PLAN
    ).sum(0)
    if left.windows is None and right.windows is None:
        found = sums * (2 / (bands * left.n_windows))
    else:
        counts = left.flags().float() @ right.flags().float().T  # exact below 2^24, in any precision of products
        found = torch.where(counts > 0, sums * 2 / (bands * counts.clamp(min=1)), -1.0)
    return found.triu(1) if same else found


def tiles(
    images: Any,
    data_range: float | Sequence[float] | np.ndarray,
    valid: np.ndarray | None,
    device: Any,
    tile: int | None = None,
) -> Iterator[tuple[slice, slice, torch.Tensor]]:
    """Every pair of tiles once, rows never after columns: where they lie and their SSIM on the device."""
    ranges = ssim_terms.ranges_of(images.shape, images[:1].dtype, data_range)
    n = len(images)
    side = tile or _side(images.shape)
    starts = list(range(0, n, side))
    kept: dict[int, Described] = {}
    room = (free_bytes(torch.device(device)) or 0) / 2

    def described(first: int) -> Described:
        if first in kept:
            return kept[first]
        rows = slice(first, min(first + side, n))
        made = describe(images[rows], ranges, None if valid is None else valid[rows], device)
        if sum(part.bytes for part in kept.values()) + made.bytes < room:
            kept[first] = made
        return made

    for i, first in enumerate(starts):
        mine = described(first)
        for other in starts[i:]:
            theirs = mine if other == first else described(other)
            yield slice(first, min(first + side, n)), slice(other, min(other + side, n)), compare(mine, theirs)
        kept.pop(first, None)


def _side(shape: Sequence[int]) -> int:
    """Patches on a side of a tile, so that a described tile stays within TILE_BYTES."""
    _, bands, height, width = shape
    each = 4 * bands * (height * width + 2 * (height - 6) * (width - 6))
    return int(np.clip(TILE_BYTES // each // BLOCK * BLOCK, BLOCK, MOST))


def all_pairs(images: np.ndarray, data_range: Any, valid: np.ndarray | None, device: Any, tile: int | None = None):
    """(N, N) float32; see ``core.smote.ssim.pairwise_ssim``."""
    out = np.ones((len(images), len(images)), np.float32)
    for rows, columns, found in tiles(images, data_range, valid, device, tile):
        if rows == columns:
            found = found + found.T
        out[rows, columns] = found.cpu().numpy()
        if rows != columns:
            out[columns, rows] = out[rows, columns].T
    np.fill_diagonal(out, 1.0)
    return out


def nearest(
    images: Any,
    data_range: Any,
    k: int,
    *,
    valid: np.ndarray | None,
    copies: np.ndarray,
    device: Any,
    tile: int | None = None,
    progress: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and SSIM, (N, k) each, of the k most similar others; see ``core.smote.topk.nearest_patches``."""
    n = len(images)
    copies = torch.as_tensor(np.unique(copies, return_inverse=True)[1], device=device)
    best = torch.full((n, k), -torch.inf, device=device)
    index = torch.full((n, k), -1, dtype=torch.int64, device=device)

    def merge(rows: slice, columns: slice, found: torch.Tensor) -> None:
        allowed = (copies[rows, None] != copies[None, columns]) & (found > -1.0)
        values = torch.cat([best[rows], torch.where(allowed, found, -torch.inf)], dim=1)
        # Columns come in ascending order to every row, so that a stable order puts equal ones by position.
        order = values.sort(dim=1, descending=True, stable=True).indices[:, :k]
        best[rows] = values.gather(1, order)
        known = index[rows].gather(1, order.clamp(max=k - 1))
        index[rows] = torch.where(order < k, known, order - k + columns.start)

    for rows, columns, found in tiles(images, data_range, valid, device, tile):
        if rows == columns:
            merge(rows, rows, found + found.T)  # zeros on the diagonal, which copies leave out
        else:
            merge(rows, columns, found)
            merge(columns, rows, found.T)
        if progress:  # the share of the pairs that is done
            progress(1 - ((n - rows.stop) * n + (rows.stop - rows.start) * (n - columns.stop)) / n**2)
    index[best == -torch.inf] = -1
    return index.cpu().numpy(), torch.where(index >= 0, best, -1.0).cpu().numpy()
