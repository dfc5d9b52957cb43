"""What the examples of README and docs are run on: the folders and files that they name, tiny, in one home folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from PIL import Image

from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from tests.builders import make_tiny

SIDE = 32  # pixels; of tests.builders.make_tiny too, so that runs and pictures fit each other
N = 48


def write_all(home: Path) -> None:
    """Every source that an example names. ``home``: the folder in which the examples are typed."""
    patches, labels = _patches()
    for i, (patch, label) in enumerate(zip(patches, labels, strict=True)):
        _picture(home / "my-patches" / ("landslide" if label else "other") / f"p{i:03d}.png", patch)
    for i, (patch, before) in enumerate(zip(patches[:8], patches[8:16], strict=True)):
        for moment, picture in (("before", before), ("after", patch)):
            _picture(home / "pairs" / moment / ("landslide" if labels[i] else "other") / f"q{i}.png", picture)
    for i, patch in enumerate(patches[:6]):
        _picture(home / "new-patches" / f"n{i}.png", patch)
    make_tiny(home / "F.h5", seed=1)
    make_tiny(home / "other.h5", n=24, seed=2)
    _placed(home / "placed.h5", patches, labels)
    for name in ("judged.csv", "todo.csv"):
        (home / name).write_text("subject,verdict,by\np000,not,Ana\n")
    (home / "coolr.csv").write_text("event_id,event_date,longitude,latitude\n7,2018-09-06,142.0,42.7\n")
    rows = [f"r{i},{i % 2},{i * i * 31 % 997},{i % 7}" for i in range(N)]
    for name in ("numbers.csv", "train_band_statistics.csv"):
        (home / name).write_text("\n".join(["id,label,slope,wetness", *rows]))
    _zindi(home / "zindi")
    _landslide4sense(home / "landslide4sense-rgb", patches, labels)
    _chittagong(home / "chittagong-s2-4band", patches, labels)
    _scenes(home, patches)
    _map(home)


def _map(home: Path) -> None:
    """A probability raster of 4 by 4 km with a hill beneath it, and a road across."""
    y, x = np.mgrid[:400, :400] / 400
    rasters = {"probability": 0.05 + 0.9 * np.exp(-40 * ((x - 0.6) ** 2 + (y - 0.4) ** 2)), "dem": 600 * x * y}
    where = dict(crs="EPSG:32654", transform=Affine(10, 0, 572_840, 0, -10, 4_735_740))
    for name, values in rasters.items():
        shape = dict(count=1, height=400, width=400, dtype="float32", nodata=-9999)
        with rasterio.open(home / f"{name}.tif", "w", "GTiff", **shape, **where) as out:
            out.write(values.astype(np.float32), 1)
    line = {"type": "LineString", "coordinates": [[141.89, 42.755], [141.94, 42.76]]}
    road = {"type": "Feature", "properties": {"name": "Route 235"}, "geometry": line}
    (home / "roads.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [road]}))


def with_test_part(path: Path) -> Path:
    """A dataset whose last patches are its official test part."""
    plain = open_dataset(make_tiny(path.with_name("whole.h5"), seed=4))
    part = np.where(np.arange(len(plain)) < 30, "train", "test").tolist()  # no group on both sides
    with DatasetWriter(
        path, bands=plain.bands, shape_hw=plain.shape[1:], class_names=plain.class_names, source="made in a test"
    ) as writer:
        groups = plain.groups.tolist()
        writer.append(plain.images(), plain.labels, plain.ids.tolist(), groups=groups, split=part)
        return writer.finish().path


def _patches() -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, SIDE, SIDE) of 8 bits, a bright square in every third; and the labels (N,)."""
    rng = np.random.default_rng(5)
    patches, labels = rng.integers(60, 120, (N, 3, SIDE, SIDE)).astype(np.uint8), np.arange(N) % 3 == 0
    patches[labels, 0, 8:20, 8:20] += 90
    return patches, labels.astype(int)


