"""Class folders, splits, images, masks and other layers wherever they stand to each other."""

import itertools
from zlib import crc32

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from core.data.readers import ReaderOptions, ingest, recognise
from core.data.store import open_dataset
from core.errors import DataError, LabelError
from core.progress import drain

SIDE = 16
RNG = np.random.default_rng(0)


def picture(path, mask=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((SIDE, SIDE), 255) if mask else RNG.integers(20, 220, (SIDE, SIDE, 3))
    if path.suffix == ".tif":
        bands = np.atleast_3d(pixels).transpose(2, 0, 1).astype(np.uint8 if mask else np.uint16)
        place = Affine(10, 0, 350_000 + 1000 * (crc32(path.stem.encode()) % 1000), 0, -10, 3_070_000)
        options = {"count": len(bands), "dtype": bands.dtype, "crs": "EPSG:32645", "transform": place}
        with rasterio.open(path, "w", driver="GTiff", height=SIDE, width=SIDE, **options) as file:
            file.write(bands)
    else:
        Image.fromarray(pixels.astype(np.uint8)).save(path)


def run(source, **options):
    out = source.parent / "out.h5"
    report = drain(ingest(None, source, out, ReaderOptions(positive="landslide", **options)))
    return report, open_dataset(out)


WORDS = {
    "train": ("train", "Train", "training", "TrainData"),
    "validation": ("val", "Valid", "validation", "ValidData"),
    "test": ("test", "Test", "testing", "TestData"),
}


@pytest.mark.parametrize("words", list(zip(*WORDS.values(), strict=True)), ids=lambda words: words[0])
@pytest.mark.parametrize("order", ["split/class", "class/split", "images/split/class", "split/images/class"])
def test_the_split_stands_above_or_below_the_class(tmp_path, words, order):
    source = tmp_path / "src"
    for number, (word, kind) in enumerate(itertools.product(words, ("landslide", "stable"))):
        place = order.replace("split", word).replace("class", kind)
        picture(source / place / f"p{number}.png")
    _, dataset = run(source)
    assert dataset.labels.tolist().count(1) == 3 and dataset.class_names == ("stable", "landslide")
    facts = zip(dataset.split.tolist(), dataset.labels.tolist(), strict=True)
    by_id = dict(zip(dataset.ids.tolist(), facts, strict=True))
    assert [by_id[f"p{i}"] for i in range(6)] == [(split, label) for split in WORDS for label in (1, 0)]


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("names", [("image", "mask"), ("images", "masks"), ("img", "label")])
def test_masks_and_other_layers_beside_the_images_of_a_class(tmp_path, ending, names):
    source, (images, masks) = tmp_path / "src", names
    for i in range(3):
        for kind in ("landslide", "non-landslide"):
            picture(source / kind / images / f"{kind[:2]}{i}{ending}")
            picture(source / kind / "dem" / f"{kind[:2]}{i}{ending}")
        picture(source / "landslide" / masks / f"la{i}{ending}", mask=True)
    report, dataset = run(source)
    assert len(dataset) == 6 and int(dataset.labels.sum()) == 3
    assert dataset.masks().mean((1, 2)).tolist() == dataset.labels.tolist()
    assert any("left out: landslide/dem (3 files), non-landslide/dem (3 files)" in text for text in report.warnings)


def test_classes_are_sought_on_the_level_of_the_positive_one(tmp_path):
    for i, place in enumerate(("landslide/2017", "landslide/2018", "stable/2017", "stable")):
        picture(tmp_path / "src" / place / f"p{i}.png")
    _, dataset = run(tmp_path / "src")
    assert dict(zip(dataset.ids, dataset.labels.tolist(), strict=True)) == {"p0": 1, "p1": 1, "p2": 0, "p3": 0}


def test_folders_of_the_split_alone_are_no_classes(tmp_path):
    for split in ("train", "test"):
        for i in range(2):
            picture(tmp_path / "src" / split / f"{split}{i}.png")
    (tmp_path / "l.csv").write_text("id,label\ntrain0,1\ntrain1,0\ntest0,1\ntest1,0\n")
    out = tmp_path / "out.h5"
    drain(ingest("folders", tmp_path / "src", out, ReaderOptions(labels=tmp_path / "l.csv")))
    dataset = open_dataset(out)
    assert sorted(dataset.split) == ["test", "test", "train", "train"] and int(dataset.labels.sum()) == 2
    with pytest.raises(LabelError, match="None of the class folders is called 'landslide'. Found: a, b"):
        for name in "ab":
            picture(tmp_path / "other" / name / "p.png")
        run(tmp_path / "other")


def test_single_folders_around_the_data_and_what_systems_leave(tmp_path):
    inner = tmp_path / "src" / "download" / "data v1"
    (inner / "train_data").mkdir(parents=True)
    (inner / "Train.csv").write_text("ID,label\na,1\nb,0\n")
    for name in "ab":
        np.save(inner / "train_data" / f"{name}.npy", RNG.uniform(1, 9, (8, 8, 12)))
    for litter in ("Thumbs.db", "desktop.ini", ".DS_Store", "download/._data v1"):
        (tmp_path / "src" / litter).write_bytes(b"x")
    (tmp_path / "src" / "__MACOSX" / "img").mkdir(parents=True)
    (tmp_path / "src" / "__MACOSX" / "img" / "._a.png").write_bytes(b"x")
    report, dataset = run(tmp_path / "src")
    assert dataset.band_names[4] == "desc_vv" and dataset.ids.tolist() == ["a", "b"] and not report.rejected


def test_sub_datasets_keep_their_split(tmp_path):
    for split in ("train", "val"):
        picture(tmp_path / "src" / split / "img" / f"{split}1.png")
        picture(tmp_path / "src" / split / "mask" / f"{split}1.png", mask=True)
    assert recognise(tmp_path / "src") == "cas"
    assert sorted(run(tmp_path / "src")[1].split) == ["train", "validation"]


def test_pictures_of_many_sizes_stop_and_name_what_helps(tmp_path):
    for i in range(8):
        for kind in ("landslide", "stable"):
            path = tmp_path / "src" / kind / f"{kind}{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(RNG.integers(0, 255, (40 + i, 60, 3)).astype(np.uint8)).save(path)
    told = r"14 of 16 images have another size .* --resize 32 .* --tile 32 .* nothing was written"
    with pytest.raises(DataError, match=told):
        run(tmp_path / "src")
    assert len(run(tmp_path / "src", resize=32)[1]) == 16
    for path in (tmp_path / "src").rglob("*[1-7].png"):
        if path.stem[-1] != "1":
            path.unlink()
    report, dataset = run(tmp_path / "src", strict=False)
    assert len(dataset) == 2 and len(report.rejected) == 2
    assert sum("2 of 4 images have another size" in text for text in report.warnings) == 1
