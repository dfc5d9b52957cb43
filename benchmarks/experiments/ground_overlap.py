"""Ground that patches of real scenes share: what the leakage X-ray finds of it by shift, and what folds leave of it.

    LANDSLIDE_REAL_DATA=DIR python -m benchmarks.experiments.ground_overlap [--out FILE.json]

Recall: pairs of 64 px tiles of the Hokkaido scene (post-event red, green, blue), the second shifted by a share of the
side along one axis or both, looked for with and without their places. Folds: the Hokkaido scene and Chittagong's raw
GeoTIFFs in tiles of 64 px every 32 px; of the patches that are judged, the share with a training patch of their fold
on the same ground: folds by squares of ground that only know centres (as before), and folds as a run draws them. The
Hokkaido scene has no masks of its own: bright, steep pixels stand in, because folds need two classes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp

from benchmarks.report import circumstances, keep, parser
from core.config import FoldsConfig
from core.data.bands import RGB_BANDS
from core.data.fold_drawing import draw_folds
from core.data.leakage.footprints import HEIGHT, WIDTH
from core.data.leakage.split_audit import find_leaks, leaks_of
from core.data.store import DatasetWriter, open_dataset
from core.progress import drain

SIDE, NODATA = 64, -9999
SHIFTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9)
SCENE = "hokkaido-2018-s2-scene/scene_pre_post_dem.tif"
CUT = ("--tile", "64", "--stride", "32")
WAYS = {
    "blocks of 1 km, centres only": {"group_by": "block", "block_km": 1.0, "on_leak": "ignore"},
    "default": {},
    "group_by=block": {"group_by": "block"},
    "group_by=block, buffer_m=500": {"group_by": "block", "buffer_m": 500.0},
}


def recall(scene: Path, folder: Path, share: float, both_axes: bool, most: int) -> dict:
    """Of planted pairs with that shift, the share found by pixels alone and by place."""
    with rasterio.open(scene) as raster:
        pixels, transform, crs = raster.read([3, 2, 1]).astype(np.float32), raster.transform, raster.crs
    rng, step, corners = np.random.default_rng(0), round(share * SIDE), []
    spots = [(y, x) for y in range(0, pixels.shape[1] - 2 * SIDE, 2 * SIDE)
             for x in range(0, pixels.shape[2] - 2 * SIDE, 2 * SIDE)]  # fmt: skip
    for k in rng.permutation(len(spots)):
        (y, x), along = spots[k], rng.random() < 0.5
        dy, dx = (step, step) if both_axes else ((step, 0) if along else (0, step))
        pair = [(y, x), (y + dy, x + dx)]
        if len(corners) < 2 * most and all((pixels[:, r : r + SIDE, c : c + SIDE] != NODATA).all() for r, c in pair):
            corners += pair
    images = np.stack([pixels[:, r : r + SIDE, c : c + SIDE] for r, c in corners])
    xs, ys = zip(*(transform * (c + SIDE / 2, r + SIDE / 2) for r, c in corners), strict=True)
    lon, lat = rasterio.warp.transform(crs, "EPSG:4326", xs, ys)
    n, side_m = len(images), SIDE * abs(transform.a)
    path = folder / f"{share}{both_axes}.h5"
    with DatasetWriter(path, bands=RGB_BANDS, shape_hw=(SIDE, SIDE), class_names=("a", "b"), source="") as writer:
        writer.append(
            images, np.arange(n) % 2, [str(k) for k in range(n)], lonlat=np.stack([lon, lat], axis=1),
            columns={WIDTH: np.full(n, side_m), HEIGHT: np.full(n, side_m)},
        )  # fmt: skip
        data = writer.finish()
    planted = {frozenset((str(k), str(k + 1))) for k in range(0, n, 2)}
    found = {"pixels": drain(find_leaks(images, nodata=NODATA))[0], "places": drain(leaks_of(data)).pairs}
    row = {"shift": share, "both_axes": both_axes, "n_pairs": len(planted)}
    for name, table in found.items():
        seen = {frozenset(pair) for pair in zip(table["a"], table["b"], strict=True)}
        row[f"recall_by_{name}"] = len(seen & planted) / len(planted)
        row[f"others_by_{name}"] = len(seen - planted)
    return row


def fold_shares(path: Path) -> list[dict]:
    """What folds of each kind leave of shared ground."""
    data, rows = open_dataset(path), []
    pairs = drain(leaks_of(data)).pairs
    for name, settings in WAYS.items():
        only_places = pairs[pairs["kind"] != "identical"] if settings.get("on_leak") == "ignore" else pairs
        drawn = draw_folds(data, data.labels, FoldsConfig(**settings), 0, only_places)
        left_out = [len(some) for some in drawn.folds.left_out] or [0] * drawn.folds.n_splits
        rows.append({"folds": name, "left_out": left_out, **drawn.record()})
    return rows


def ingested(source: Path, out: Path, *options: str) -> Path:
    """A dataset file by the product's own command."""
    command = [sys.executable, "-m", "core", "ingest", "geotiff", str(source), "--out", str(out), *CUT, *options]
    subprocess.run([*command, "--checkpoints", str(out.parent)], check=True, stdout=subprocess.DEVNULL)
    return out


def hokkaido(scene: Path, folder: Path) -> Path:
    """The scene with a mask of bright, steep pixels beside it."""
    for name in ("images", "masks"):
        (folder / "scene" / name).mkdir(parents=True)
    shutil.copy(scene, folder / "scene/images/scene.tif")
    with rasterio.open(scene) as raster:
        profile, red, slope = raster.profile, raster.read(3), raster.read(8)
    bright = (red > np.quantile(red[red != NODATA], 0.93)) & (slope > 1000) & (red != NODATA)
    with rasterio.open(
        folder / "scene/masks/scene.tif", "w", **{**profile, "count": 1, "dtype": "uint8", "nodata": None}
    ) as out:
        out.write(bright.astype(np.uint8), 1)
    return ingested(folder / "scene", folder / "hokkaido.h5", "--mask-threshold", "0.08", "--between", "negative")


def main() -> None:
    options = parser(__doc__, 60, "pairs of a shift").parse_args()
    data = Path(os.environ["LANDSLIDE_REAL_DATA"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        by_shift = [recall(data / SCENE, folder, s, both, options.n) for both in (False, True) for s in SHIFTS]
        chittagong = ingested(
            data / "chittagong-s2-4band/raw", folder / "chittagong.h5", "--mask-value", "1", "--mask-threshold", "0.001"
        )
        folds = {"hokkaido": fold_shares(hokkaido(data / SCENE, folder)), "chittagong": fold_shares(chittagong)}
    versions = circumstances("numpy", "scipy", "scikit-learn", "rasterio")
    keep({"benchmark": "ground_overlap", "recall": by_shift, "folds": folds, **versions}, options.out)


if __name__ == "__main__":
    main()
