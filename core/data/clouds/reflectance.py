"""What the cloud networks read: reflectance of four bands, 0 to 1, in pixels of about 30 m.

Raw patches or windows (C, H, W) in their bands' units become (4, h, w) float32 on a coarser grid; a pixel of which less
than half was seen is missing. Pictures of 0-255 are refused: they are stretched, and say nothing of reflectance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.bands import DN, REFLECTANCE, TIMES_MEAN, TO_REFLECTANCE, Band
from core.errors import ConfigError

NEEDED = ("blue", "green", "red", "nir")  # in the networks' own order
PIXEL_M = 10.0  # of Sentinel-2's visible bands, where a dataset does not say
COARSE_M = 30.0  # "Best performance ... approximately 30 m": ukis-csmask's own page
LEAST_SEEN = 0.5  # share of a coarse pixel
# Landslide4Sense divides each band by its mean. Its authors' vector gives DN back (iarai/Landslide4Sense-2022, issues
# 2, 4 and 12).
L4S_MEAN_DN = {"blue": 824.63171476, "green": 663.41636217, "red": 445.17289745, "nir": 1941.32229668}


def factors(bands: Sequence[Band], name: str) -> np.ndarray:
    """(4,) float32: what each of ``NEEDED`` is multiplied by to be reflectance.

    Raises ConfigError in plain words for bands or units from which clouds cannot be told. name: of the dataset or file.
    """
    by_name = {band.name: band for band in bands}
    missing = [band for band in NEEDED if band not in by_name]
    if missing:
        raise ConfigError(
            f"Clouds are told from blue, green, red and nir; {name} has no {' and no '.join(missing)}. It has "
            f"{', '.join(by_name)}. Use a dataset or scene with these four bands, or a cloud mask of its own "
            "(a cloud column of a dataset, --cloud for a scene)."
        )
    found, wrong = [], []
    for band in (by_name[one] for one in NEEDED):
        if band.unit in (DN, REFLECTANCE):
            found.append(TO_REFLECTANCE[band.unit])
        elif band.unit == TIMES_MEAN and band.sensor == "Sentinel-2":
            found.append(L4S_MEAN_DN[band.name] * TO_REFLECTANCE[DN])
        else:
            wrong.append(f"{band.name} in '{band.unit or 'no unit'}'")
    if wrong:
        raise ConfigError(
            f"Clouds are told from reflectance; {name} has {', '.join(wrong)}. Accepted units: {DN}, {REFLECTANCE}, "
            f"and Landslide4Sense's '{TIMES_MEAN}'. Pictures of 0-255 are stretched and have no reflectance; state the "
            "unit at import or with --unit if it was recognised wrongly."
        )
    return np.array(found, np.float32)


def steps_of(pixel_m: float) -> int:
    """How many pixels of that size make one of about ``COARSE_M``, on a side; at least 1."""
    return max(1, round(COARSE_M / pixel_m))


def coarser(images: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """(..., C, H, W), nan where nothing was seen -> means of step x step pixels (..., C, h, w), and the share seen.

    The share (..., h, w) counts pixels with a value in every band; where it is below ``LEAST_SEEN`` the mean is nan.
    The last row and column of blocks may be cut off by the border: they are means of what is there.
    """
    *outer, n_bands, height, width = images.shape
    rows, cols = -(-height // step), -(-width // step)
    seen = np.isfinite(images).all(axis=-3, keepdims=True)
    wide = np.zeros((*outer, n_bands + 2, rows * step, cols * step), np.float32)
    wide[..., :n_bands, :height, :width] = np.where(seen, images, 0)
    wide[..., n_bands, :height, :width] = seen[..., 0, :, :]
    wide[..., n_bands + 1, :height, :width] = 1  # inside of the image
    sums = wide.reshape(*outer, n_bands + 2, rows, step, cols, step).sum(axis=(-3, -1))
    n_seen, n_inside = sums[..., n_bands, :, :], sums[..., n_bands + 1, :, :]
    share = n_seen / n_inside
    mean = sums[..., :n_bands, :, :] / np.maximum(n_seen, 1)[..., None, :, :]
    return np.where((share >= LEAST_SEEN)[..., None, :, :], mean, np.float32(np.nan)), share


def filled(coarse: np.ndarray) -> np.ndarray:
    """(C, h, w) with each missing pixel as the nearest that was seen: an edge of zeros would look like a cloud's.

    All zero where nothing was seen.
    """
    from scipy.ndimage import distance_transform_edt

    missing = ~np.isfinite(coarse).all(axis=0)
    if missing.all():
        return np.zeros_like(coarse)
    if not missing.any():
        return coarse
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return coarse[:, nearest[0], nearest[1]]
