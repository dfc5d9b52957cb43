"""What "no data" is, once, for every reader and everybody who looks at patches: NaN.

A value is missing where it is not finite, where it is the nodata value in all bands of its pixel, or where it is so far
outside everything else in its band that no sensor has measured it (-3.4e38, 1e30). A file keeps its values as they
came; whoever reads patches gets NaN there (``Dataset.images``, ``core.data.readers.iterate_patches``), leaves it out of
statistics, and normalisation puts the band's centre in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.data.bands import Band

LARGEST = float(np.finfo(np.float32).max)  # beyond it a value is infinite, and missing by itself
NEAR = 1e-6  # of the nodata value, beyond which nothing equals it in float32
SPREADS = 5.0  # of the middle half beyond which a value is absurd, if it is also far outside the usual range
SPREADS_UNKNOWN = 1000.0  # the same where no usual range is known: elevation, slope and counts have long tails
MODEST = 1e6  # never absurd up to here where no usual range is known
# What writers put where nothing was seen, mostly without saying so; 0 and 255 are values too often.
LIKELY_NODATA = (-9999.0, -99999.0, -999.0, -9999.9, -32768.0, -32767.0, -LARGEST, 1e20, 9.969209968386869e36)
BELOW, ABOVE = 0.25, 10.0  # widths of the usual range that are allowed on top of it


def to_single() -> np.errstate:
    """Within it numbers become float32 in silence: too large ones infinite, signalling NaN plain NaN, both missing."""
    return np.errstate(over="ignore", invalid="ignore")


def equals_nodata(values: np.ndarray, nodata: float) -> np.ndarray:
    """Where ``values`` are the nodata value as GDAL sees it: (...) bool.

    Integers must be equal. Floats are compared in float32 with a tolerance of two units in the last place, and the sum
    in it overflows near the largest float32, so that the rounded tag -3.40282e+38 means the lowest float32.
    """
    if math.isnan(nodata):
        return np.isnan(values)
    if values.dtype.kind != "f":
        return values == np.float64(nodata) if float(nodata).is_integer() else np.zeros(values.shape, bool)
    with to_single():
        single, tag = values.astype(np.float32, copy=False), np.float32(nodata)
        equal = single == tag
        if abs(nodata) > LARGEST / 2:
            equal |= np.isfinite(single) & np.isinf(single + tag)
        elif nodata:
            # Two comparisons leave few values, if any, on which the rest is worth its temporaries.
            edge = np.float32(abs(nodata) * NEAR)
            near = (single >= tag - edge) & (single <= tag + edge)
            if near.any():
                some = single[near]
                near[near] = np.abs(some - tag) < np.finfo(np.float32).eps * np.abs(some + tag) * 2
                equal |= near
    return equal


def pixels_of(images: np.ndarray, nodata: float | None) -> np.ndarray:
    """(N, H, W) bool: where all bands of ``images`` (N, C, H, W) are the nodata value."""
    if nodata is None:
        return np.zeros((len(images), *images.shape[2:]), bool)
    found = equals_nodata(images[:, 0], nodata)
    for band in range(1, images.shape[1]):  # after the first band hardly any pixel is left to be looked at
        if not found.any():
            break
        found &= equals_nodata(images[:, band], nodata)
    return found


def valid_pixels(images: np.ndarray, nodata: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Where a value is there, and where a pixel holds any data.

    Args:
        images: (N, C, H, W), any number type.
        nodata: of values as a file keeps them; patches that were read have NaN there, and need none.

    Returns:
        ``usable`` (N, C, H, W) bool and ``has_data`` (N, H, W) bool: some band is usable there.
    """
    usable = np.isfinite(images)
    if nodata is not None:
        usable &= ~pixels_of(images, nodata)[:, None]
    return usable, usable.any(axis=1)


def has_data(images: np.ndarray) -> np.ndarray | None:
    """(N, H, W) bool, where some band of ``images`` (N, C, H, W) is finite; None where that is everywhere."""
    found = np.isfinite(images[:, 0]) if len(images) else np.ones((0, *images.shape[2:]), bool)
    for band in range(1, images.shape[1]):
        if found.all():
            return None
        found = found | np.isfinite(images[:, band])
    return None if found.all() else found


def blank_patches(images: np.ndarray) -> np.ndarray:
    """(N,) bool: patches (N, C, H, W) without a single finite value."""
    return np.array([not np.isfinite(patch).any() for patch in images], bool)


def as_missing(
    images: np.ndarray,
    nodata: float | None = None,
    bounds: np.ndarray | None = None,
    all_bands: np.ndarray | None = None,
) -> int:
    """Write NaN into float32 ``images`` (n, C, H, W), in place, wherever a value is missing.

    all_bands: (n, B, H, W) as stored, where ``images`` holds some of the bands only: a pixel is judged by all of them.
    bounds: (C, 2) outside which a value is absurd; None: no value is. Returns how many absurd values there were.
    """
    if nodata is not None:
        empty = pixels_of(images if all_bands is None else all_bands, nodata)
        if empty.any():
            np.copyto(images, np.float32(np.nan), where=empty[:, None])
    n_absurd = 0
    if bounds is not None:
        for band, (low, high) in enumerate(bounds):
            if not np.isfinite([low, high]).any():
                continue
            part = images[:, band]
            absurd = (part < low) | (part > high)
            if absurd.any() and (absurd := absurd & np.isfinite(part)).any():
                part[absurd] = np.nan
                n_absurd += int(absurd.sum())
    return n_absurd


def plausible(band: Band, row: Mapping) -> tuple[float, float]:
    """(low, high) outside which a value of ``band`` is absurd, judged by the quantiles of its statistics ``row``.

    A value is absurd that lies far outside the middle half of the band's values and, where the unit says what is usual,
    far outside of that too: a band in another unit than it says is as it is, a few wild values in it are not.
    Without statistics (-inf, inf).
    """
    quantiles = [row.get(key) for key in ("q05", "q25", "q50", "q75", "q95")]
    known = [float(value) for value in quantiles if value is not None]
    if len(known) < len(quantiles) or not np.isfinite(known).all():
        return -math.inf, math.inf
    q05, q25, q50, q75, q95 = known
    spread = q75 - q25 or q95 - q05
    if band.usual is None:
        reach = max(SPREADS_UNKNOWN * spread, MODEST, MODEST * abs(q50) if not spread else 0.0)
        return q25 - reach, q75 + reach
    low, high = band.usual
    reach = SPREADS * spread
    return min(low - BELOW * (high - low), q25 - reach), max(high + ABOVE * (high - low), q75 + reach)


def bounds_of(bands: Sequence[Band], statistics: Sequence[Mapping]) -> np.ndarray:
    """(C, 2) float64, :func:`plausible` of each band, or as the statistics state it."""
    stated = [row.get("plausible") or plausible(band, row) for band, row in zip(bands, statistics, strict=True)]
    return np.array(stated, np.float64).reshape(-1, 2)
