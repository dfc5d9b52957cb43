"""What every reader leans on: patches that are no files, places, prescribed bands and nodata."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest

from core.data.bands import Band
from core.data.readers import ReaderOptions
from core.data.readers.base import Aside, Collection, Item
from core.data.readers.build import build
from core.data.store import open_dataset
from core.errors import ConfigError, DataError, FormatError

BANDS = (Band("slope", "Slope", unit="degree"), Band("dem", "Elevation", unit="m"))


@dataclass(frozen=True)
class Row:
    """A patch that is a row of an array in memory: no file of its own."""

    array: np.ndarray
    row: int
    broken: bool = False

    @property
    def file(self):
        return f"stack.h5, row {self.row}"

    def shape(self):
        return self.array.shape[1:], self.array.dtype == np.uint8

    def read(self):
        if self.broken:
            raise FormatError("stack.h5 is damaged.")
        return self.array[self.row]

    def stamp(self):
        return "1"


@dataclass(frozen=True)
class RowMask(Row):
    def read(self):
        return (super().read()[0] > 0).astype(np.uint8)


def run(tmp_path, items, options=None, **facts):
    aside = Aside((options or ReaderOptions()).strict)
    facts = {"name": "made here", "class_names": ("stable", "landslide")} | facts
    steps = build(Collection(items=items, **facts), tmp_path / "x.h5", options or ReaderOptions(), aside)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


@pytest.fixture
def stack():
    return np.random.default_rng(0).normal(0, 100, (5, 2, 4, 6)).astype(np.float32)


def test_patches_that_are_no_files_are_built_with_place_bands_and_nodata(tmp_path, stack):
    items = [Item(f"r{i}", Row(stack, i), i % 2, mask=RowMask(stack, i), lonlat=(90.0 + i, 22.5)) for i in range(5)]
    stack[2, :, 0, 0] = -9999.0
    report, dataset = run(tmp_path, items, bands=BANDS, nodata=-9999.0, has_masks=True, facts={"crs": "EPSG:4326"})
    assert report.n == 5 and len(report.warnings) == 1 and "contradict" in report.warnings[0]  # labels are by turns
    assert dataset.bands == BANDS and dataset.nodata == -9999.0
    np.testing.assert_array_equal(dataset.stored_images(), stack)
    missing = np.broadcast_to((stack == -9999.0).all(axis=1, keepdims=True), stack.shape)
    np.testing.assert_array_equal(dataset.images(), np.where(missing, np.nan, stack))
    np.testing.assert_array_equal(dataset.masks(), stack[:, 0] > 0)
    np.testing.assert_array_equal(dataset.lonlat, [[90.0 + i, 22.5] for i in range(5)])
    assert dataset.facts == {"crs": "EPSG:4326", "conflicting_ids": [], "warnings": []}
    assert dataset.statistics[0]["n_nodata"] == 1


def test_a_patch_without_a_place_among_others_has_an_unknown_one(tmp_path, stack):
    items = [Item("a", Row(stack, 0), lonlat=(1.0, 2.0)), Item("b", Row(stack, 1))]
    assert np.isnan(run(tmp_path, items)[1].lonlat[1]).all()
    assert run(tmp_path, items[1:])[1].lonlat is None


def test_named_bands_stand_above_prescribed_ones(tmp_path, stack):
    _, dataset = run(tmp_path, [Item("a", Row(stack, 0))], ReaderOptions(bands=("red", "nir")), bands=BANDS)
    assert dataset.band_names == ("red", "nir")
    with pytest.raises(DataError, match="It has 2 bands; accepted: 3"):
        run(tmp_path, [Item("a", Row(stack, 0))], ReaderOptions(bands=("red", "green", "nir")), bands=BANDS)


def test_a_patch_that_cannot_be_read_is_named_by_its_own_words(tmp_path, stack):
    report, _ = run(tmp_path, [Item("a", Row(stack, 0)), Item("b", Row(stack, 1, broken=True))])
    assert [(r.file, r.reason) for r in report.rejected] == [("stack.h5, row 1", "stack.h5 is damaged.")]
    with pytest.raises(DataError, match="None of 1 files can be used.*row 1"):
        run(tmp_path, [Item("b", Row(stack, 1, broken=True))])


def test_items_may_be_made_when_they_are_asked_for(tmp_path, stack):
    class Lazy:
        def __len__(self):
            return len(stack)

        def __getitem__(self, index):
            if index >= len(stack):
                raise IndexError
            return Item(f"r{index}", Row(stack, index))

    assert run(tmp_path, Lazy())[0].n == 5


def test_headers_of_many_patches_are_a_progress_too(tmp_path, stack, monkeypatch):
    monkeypatch.setattr(sys.modules["core.data.readers.build"], "HEADERS_AT_ONCE", 2)
    items = [Item(f"r{i}", Row(stack, i)) for i in range(5)]
    steps = build(Collection("made", items, ("stable", "landslide")), tmp_path / "x.h5", ReaderOptions(), Aside())
    headers = [step.fields for step in steps if step.fields["stage"] == "headers read"]
    assert [(fields["done"], fields["total"]) for fields in headers] == [(2, 5), (4, 5)]


def test_a_folder_as_target_is_told_before_anything_is_read(tmp_path, stack):
    items = [Item("a", Row(stack, 0, broken=True))]
    with pytest.raises(DataError, match="is a folder"):
        next(build(Collection("made", items, ("stable", "landslide")), tmp_path, ReaderOptions(), Aside()))


def test_optical_bands_are_in_the_unit_that_is_stated_and_others_in_their_own(tmp_path, stack):
    """Reflectance 0-1 in a folder of rasters is no DN, and nothing in the values' type says so."""

    def built(unit):
        options = ReaderOptions(bands=("red", "desc_vv"), unit=unit)
        return run(tmp_path, [Item("a", Row(stack, 0))], options)[1].bands

    assert [band.unit for band in built(None)] == ["DN", "dB"]
    red, radar = built("reflectance")
    assert (red.unit, red.usual, radar.unit) == ("reflectance", (0.0, 2.1), "dB")
    with pytest.raises(ConfigError, match="unit: .*'DN', 'reflectance' or '0-255'"):
        built("percent")
