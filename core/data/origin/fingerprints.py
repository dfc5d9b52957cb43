"""What is kept of a patch so that it can be recognised when its pixels are no longer at hand.

A hash of each band tells equal values. One small picture of all bands, its *plane*, tells nearly equal ones: shifted,
noised, re-encoded, flipped or turned copies.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from core.data.leakage.shifted_crops import averaging

SIDE = 64  # pixels of a plane's side at most
MOST_BYTES = 2**28  # of all planes of one record; of more patches the planes are smaller
BATCH = 128
CLIP = 5.0  # standard deviations of a band beyond which a pixel is an outlier
TAILS = (0.5, 99.5)  # percentiles of a plane that become its darkest and its brightest value
NO_DATA = 0  # of a plane; its values are 1 to 255


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Of N patches.

    bands: names. hashes: (N, C) uint64, one a band; 0 where a band has one value only, which says nothing. planes:
    (N, S, S) uint8, 1-255 within each patch, 0 without data; S is 64 or the patch's shorter side. Both depend on the
    patch alone: not on the dataset, and the planes not on unit, gain and offset of a band either. joined: hashes are
    (N, 1), one of all bands together, as the card of a weights file keeps them.
    """

    bands: tuple[str, ...]
    hashes: np.ndarray
    planes: np.ndarray
    joined: bool = False

    def __len__(self) -> int:
        return len(self.hashes)

    def take(self, rows: np.ndarray) -> Fingerprints:
        """Those of some patches."""
        return Fingerprints(self.bands, self.hashes[rows], self.planes[rows], self.joined)


def fingerprints(images: np.ndarray, bands: tuple[str, ...], side: int | None = None) -> Fingerprints:
    """Of patches (N, C, H, W), NaN where there is no data. side: of the planes; none: :func:`plane_side`."""
    n, n_bands, height, width = images.shape
    side = side or plane_side(n, height, width)
    hashes, planes = np.zeros((n, n_bands), np.uint64), np.zeros((n, side, side), np.uint8)
    for start in range(0, n, BATCH):
        some = np.array(images[start : start + BATCH], np.float32)
        some[~np.isfinite(some)] = np.nan
        hashes[start : start + BATCH] = _hashes(some)
        planes[start : start + BATCH] = _planes(some, side)
    return Fingerprints(tuple(bands), hashes, planes)


def plane_side(n: int, height: int, width: int) -> int:
    """Side of the planes of ``n`` patches of that size."""
    return max(1, min(SIDE, height, width, math.isqrt(MOST_BYTES // max(n, 1))))


def joined_hashes(hashes: np.ndarray) -> np.ndarray:
    """(N,) uint64, one a patch, of (N, C): 0 where no band says anything."""
    rows = np.ascontiguousarray(hashes, "<u8")
    found = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() if row.any() else bytes(8) for row in rows]
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64)


def _hashes(images: np.ndarray) -> np.ndarray:
    """(n, C) uint64. images: nan without data. Every nan has the same bits, and so has every zero."""
    canonical = np.where(np.isnan(images), np.float32(np.nan), images + np.float32(0.0))
    low = np.where(np.isnan(images), np.inf, images).min(axis=(2, 3))
    high = np.where(np.isnan(images), -np.inf, images).max(axis=(2, 3))
    out = np.zeros(images.shape[:2], np.uint64)
    for k, c in zip(*np.nonzero(high > low), strict=True):
        digest = hashlib.blake2b(np.ascontiguousarray(canonical[k, c], "<f4").data, digest_size=8).digest()
        out[k, c] = int.from_bytes(digest, "little")
    return out


def _planes(images: np.ndarray, side: int) -> np.ndarray:
    """(n, side, side) uint8: the mean of the bands, each standardised within its patch, as far as it has values."""
    known = np.isfinite(images)
    count = np.maximum(known.sum(axis=(2, 3), keepdims=True), 1)
    values = np.where(known, images, 0.0).astype(np.float64)
    mean = values.sum(axis=(2, 3), keepdims=True) / count
    z = np.where(known, values - mean, 0.0)
    spread = np.sqrt((z * z).sum(axis=(2, 3), keepdims=True) / count)
    flat = spread <= 1e-6 * np.maximum(np.abs(mean), 1e-12)
    z = np.clip(np.divide(z, spread, out=np.zeros_like(z), where=~flat), -CLIP, CLIP)
    total, weight = z.sum(axis=1), (known & ~flat).sum(axis=1)  # (n, H, W)
    rows, columns = averaging(images.shape[2], side), averaging(images.shape[3], side)
    there = rows @ (weight > 0).astype(np.float32) @ columns.T
    pixel = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0).astype(np.float32)
    plane = np.divide(rows @ pixel @ columns.T, there, out=np.zeros_like(there), where=there >= 0.5)
    out = np.full(plane.shape, NO_DATA, np.uint8)
    for k in range(len(plane)):
        inside = there[k] >= 0.5
        if inside.any():
            low, high = np.percentile(plane[k][inside], TAILS)
            scaled = (plane[k] - low) / max(high - low, 1e-6)
            out[k] = np.where(inside, 1 + np.rint(254 * np.clip(scaled, 0.0, 1.0)), NO_DATA).astype(np.uint8)
    return out
