"""Every format knows its own samples, and only the general ones know others'; all of them are read by that name."""

import h5py
import numpy as np
import pytest
from PIL import Image

from core.data.readers import FORMATS, ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from tests.core.data.readers.geo.test_raster import UTM46, at, numbers, write


def picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)).save(path)


def hdf5(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def zindi(root):
    (root / "train_data").mkdir(parents=True)
    for name in ("a", "b"):
        np.save(root / f"train_data/{name}.npy", numbers(8, 8, 12, np.float64))
    (root / "Train.csv").write_text("ID,label\na,1\nb,0\n")


def landslide4sense(root):
    hdf5(root / "img/image_1.h5", img=numbers(8, 8, 14, np.float64))
    hdf5(root / "mask/mask_1.h5", mask=np.ones((8, 8), np.uint8))


def landslide4sense_by_split(root):
    hdf5(root / "images/train/image_1.h5", img=numbers(8, 8, 14, np.float64))
    hdf5(root / "annotations/train/mask_1.h5", mask=np.ones((8, 8), np.uint8))


def geotiff(root):
    write(root / "images/a.tif", numbers(4, 8, 8))
    write(root / "masks/a.tif", np.ones((1, 8, 8), np.uint8))


def geotiff_pictures_with_a_place(root):
    write(root / "landslide/a.tif", numbers(3, 8, 8, np.uint8), crs=UTM46, transform=at(500_000, 100))
    write(root / "stable/b.tif", numbers(3, 8, 8, np.uint8), crs=UTM46, transform=at(600_000, 100))


def cas(root):
    picture(root / "Palu/img/Palu1.tiff")
    (root / "Palu/mask").mkdir()
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(root / "Palu/mask/Palu1.tiff")


def cas_with_a_place(root):
    write(root / "Palu/img/Palu1.tif", numbers(3, 8, 8, np.uint8), crs=UTM46, transform=at(500_000, 100))
    write(root / "Palu/mask/Palu1.tif", np.ones((1, 8, 8), np.uint8))


def one_hdf5(root):
    hdf5(root / "all.h5", images=np.stack([numbers(3, 8, 8), numbers(3, 8, 8, seed=1)]), labels=[0, 1])


def hdf5_folder(root):
    hdf5(root / "images/a.h5", patch=numbers(5, 8, 8))
    hdf5(root / "masks/a.h5", patch=np.ones((8, 8)))


def class_folders(root):
    picture(root / "landslide/a.png")
    picture(root / "stable/b.png", 1)


def class_folders_of_tiff_pictures(root):
    picture(root / "landslide/a.tif")
    picture(root / "stable/b.tif", 1)


def class_folders_of_mixed_files(root):
    write(root / "landslide/a.tif", numbers(3, 8, 8))
    np.save(root / "landslide/b.npy", numbers(8, 8, 3))


def pairs_of_pictures(root):
    for moment in ("before", "after"):
        picture(root / moment / "landslide/a.png")
        picture(root / moment / "stable/b.png", 1)


SAMPLES = {
    pairs_of_pictures: "before_after",
    zindi: "zindi",
    landslide4sense: "landslide4sense",
    landslide4sense_by_split: "landslide4sense",
    geotiff: "geotiff",
    geotiff_pictures_with_a_place: "geotiff",
    cas: "cas",
    cas_with_a_place: "cas",
    one_hdf5: "hdf5",
    hdf5_folder: "hdf5",
    class_folders: "folders",
    class_folders_of_tiff_pictures: "folders",
    class_folders_of_mixed_files: "folders",
}
# Formats that also know another's samples come after it: they read them too, with less of what they say.
ALSO = {
    "before_after": {"folders"},
    "landslide4sense": {"hdf5"},
    "geotiff": {"folders"},
    "cas": {"folders"},
    "zindi": {"folders"},
    "hdf5": set(),
    "folders": set(),
}


@pytest.fixture(params=SAMPLES, ids=lambda make: make.__name__)
def sample(request, tmp_path):
    request.param(tmp_path / "source")
    return tmp_path / "source", SAMPLES[request.param]


def test_every_format_recognises_its_own_samples_and_only_the_more_general_ones_too(sample):
    source, name = sample
    assert recognise(source) == name
    known = {format for format, reader in FORMATS.items() if reader.recognises(source)}
    assert known - ALSO[name] == {name}
    names = list(FORMATS)
    assert all(names.index(other) > names.index(name) for other in known - {name})


def test_a_recognised_sample_is_read_and_predicted(sample):
    source, name = sample
    steps = ingest(None, source, source.parent / "out.h5", ReaderOptions())
    while True:
        try:
            next(steps)
        except StopIteration as done:
            report = done.value
            break
    assert not report.rejected
    dataset = open_dataset(report.dataset)
    assert len(dataset) >= 1 and dataset.source.startswith(name)
    bands, batches = iterate_patches(source)
    assert bands == dataset.bands and sum(len(ids) for ids, _ in batches) == len(dataset)


@pytest.mark.parametrize("reader", FORMATS.values(), ids=FORMATS)
def test_nothing_is_recognised_in_what_is_empty_missing_or_text(reader, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "notes.txt", tmp_path / "empty", tmp_path / "gone"):
        assert not reader.recognises(path)
