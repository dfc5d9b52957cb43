"""What is kept of the source files: read by hand from files made here."""

import h5py
import numpy as np
import pytest
from PIL import Image

from core.data.bands import RGB_BANDS
from core.data.readers import ReaderOptions, ingest
from core.data.shortcuts.properties import NO_FRAME, blocks_of, file_properties, frame_of
from core.data.store import DatasetWriter, open_dataset
from core.errors import FormatError
from core.progress import drain

RNG = np.random.default_rng(0)


def picture(height, width):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def test_the_source_is_described_before_it_is_resized(tmp_path):
    for folder in ("landslide", "other"):
        (tmp_path / "src" / folder).mkdir(parents=True)
    Image.fromarray(picture(40, 30)).save(tmp_path / "src" / "landslide" / "s2.png")
    Image.fromarray(picture(50, 60)).save(tmp_path / "src" / "landslide" / "s10.jpg", quality=70)
    framed = picture(32, 32)
    framed[:, -1] = 0
    Image.fromarray(framed).save(tmp_path / "src" / "other" / "n3.png")
    report = drain(ingest("folders", tmp_path / "src", tmp_path / "d.h5", ReaderOptions(resize=16)))
    data = open_dataset(report.dataset)
    of = {name.rpartition("/")[2]: row for row, name in enumerate(data.ids)}
    rows = [of[name] for name in ("s2", "s10", "n3")]
    files = {name: values[rows].tolist() for name, values in data.files.items()}
    assert (files["width"], files["height"]) == ([30, 60, 32], [40, 50, 32])
    assert files["format"] == ["PNG", "JPEG", "PNG"] and files["name_pattern"] == ["s#.png", "s#.jpg", "n#.png"]
    assert files["frame"] == [NO_FRAME, NO_FRAME, "0 0 0"]
    assert files["order"] == [0.5, 1.0, 0.0]  # n3, s2, s10: numbers count as numbers
    size = (tmp_path / "src" / "landslide" / "s10.jpg").stat().st_size
    assert files["bytes_per_pixel"][1] == pytest.approx(size / 3000)
    assert files["encoding"][0] == "RGB" and "table" in files["encoding"][1]
    assert np.isfinite(files["blocks"]).all()


def test_another_quality_is_another_encoding_and_blocks_outlive_a_second_format(tmp_path):
    smooth = np.cumsum(RNG.normal(0, 3, (96, 96)), axis=1).clip(-60, 60) + 128
    image = Image.fromarray(smooth.astype(np.uint8))
    image.save(tmp_path / "a.jpg", quality=20)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "b.png")
    image.save(tmp_path / "c.png")
    was_jpeg, was_not = (np.asarray(Image.open(tmp_path / name))[None] for name in ("b.png", "c.png"))
    assert blocks_of(was_jpeg) > 0.2 > abs(blocks_of(was_not))
    assert np.isnan(blocks_of(was_jpeg[:, :16]))  # too small to have edges


def test_a_frame_is_one_colour_along_a_whole_side():
    pixels = RNG.random((2, 8, 8)).astype(np.float32)
    assert frame_of(pixels) == NO_FRAME
    pixels[:, 0] = [[1.5], [0.0]]
    assert frame_of(pixels) == "1.5 0"
    assert frame_of(RNG.random((1, 1, 1))) == NO_FRAME  # one pixel is no side


def test_nothing_is_made_up_where_there_are_no_files():
    assert drain(file_properties([])) == {}


def test_files_are_checked_like_columns_and_old_datasets_have_none(tmp_path):
    options = dict(bands=RGB_BANDS, shape_hw=(4, 4), class_names=("a", "b"), source="")
    images = RNG.random((3, 3, 4, 4))
    with DatasetWriter(tmp_path / "x.h5", **options) as writer:
        writer.append(images, [0, 1, 0], ["a", "b", "c"], files={"width": [1.0, 2.0, np.nan], "format": ["", "é", "x"]})
        data = writer.finish()
    assert data.files["format"].tolist() == ["", "é", "x"] and np.isnan(data.files["width"][2])
    with DatasetWriter(tmp_path / "y.h5", **options) as writer:
        writer.append(images, [0, 1, 0], ["a", "b", "c"])
        assert writer.finish().files == {}
    with h5py.File(tmp_path / "x.h5", "a") as file:
        del file["files/width"]
        file["files/width"] = np.zeros(7)
    with pytest.raises(FormatError, match="width .7 rows, not 3"):
        open_dataset(tmp_path / "x.h5")
