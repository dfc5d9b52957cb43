"""Every layout in the list is built as its picture says and imported by its command; the docs show the same list."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from core.data.readers import ReaderOptions, ingest
from core.data.readers.layouts.published import LAYOUTS, OUT, markdown, named
from core.data.store import open_dataset
from core.progress import drain
from tests.command_line import core, core_json
from tests.netcdf_files import patch_file

pytestmark = pytest.mark.usefixtures("jobs_here")

ROOT = Path(__file__).resolve().parents[5]
SIDE = 24
RNG = np.random.default_rng(0)
MARK = np.zeros((SIDE, SIDE), np.uint8)
MARK[4:14, 4:14] = 1


def picture(path, side=SIDE, mask=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.resize(MARK * 255, (side, side)) if mask else RNG.integers(20, 220, (side, side, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def tif(path, n_bands, place, values=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = RNG.integers(100, 3000, (n_bands, SIDE, SIDE)).astype(np.uint16) if values is None else values
    options = {"transform": Affine(10, 0, 350_000 + 1000 * place, 0, -10, 3_070_000), "crs": "EPSG:32645"}
    with rasterio.open(
        path, "w", driver="GTiff", count=n_bands, height=SIDE, width=SIDE, dtype=values.dtype, **options
    ) as file:
        file.write(values)


def zindi(root):
    for name, n in (("Train", 4), ("Test", 2)):
        folder = root / f"{name.lower()}_data"
        folder.mkdir(parents=True)
        rows = [f"ID_{name}{i}" + (f",{i % 2}" if name == "Train" else "") for i in range(n)]
        (root / f"{name}.csv").write_text("\n".join(["ID,label" if name == "Train" else "ID", *rows]))
        for i in range(n):
            np.save(folder / f"ID_{name}{i}.npy", RNG.uniform(1, 100, (8, 8, 12)))
    return 6, {None: 2}


def landslide4sense(root):
    for folder, n in (("TrainData", 4), ("ValidData", 2), ("TestData", 2)):
        (root / folder / "img").mkdir(parents=True)
        for i in range(n):
            with h5py.File(root / folder / "img" / f"image_{i}.h5", "w") as file:
                file["img"] = RNG.uniform(0, 3, (SIDE, SIDE, 14))
    (root / "TrainData" / "mask").mkdir()
    for i in range(4):
        with h5py.File(root / "TrainData" / "mask" / f"mask_{i}.h5", "w") as file:
            file["mask"] = MARK * (i % 2)
    return 8, {"train": 2, "validation": 0, "test": 0}


def sen12landslides(root):
    for i in range(4):
        patch_file(root / f"italy_s2_{i}.nc", i, event=bool(i % 2))
    return 4, {None: 2}


def bijie(root):
    for i in range(3):
        for kind in ("landslide", "non-landslide"):
            for layer in ("image", "dem"):
                picture(root / kind / layer / f"{kind[:2]}{i}.png", SIDE + 3 * i)
        picture(root / "landslide" / "mask" / f"la{i}.png", SIDE + 3 * i, mask=True)
    return 6, {None: 3}


def cas(root):
    for subset in ("Palu", "Hokkaido"):
        for i in range(2):
            for folder in ("img", "mask", "label"):
                picture(root / subset / folder / f"{subset}{i}.tif", mask=folder != "img")
    return 4, {None: 4}


def hr_gldd(root):
    root.mkdir()
    for split, n in (("train", 4), ("val", 2), ("test", 2)):
        np.save(root / f"{split}X.npy", RNG.uniform(0, 1, (n, SIDE, SIDE, 4)).astype(np.float32))
        np.save(root / f"{split}Y.npy", np.stack([MARK * (i % 2) for i in range(n)])[..., None])
    return 8, {"train": 2, "validation": 1, "test": 1}


def split_classes(root):
    for split in ("train", "val", "test"):
        for kind in ("landslide", "stable"):
            picture(root / split / kind / f"{split}_{kind}.png")
    return 6, {"train": 1, "validation": 1, "test": 1}


def images_masks(root):
    for place, split in enumerate(("train", "test")):
        for i in range(2):
            tif(root / split / "images" / f"Image_{i}.tif", 4, 10 * place + i)
            tif(root / split / "masks" / f"Mask_{i}.tif", 1, 10 * place + i, MARK[None] * i)
    return 4, {"train": 1, "test": 1}


def csv(root):
    (root / "patches").mkdir(parents=True)
    for i in range(4):
        np.save(root / "patches" / f"p{i}.npy", RNG.uniform(1, 9, (8, 8, 3)))
    (root / "labels.csv").write_text("id,label,scene\n" + "".join(f"p{i},{i % 2},s{i // 2}\n" for i in range(4)))
    return 4, {None: 2}


def hdf5(root):
    with h5py.File(root, "w") as file:
        file["images"] = RNG.uniform(1, 9, (4, 8, 8, 3))
        file["labels"], file["ids"], file["masks"] = [0, 1, 0, 1], list("abcd"), np.ones((4, 8, 8), np.uint8)
        file["images"].attrs["bands"] = ["B4", "B3", "B2"]
    return 4, {None: 2}


def npz(root):
    images = RNG.uniform(1, 9, (4, 8, 8, 3))
    np.savez(root, x_train=images, y_train=[0, 1, 0, 1], x_test=images[:2] + 1, y_test=[1, 0])
    return 6, {"train": 2, "test": 1}


ENDINGS = {"hdf5": ".h5", "npz": ".npz"}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_published_layout_is_imported_by_its_command(layout, tmp_path):
    source = tmp_path / f"source{ENDINGS.get(layout.name, '')}"
    n, positives = globals()[layout.name.replace("-", "_")](source)
    out = tmp_path / OUT
    given = dict(zip(layout.options[::2], layout.options[1::2], strict=True))
    options = ReaderOptions(**{name[2:].replace("-", "_"): value for name, value in given.items()})
    assert layout.command == " ".join(["python -m core ingest", layout.format, "SOURCE --out", OUT, *layout.options])
    for format in (layout.format, None):  # None: recognised by itself
        report = drain(ingest(format, source, out, options))
        dataset = open_dataset(out)
        assert report.n == len(dataset) == n and not report.rejected
        for split, n_positive in positives.items():
            chosen = np.ones(n, bool) if split is None else np.array(dataset.split) == split
            assert (dataset.labels[chosen] == 1).sum() == n_positive


def test_a_command_of_the_list_runs(tmp_path):
    layout = named("split-classes")
    split_classes(tmp_path / "source")
    words = {"SOURCE": tmp_path / "source", OUT: tmp_path / OUT}
    arguments = [words.get(word, word) for word in layout.command.split()[3:]]
    assert core_json(*arguments, "--checkpoints", tmp_path / "checkpoints")["n"] == 6


def test_the_docs_and_the_command_show_the_list():
    assert markdown() in (ROOT / "docs" / "import.md").read_text("utf-8")
    shown = core("layouts").stdout
    assert all(layout.tree.strip("\n") in shown and layout.command in shown for layout in LAYOUTS)
    assert [one["command"] for one in core_json("layouts")["layouts"]] == [layout.command for layout in LAYOUTS]
