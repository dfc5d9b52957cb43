"""Real masks, saved in the ways that people save them, mean the same (LANDSLIDE_REAL_DATA)."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from core.data.readers import ReaderOptions, ingest, recognise
from core.data.store import open_dataset
from tests.builders import returned
from tests.core.data.readers.geo.test_raster import write

ROOT = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LANDSLIDE_REAL_DATA names no folder of real data")
SCENES = ("000000000001", "000000000004", "000000000008")


def run(format, source, out, **options):
    report = returned(ingest(format, source, out, ReaderOptions(**options)))
    return report, open_dataset(report.dataset)


def test_the_hokkaido_scene_becomes_unlabelled_tiles(tmp_path):
    source = Path(ROOT) / "hokkaido-2018-s2-scene/post_event_rgb.tif"
    assert recognise(source) == "geotiff"
    report, dataset = run(None, source, tmp_path / "o.h5", tile=128)
    assert dataset.shape == (3, 128, 128) and report.n == report.n_unlabelled > 40
    assert dataset.band_names == ("red", "green", "blue") and np.isfinite(dataset.lonlat).all()


@pytest.mark.parametrize("kind", ["south-up", "finer", "a larger extent", "no system"])
def test_chittagong_masks_on_other_grids_are_the_same_masks(tmp_path, kind):
    raw = Path(ROOT) / "chittagong-s2-4band/raw"
    truths = []
    for name in SCENES:
        for folder in ("images", "labels"):
            with rasterio.open(raw / folder / f"{name}.tif") as raster:
                pixels, place, crs = raster.read(), raster.transform, raster.crs
            if folder == "images":
                write(tmp_path / f"s/images/{name}.tif", pixels, crs=crs, transform=place)
                continue
            truths.append(pixels[0] == 1)
            if kind == "south-up":
                pixels, place = pixels[:, ::-1], place @ Affine.translation(0, pixels.shape[1]) @ Affine.scale(1, -1)
            elif kind == "finer":
                pixels, place = pixels.repeat(3, 1).repeat(3, 2), place @ Affine.scale(1 / 3)
            elif kind == "a larger extent":
                pixels, place = np.pad(pixels, ((0, 0), (9, 9), (5, 5))), place @ Affine.translation(-5, -9)
            write(tmp_path / f"s/masks/{name}.tif", pixels, crs=None if kind == "no system" else crs, transform=place)
    _, dataset = run("geotiff", tmp_path / "s", tmp_path / "o.h5", mask_value=1, mask_threshold=1e-6)
    found = dict(zip(dataset.ids.tolist(), dataset.masks(), strict=True))
    for name, truth in zip(SCENES, truths, strict=True):
        np.testing.assert_array_equal(found[name], truth)


@pytest.mark.parametrize("kind", ["as they are", "jpeg", "red", "npy", "enlarged"])
def test_bijie_masks_mean_the_same_however_they_are_saved(tmp_path, kind):
    pictures = {path.stem: path for path in (Path(ROOT) / "bijie-rgb-64/images").rglob("ls_*.png")}
    names = sorted(pictures)[:7]
    (tmp_path / "img").mkdir()
    (tmp_path / "m").mkdir()
    truths = {}
    for name in names:
        (tmp_path / f"img/{name}.png").write_bytes(pictures[name].read_bytes())
        truth = np.asarray(Image.open(Path(ROOT) / f"bijie-rgb-64/masks/{name}.png")) > 0
        truths[name], bytes_ = truth, np.uint8(255 * truth)
        if kind == "jpeg":
            Image.fromarray(bytes_).save(tmp_path / f"m/{name}.jpg", quality=75)
        elif kind == "red":
            Image.fromarray(np.dstack([bytes_, 0 * bytes_, 0 * bytes_])).save(tmp_path / f"m/{name}.png")
        elif kind == "npy":
            np.save(tmp_path / f"m/{name}.npy", truth)
        elif kind == "enlarged":
            Image.fromarray(bytes_).resize((256, 256), Image.Resampling.BILINEAR).save(tmp_path / f"m/{name}.png")
        else:
            Image.fromarray(bytes_).save(tmp_path / f"m/{name}.png")
    report, dataset = run("folders", tmp_path / "img", tmp_path / "o.h5", masks=tmp_path / "m")
    assert report.n_positive == len(names)
    wrong = [np.mean(mask != truths[name]) for name, mask in zip(dataset.ids, dataset.masks(), strict=True)]
    assert max(wrong) <= {"jpeg": 0.002, "enlarged": 0.02}.get(kind, 0)
    told = [text for text in report.warnings if "mask" in text.lower()]
    assert bool(told) == (kind in ("jpeg", "enlarged"))
