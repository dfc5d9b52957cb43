"""Seven numbers a band that show a wrong unit, gain, order or texture of a patch, quickly enough for whole scenes.

``band_statistics`` reads every pixel; these are read from every second one, since a scene asks for them per window.
"""

from __future__ import annotations

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEATURES = (*(f"q{round(100 * q):02d}" for q in QUANTILES), "spread", "step")
MEDIAN, SPREAD, STEP = FEATURES.index("q50"), FEATURES.index("spread"), FEATURES.index("step")
EVERY = 2  # pixel that is looked at, along both sides
BATCH = 256  # patches at a time


def value_features(images: np.ndarray) -> np.ndarray:
    """(N, C, 7) float32 of raw patches (N, C, H, W); nan where a band has no value.

    5/25/50/75/95 % quantiles, the width between the outer two, and the mean step between neighbouring pixels.
    """
    parts = [_describe(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    return np.concatenate(parts) if parts else np.empty((0, images.shape[1], len(FEATURES)), np.float32)


def _describe(images: np.ndarray) -> np.ndarray:
    n, n_bands = images.shape[:2]
    rows = images[:, :, ::EVERY]
    some = rows[..., ::EVERY].reshape(n, n_bands, -1).astype(np.float32)
    some[~np.isfinite(some)] = np.nan
    ordered = np.sort(some, axis=2)  # nan comes last
    known = some.shape[2] - np.isnan(ordered).sum(axis=2)  # (n, C)
    found = np.empty((n, n_bands, len(FEATURES)), np.float32)
    for k, quantile in enumerate(QUANTILES):
        place = quantile * np.maximum(known - 1, 0)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(known - 1, 0))
        below, above = (np.take_along_axis(ordered, at[..., None], axis=2)[..., 0] for at in (low, high))
        found[..., k] = below + (above - below) * (place - low)
    found[..., SPREAD] = found[..., len(QUANTILES) - 1] - found[..., 0]
    steps = np.abs(rows[..., 1:] - rows[..., :-1])
    usable = np.isfinite(steps)
    total = np.where(usable, steps, 0).sum(axis=(2, 3), dtype=np.float64)
    count = usable.sum(axis=(2, 3))
    found[..., STEP] = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    found[known == 0] = np.nan
    return found
