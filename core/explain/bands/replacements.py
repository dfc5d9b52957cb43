"""What stands in a band's place when it is occluded.

You get patches of the same shape to take bands from. Pixels without data keep what they have: filling one band of them
would make them look like data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from core.errors import ConfigError

Baseline = Literal["mean", "zero", "zero_raw", "shuffle", "swap"]
# By name: what the band is replaced by, to end "The band is replaced by ...".
BASELINES: dict[str, str] = {
    "mean": "the band's mean over the training part",
    "zero": "0 after normalisation, as the network sees it (paper A's Figure 7)",
    "zero_raw": "0 in the band's unit (0 dB and reflectance 0 are off the data)",
    "shuffle": "its own pixels in another order: values stay, the pattern goes",
    "swap": "the same band of a patch of the other class",
}
CONSTANT = ("mean", "zero", "zero_raw")


def replacement(
    baseline: str,
    images: np.ndarray,
    constants: Mapping[str, np.ndarray],
    has_data: np.ndarray | None,
    donors: np.ndarray | None,
    seed: int,
) -> np.ndarray:
    """Patches to take bands from: (N, C, H, W) float32, or (1, C, 1, 1) where a constant a band does.

    images: (N, C, H, W) float32. constants: by name of CONSTANT (C,), in the images' scale. has_data: (N, H, W) bool;
    none: everywhere. donors: (N, C, H, W), for "swap": a patch of the other class for each. seed: of "shuffle", where
    all bands of a patch are shuffled alike, so that a group of bands stays in register. Raises ConfigError for an
    unknown baseline.
    """
    if baseline in CONSTANT:
        other = np.asarray(constants[baseline], np.float32)[None, :, None, None]
    elif baseline == "shuffle":
        other = _shuffled(images, has_data, np.random.default_rng(seed))
    elif baseline == "swap" and donors is not None:
        other = np.asarray(donors, np.float32)
    else:
        raise ConfigError(f"A band cannot be replaced by '{baseline}'. Known: {', '.join(BASELINES)}.")
    if has_data is None or has_data.all():
        return other
    return np.where(has_data[:, None], other, images).astype(np.float32)


def choose_donors(labels: np.ndarray, pool_labels: np.ndarray, seed: int) -> np.ndarray:
    """(N,) a row of the pool for each patch: of the other class, drawn at random; of any where the pool has no other.

    labels: (N,) 0/1. pool_labels: (M,) 0/1, M >= 1.
    """
    rng = np.random.default_rng(seed)
    rows = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        mine = labels == label
        others = np.flatnonzero(pool_labels != label)
        rows[mine] = rng.choice(others if len(others) else len(pool_labels), int(mine.sum()))
    return rows


def _shuffled(images: np.ndarray, has_data: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    flat = np.array(images, np.float32).reshape(*images.shape[:2], -1)  # (N, C, H*W), a copy
    known = np.ones((len(flat), flat.shape[2]), bool) if has_data is None else has_data.reshape(len(flat), -1)
    for patch, usable in zip(flat, known, strict=True):
        pixels = np.flatnonzero(usable)
        patch[:, pixels] = patch[:, rng.permutation(pixels)]
    return flat.reshape(images.shape)
