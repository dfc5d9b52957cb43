"""Tiles of larger images and labels from masks, counted by hand and against the plain way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data.readers import ReaderOptions, ingest
from core.data.readers.geo.tiles import starts
from core.data.store import open_dataset
from core.errors import ConfigError, DataError


def run(source, **options):
    steps = ingest("folders", source, source.parent / "out.h5", ReaderOptions(**options))
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset), seen


@pytest.fixture
def source(tmp_path):
    """Two pictures of 40 x 60 pixels with masks: ``a`` has 50 marked pixels in its first 20 x 20, 3 in the second."""
    rng = np.random.default_rng(0)
    for folder in ("src", "src/masks"):
        (tmp_path / folder).mkdir()
    for name in "ab":
        Image.fromarray(rng.integers(1, 256, (40, 60, 3), np.uint8)).save(tmp_path / "src" / f"{name}.png")
    mask = np.zeros((40, 60), np.uint8)
    mask[:5, :10] = mask[10, 20:23] = 255
    Image.fromarray(mask).save(tmp_path / "src" / "masks" / "a.png")
    Image.fromarray(np.zeros_like(mask)).save(tmp_path / "src" / "masks" / "b.png")
    return tmp_path / "src"


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 200), st.integers(1, 50), st.integers(1, 60))
def test_tiles_lie_inside_and_cover_what_they_say(length, side, stride):
    for edge in ("drop", "shift"):
        found = starts(length, side, stride, edge)
        assert bool(found) == (length >= side) and found == sorted(set(found))
        assert all(0 <= start <= length - side for start in found)
        if stride <= side and found and edge == "shift":
            assert len({pixel for start in found for pixel in range(start, start + side)}) == length


def test_every_tile_is_a_cut_of_its_image_labelled_by_the_area_of_its_mask(source):
    report, dataset, seen = run(source, masks="masks", tile=20)
    assert report.n == 11 and report.n_positive == 1 and (dataset.labels == 0).sum() == 10
    assert report.warnings == ("1 patch was dropped: a mask that covers something, but less than 1.00% of the area.",)
    assert dataset.ids[0] == "a_r00000_c00000" and dataset.columns["mask_fraction"][0] == 50 / 400
    assert dataset.groups.tolist() == ["a"] * 5 + ["b"] * 6 and dataset.shape == (3, 20, 20)
    assert dataset.columns["image"].tolist() == dataset.groups.tolist()
    whole = {name: np.asarray(Image.open(source / f"{name}.png")).transpose(2, 0, 1) for name in "ab"}
    masks = {name: np.asarray(Image.open(source / "masks" / f"{name}.png")) != 0 for name in "ab"}
    for i in range(11):
        row, col, name = (dataset.columns[key][i] for key in ("row", "col", "image"))
        np.testing.assert_array_equal(dataset.images([i])[0], whole[name][:, row : row + 20, col : col + 20])
        np.testing.assert_array_equal(dataset.masks([i])[0], masks[name][row : row + 20, col : col + 20])
        assert dataset.columns["mask_fraction"][i] == dataset.masks([i]).mean()
    rule = dataset.facts["patches_from_masks"]
    assert rule["mask_threshold"] == 0.01 and rule["dropped_between"] == 1 and rule["negative"] == 10
    assert [tuple(step.fields.values()) for step in seen] == [
        ("images", 2, 2),
        ("patches read", 11, 11),
        ("patches written", 11, 11),
        ("patches summarised", 11, 11),
    ]


def test_the_threshold_and_what_lies_between_are_choices(source):
    labels = {
        "drop": run(source, masks="masks", tile=20)[1].labels.tolist()[:2],
        "unlabelled": run(source, masks="masks", tile=20, between="unlabelled")[1].labels.tolist()[:2],
        "negative": run(source, masks="masks", tile=20, between="negative")[1].labels.tolist()[:2],
        "lower": run(source, masks="masks", tile=20, mask_threshold=3 / 400)[1].labels.tolist()[:2],
        "higher": run(source, masks="masks", tile=20, mask_threshold=0.2, between="negative")[1].labels.tolist()[:2],
    }
    assert labels == {"drop": [1, 0], "unlabelled": [1, -1], "negative": [1, 0], "lower": [1, 1], "higher": [0, 0]}


def test_edges_are_shifted_inwards_or_dropped(source):
    shifted = run(source, tile=32)[1]
    assert sorted(set(zip(shifted.columns["row"], shifted.columns["col"], strict=True))) == [
        (0, 0),
        (0, 28),
        (8, 0),
        (8, 28),
    ]
    assert run(source, tile=32, edge="drop")[0].n == 2
    assert run(source, tile=20, stride=10)[0].n == 2 * 3 * 5


def test_without_masks_only_negative_images_say_what_their_tiles_are(source):
    for name, kind in (("a", "landslide"), ("b", "stable")):
        (source / kind).mkdir()
        (source / f"{name}.png").rename(source / kind / f"{name}.png")
    _, dataset, _ = run(source, tile=20)
    assert dataset.labels.tolist() == [-1] * 6 + [0] * 6
    _, dataset, _ = run(source, tile=20, masks="masks")
    assert dataset.labels.tolist() == [1] + [0] * 10


def test_whole_images_are_labelled_by_their_masks_too(source):
    report, dataset, _ = run(source, masks="masks")
    assert dataset.labels.tolist() == [1, 0] and dataset.columns["mask_fraction"].tolist() == [0.022083, 0]
    assert dataset.groups is None and report.n == 2
    assert run(source, masks="masks", mask_threshold=0.05, between="negative")[0].n_positive == 0


def test_tiles_without_data_are_dropped_by_their_share(source):
    pixels = np.array(Image.open(source / "b.png"))
    pixels[:, :30] = 255
    Image.fromarray(pixels).save(source / "b.png")
    report, dataset, _ = run(source, tile=20, nodata=255, max_nodata=0.4)
    assert report.n == 6 + 2 and dataset.nodata == 255
    assert report.warnings[-1] == "4 patches were dropped: no data in more than 40% of the pixels."
    assert run(source, tile=20, nodata=255)[0].n == 6 + 4  # more than half of it is empty
    report, dataset, _ = run(source, tile=20, nodata=255, max_nodata=1)
    assert report.n == 12 and dataset.columns["nodata_fraction"][6:9].tolist() == [1, 0.5, 0]
    assert dataset.statistics[0]["n_nodata"] == 40 * 30


def test_images_that_cannot_be_cut_are_set_aside(source):
    Image.fromarray(np.zeros((10, 60, 3), np.uint8)).save(source / "c.png")
    Image.fromarray(np.zeros((40, 59), np.uint8)).save(source / "masks" / "b.png")
    report, dataset, _ = run(source, tile=20, masks="masks")
    assert {r.file: r.reason for r in report.rejected} == {
        "b.png": "The mask masks/b.png has 40x59 pixels, its image 40x60 pixels, and no places say how they lie on "
        "each other; accepted: the same size, or a whole multiple of it on both sides. Save it as large as its image.",
        "c.png": "It is 10x60 pixels, smaller than a tile of 20x20.",
    }
    assert set(dataset.groups) == {"a"}
    with pytest.raises(DataError, match="Stopped at this first"):
        run(source, tile=20, masks="masks", strict=True)


def test_options_that_make_no_sense_are_told(source):
    for options, words in [
        ({"tile": 0}, "tile: .*equal to 4"),
        ({"tile": 20, "stride": 0}, "stride: .*equal to 1"),
        ({"stride": 5}, "--tile"),
        ({"tile": 20, "mask_threshold": 0}, "greater than 0"),
        ({"tile": 20, "max_nodata": 2}, "less than or equal to 1"),
        ({"tile": 20, "edge": "pad"}, "'shift' or 'drop'"),
        ({"tile": 20, "between": "keep"}, "'drop', 'unlabelled' or 'negative'"),
        ({"resize": 0}, "resize: .*equal to 1"),
    ]:
        with pytest.raises(ConfigError, match=words):
            run(source, **options)


def test_a_raster_that_reads_a_part_of_itself_is_never_read_whole(tmp_path):
    from dataclasses import dataclass

    from core.data.readers.base import Aside, Collection, Item
    from core.data.readers.build import build

    @dataclass(frozen=True)
    class Raster:
        pixels: np.ndarray
        file: str = "scene.tif"

        def shape(self):
            return self.pixels.shape, False

        def window(self, row, col, height, width):
            return Part(self.pixels[:, row : row + height, col : col + width])

        def lonlat_at(self, row, col):
            return 90 + col / 100, 23 - row / 100

        def stamp(self):
            return ""

    class Part(Raster):
        def read(self):
            return self.pixels

    pixels = np.random.default_rng(1).normal(size=(4, 16, 24)).astype(np.float32)
    pixels[:, :8, :8] = 0
    collection = Collection("made", [Item("s", Raster(pixels), 0)], ("stable", "landslide"))
    options = ReaderOptions(tile=8, max_nodata=0.5)
    *_, last = build(collection, tmp_path / "x.h5", options, Aside())
    dataset = open_dataset(tmp_path / "x.h5")
    assert last.fields["done"] == 5 and dataset.lonlat[0].tolist() == [90.12, 22.96]
    np.testing.assert_array_equal(dataset.images([0])[0], pixels[:, :8, 8:16])


def test_images_are_stretched_to_one_size(source):
    Image.fromarray(np.full((10, 20, 3), 7, np.uint8)).save(source / "c.png")
    report, dataset, _ = run(source, masks="masks", resize=30)
    assert report.n == 3 and dataset.shape == (3, 30, 30) and dataset.facts["resized_to"] == 30
    expected = Image.open(source / "a.png").resize((30, 30), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(dataset.images([0])[0], np.asarray(expected).transpose(2, 0, 1))
    assert (dataset.images([2]) == 7).all() and dataset.masks([0]).mean() == pytest.approx(53 / 2400, abs=0.005)
