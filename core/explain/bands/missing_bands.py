"""What a model is given in place of values that are missing when it must answer.

Everything is learnt from the training part of the fold; labels are never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# By name: how missing values are filled, to end "Missing values are ...".
POLICIES: dict[str, str] = {
    "as_is": "left as they came",
    "mean": "the band's mean over the training part",
    "zero": "0 in the band's unit",
    "nearest": "those of the training patch whose other bands are most alike",
    "regression": "told from the pixel's other bands, by a line fitted to the training part",
}
PIXELS = 200_000  # of the training part that lines are fitted to


@dataclass(frozen=True, eq=False)
class Training:
    """The training part, or a sample of it: images (M, C, H, W) float32 raw; mean (C,) of all of it; a seed."""

    images: np.ndarray
    mean: np.ndarray
    seed: int = 0

    @cached_property
    def traits(self) -> np.ndarray:
        """(M, C, 2): mean and standard deviation of each band."""
        return _traits(self.images, self.mean)

    @cached_property
    def pixels(self) -> np.ndarray:
        """(P, C) float64 drawn from the training part, missing values as the mean."""
        n_bands = self.images.shape[1]
        flat = np.moveaxis(self.images, 1, -1).reshape(-1, n_bands)
        rows = np.random.default_rng(self.seed).permutation(len(flat))[:PIXELS]
        return np.where(np.isfinite(flat[rows]), flat[rows], self.mean).astype(np.float64)


def policies_for(kind: str, n_left: int) -> tuple[str, ...]:
    """The policies that make sense: a loss must be filled, a cloud may be left; lines need bands that are left."""
    from_others = ("nearest", "regression") if n_left else ()
    if kind == "lost":
        return ("mean", "zero", *from_others)
    return ("as_is", "mean", *from_others[1:]) if kind == "cloud" else ("as_is",)


def fill_missing(policy: str, images: np.ndarray, missing: np.ndarray, training: Training) -> np.ndarray:
    """(N, C, H, W) float32 with missing values filled as ``policy`` says; see POLICIES.

    images: (N, C, H, W) raw. missing: the same shape, bool; a band with any missing value counts as missing for the
    choice of what others may tell of it.
    """
    lost = np.flatnonzero(missing.any(axis=(0, 2, 3)))
    if policy == "as_is" or not lost.size:
        return images
    left = np.setdiff1d(np.arange(images.shape[1]), lost)
    if policy == "nearest" and left.size:
        values = _of_nearest(images, left.tolist(), training)[:, lost]
    elif policy == "regression" and left.size:
        values = _by_lines(images, left, lost, training)
    else:
        constant = np.zeros(len(lost), np.float32) if policy == "zero" else training.mean[lost]
        values = np.broadcast_to(constant[:, None, None], (len(images), len(lost), *images.shape[2:]))
    out = images.copy()
    out[:, lost] = np.where(missing[:, lost], values, out[:, lost])
    return out


def _of_nearest(images: np.ndarray, left: Sequence[int], training: Training) -> np.ndarray:
    """The training patch nearest to each in mean and spread of the bands that are left, all of it."""
    known = training.traits[:, left].reshape(len(training.images), -1)
    mine = _traits(images, training.mean)[:, left].reshape(len(images), -1)
    spread = known.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    known, mine = known / scale, mine / scale
    distance = (mine**2).sum(axis=1)[:, None] - 2 * mine @ known.T + (known**2).sum(axis=1)
    return training.images[distance.argmin(axis=1)]


def _by_lines(images: np.ndarray, left: np.ndarray, lost: np.ndarray, training: Training) -> np.ndarray:
    """(N, lost, H, W) float32: least squares of each lost band on those that are left, pixel by pixel."""
    center, scale = training.mean[left].astype(np.float64), training.pixels[:, left].std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    design = np.column_stack([np.ones(len(training.pixels)), (training.pixels[:, left] - center) / scale])
    weights = np.linalg.lstsq(design, training.pixels[:, lost], rcond=None)[0]  # (1 + left, lost)
    x = np.moveaxis(images[:, left], 1, -1)  # (N, H, W, left)
    x = (np.where(np.isfinite(x), x, training.mean[left]) - center) / scale
    return np.moveaxis(weights[0] + x @ weights[1:], -1, 1).astype(np.float32)


def _traits(images: np.ndarray, mean: np.ndarray) -> np.ndarray:
    filled = np.where(np.isfinite(images), images, mean[:, None, None])
    return np.stack([filled.mean(axis=(2, 3)), filled.std(axis=(2, 3))], axis=2).astype(np.float64)
