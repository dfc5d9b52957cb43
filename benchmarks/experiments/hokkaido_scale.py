"""The Hokkaido scene on the scale of Landslide4Sense's true-colour patches, and whether those show its ground.

Used by ``benchmarks.experiments.hokkaido``, which says what is done and why.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image

MEANS = np.array([445.17289745, 663.41636217, 824.63171476])  # of Landslide4Sense's red, green, blue in DN
BLOCK, NODATA = 128, -9999
WAYS = ("blocks", "around each pixel", "one factor", "percentiles of the patches")


def patch_numbers(folder: Path) -> dict[str, Any]:
    """Whether a patch is what the module says, from the image whose numbers are known (l4s_3133)."""
    import h5py

    with h5py.File(folder / "landslide4sense-h5-labelled-2" / "img" / "image_2.h5") as file:
        ratios = file["img"][:][..., [3, 2, 1]]
    made = np.floor(ratios * 255 / ratios.max())
    n = differ = 0
    for path in sorted((folder / "landslide4sense-rgb" / "images").glob("*/l4s_3133_r*c*.png")):
        row, col = (64 * int(path.stem[k]) for k in (-3, -1))
        picture = np.asarray(Image.open(path))
        n += picture.size
        differ += int((picture != made[row : row + 64, col : col + 64]).sum())
    return {"image": "3133", "values": n, "that_differ": differ}


def to_patch_scale(dn: np.ndarray, way: str, patches: np.ndarray | None = None) -> np.ndarray:
    """(3, H, W) uint8 of DN (3, H, W) float with nan where nothing was seen; 0 there, 1 to 255 elsewhere."""
    ratios = dn / MEANS[:, None, None]
    top = ratios.max(axis=0)
    seen = np.isfinite(dn).all(axis=0)
    if way == "blocks":
        most = np.ones(top.shape)
        for row in _starts(top.shape[0]):
            for col in _starts(top.shape[1]):
                inside = np.s_[row : row + BLOCK, col : col + BLOCK]
                most[inside] = np.nanmax(top[inside]) if seen[inside].any() else 1
    elif way == "around each pixel":
        from scipy.ndimage import maximum_filter

        most = maximum_filter(np.where(seen, top, -np.inf), BLOCK, mode="nearest")
        most[~np.isfinite(most)] = 1
    elif way == "one factor":
        blocks = [np.nanmax(top[r : r + BLOCK, c : c + BLOCK]) for r in _starts(top.shape[0])
                  for c in _starts(top.shape[1])]  # fmt: skip
        most = np.median(blocks)
    else:
        for band in range(3):
            ours = np.percentile(dn[band][seen], [2, 50, 98])
            theirs = np.percentile(patches[..., band], [2, 50, 98])
            ratios[band] = np.interp(dn[band], [-1, *ours, 1e5], [theirs[0] * 0.5, *theirs, 255]) / 255
        most = 1.0
    made = np.clip(np.floor(ratios * 255 / most), 1, 255)
    return np.where(seen, made, 0).astype(np.uint8)


def _starts(n: int) -> list[int]:
    """Of blocks from the corner; the last one ends at the border."""
    return sorted({*range(0, n - BLOCK + 1, BLOCK), n - BLOCK})


def read_scene(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """(C, H, W) float64 with nan for no data, and the profile."""
    with rasterio.open(path) as file:
        pixels, profile = file.read().astype(np.float64), file.profile
    pixels[pixels == NODATA] = np.nan
    return pixels, profile


def write_rgb(path: Path, pixels: np.ndarray, profile: dict[str, Any]) -> None:
    """A scene as the run reads it."""
    kept = {key: profile[key] for key in ("crs", "transform", "height", "width")}
    with rasterio.open(path, "w", driver="GTiff", count=3, dtype="uint8", nodata=0, compress="DEFLATE", **kept) as file:
        file.write(pixels)
        file.descriptions = ("red", "green", "blue")


def patches_of(folder: Path) -> tuple[list[dict[str, str]], np.ndarray]:
    """The rows of labels.csv, and (N, 64, 64, 3) uint8."""
    root = folder / "landslide4sense-rgb"
    with open(root / "labels.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = {"1": "landslide", "0": "non_landslide"}
    found = [np.asarray(Image.open(root / "images" / kinds[row["label"]] / f"{row['ID']}.png")) for row in rows]
    return rows, np.stack(found)


def same_ground(
    rows: list[dict[str, str]], patches: np.ndarray, after: np.ndarray, before: np.ndarray
) -> dict[str, Any]:
    """The highest normalised correlation of each patch's red with either scene's, at half the resolution.

    To know what a pair looks like, windows of the later scene are looked for in the earlier one, of the same ground.
    """
    from scipy.ndimage import uniform_filter
    from skimage.feature import match_template

    half = [_halved(np.where(np.isfinite(dn[0]), dn[0], np.nanmedian(dn[0]))) for dn in (after, before)]
    half = [np.minimum(one, np.quantile(one, 0.995)) for one in half]
    unseen = [_halved((~np.isfinite(dn[0])).astype(float)) > 0 for dn in (after, before)]
    unseen = [uniform_filter(one.astype(float), 32, origin=-16)[:-31, :-31] > 1e-9 for one in unseen]

    def best(small: np.ndarray, k: int) -> tuple[float, tuple[int, int]]:
        found = match_template(half[k], small)
        found[unseen[k]] = -1  # the border of what is missing looks like anything bright
        at = np.unravel_index(found.argmax(), found.shape)
        return float(found[at]), (int(at[0]), int(at[1]))

    highest = np.array([max(best(_halved(one), k)[0] for k in (0, 1)) for one in patches[..., 0].astype(float)])
    both = _halved((np.isfinite(after[0]) & np.isfinite(before[0])).astype(float)) == 1
    pairs = []
    for row in range(0, both.shape[0] - 32, 40):
        for col in range(0, both.shape[1] - 32, 40):
            if both[row : row + 32, col : col + 32].all():
                value, at = best(half[0][row : row + 32, col : col + 32], 1)
                pairs.append((value, np.hypot(at[0] - row, at[1] - col) <= 2))
    right = [value for value, hit in pairs if hit]
    order = np.argsort(highest)[::-1][:5]
    return {
        "patches": len(highest),
        "highest": {rows[k]["ID"]: round(float(highest[k]), 3) for k in order},
        "median": round(float(np.median(highest)), 3),
        "above_0.8": int((highest > 0.8).sum()),
        "windows_of_known_ground": len(pairs),
        "of_them_found_in_their_place": len(right),
        "their_correlation_5_50_95": [round(float(v), 3) for v in np.quantile(right, [0.05, 0.5, 0.95])],
    }


def _halved(a: np.ndarray) -> np.ndarray:
    h, w = (n // 2 * 2 for n in a.shape)
    return a[:h, :w].reshape(h // 2, 2, w // 2, 2).mean(axis=(1, 3))