def _scenes(home: Path, patches: np.ndarray) -> None:
    """Rasters of one ground for docs/scenes.md, the side of which is four patches."""
    scene = np.concatenate([np.concatenate(list(patches[k : k + 4]), axis=2) for k in range(0, 16, 4)], axis=1)
    half = scene.shape[2] // 2
    (home / "tiles").mkdir()
    for name, pixels, bands, col in (
        ("after.tif", scene, ("red", "green", "blue"), 0),
        ("before.tif", scene, ("red", "green", "blue"), 0),
        ("a.tif", scene, ("red", "green", "blue"), 0),
        ("b.tif", scene[:, ::-1], ("red", "green", "blue"), 0),
        ("optical.tif", scene[:2], ("red", "green"), 0),
        ("radar.tif", scene[2:], ("blue",), 0),
        ("scl.tif", np.full_like(scene[:1], 4), ("SCL",), 0),
        ("tiles/left.tif", scene[:, :, : half + 9], ("red", "green", "blue"), 0),
        ("tiles/right.tif", scene[:, :, half:], ("red", "green", "blue"), half),
    ):
        place = {"crs": "EPSG:32654", "transform": Affine(10, 0, 572_840 + 10 * col, 0, -10, 4_735_740)}
        shape = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint8"}
        with rasterio.open(home / name, "w", driver="GTiff", **shape, **place) as raster:
            raster.write(pixels)
            raster.descriptions = bands


def _picture(path: Path, patch: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(patch.transpose(1, 2, 0)).save(path)


def _placed(path: Path, patches: np.ndarray, labels: np.ndarray) -> None:
    """A dataset whose patches say where they are."""
    with DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(SIDE, SIDE), class_names=("other", "landslide"), source="made in a test"
    ) as writer:
        places = np.stack([142.0 + 0.01 * np.arange(N), np.full(N, 42.7)], axis=1)
        writer.append(patches.astype(np.float32), labels, [f"p{i:03d}" for i in range(N)], lonlat=places)
        writer.finish()


def _zindi(source: Path) -> None:
    rng = np.random.default_rng(6)
    (source / "train_data").mkdir(parents=True)
    for i in range(4):
        np.save(source / "train_data" / f"ID_{i}.npy", rng.normal(size=(64, 64, 12)))
    pd.DataFrame({"ID": [f"ID_{i}" for i in range(4)], "label": [0, 1, 0, 1]}).to_csv(source / "Train.csv", index=False)


def _landslide4sense(source: Path, patches: np.ndarray, labels: np.ndarray) -> None:
    """Class folders, landslide masks of the same names, and a table with the source images."""
    rows = []
    for i, (patch, label) in enumerate(zip(patches, labels, strict=True)):
        rows.append({"ID": f"l4s_{i:04d}", "label": label, "source_image": i // 3})
        _picture(source / "images" / ("landslide" if label else "non_landslide") / f"{rows[-1]['ID']}.png", patch)
        if label:
            mask = np.zeros((SIDE, SIDE), np.uint8)
            mask[8:20, 8:20] = 255
            (source / "masks").mkdir(exist_ok=True)
            Image.fromarray(mask).save(source / "masks" / f"{rows[-1]['ID']}.png")
    pd.DataFrame(rows).to_csv(source / "labels.csv", index=False)


def _chittagong(source: Path, patches: np.ndarray, labels: np.ndarray) -> None:
    """Arrays of four bands listed in a table, and scenes with their masks, each at a place of its own."""
    four = np.concatenate([patches, patches[:, :1]], axis=1).astype(np.float32) * 20
    (source / "patches64").mkdir(parents=True)
    for i, patch in enumerate(four):
        np.save(source / "patches64" / f"a_{i:03d}.npy", patch.transpose(1, 2, 0))
    files = [f"patches64/a_{i:03d}.npy" for i in range(N)]
    table = {"file": files, "label": labels, "row_block": np.arange(N) // 3}
    pd.DataFrame(table).to_csv(source / "labels.csv", index=False)
    for folder in ("images", "labels"):
        (source / "raw" / folder).mkdir(parents=True)
    for i in range(12):
        scene = np.tile(four[3 * (i % 8) + 1], (1, 2, 2))
        mask = np.zeros(scene.shape[1:], np.uint8)
        if i % 2:
            scene[0, 16:40, 16:40], mask[16:40, 16:40] = 4200, 1
        where = Affine(10, 0, 400_000 + 5_000 * i, 0, -10, 2_500_000)
        for folder, image in (("images", scene.astype(np.uint16)), ("labels", mask[None])):
            profile = {"count": len(image), "height": 64, "width": 64, "dtype": image.dtype, "crs": "EPSG:32646"}
            path = source / "raw" / folder / f"{i:012d}.tif"
            with rasterio.open(path, "w", driver="GTiff", transform=where, **profile) as raster:
                raster.write(image)
