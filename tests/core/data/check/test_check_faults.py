"""Each fault is planted alone into a clean simulated set, and is found alone, with the patches or bands concerned."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from core.data import demo
from core.data.bands import BYTES, DN, REFLECTANCE, RGB_BANDS, ZINDI_BANDS, Band
from core.data.check import check
from core.data.store import DatasetWriter, open_dataset
from core.progress import drain
from tests.builders import make_tiny

N = 48


@pytest.fixture(scope="module")
def clean():
    """Simulated patches without their shifted crops and wrong labels: nothing to find."""
    made = demo.simulate(80, 3)
    keep = np.flatnonzero(made.near_duplicate_of == "")[:N]
    return made.images[keep], made.true_labels[keep], made.groups[keep], made.ids[keep]


def written(path, patches, images=None, labels=None, bands=ZINDI_BANDS, nodata=None, **facts):
    own, true, groups, ids = patches
    images = own if images is None else images
    writer = DatasetWriter(
        path / "x.h5", bands=bands, shape_hw=images.shape[2:], class_names=("stable", "landslide"), source="",
        nodata=nodata, facts=facts,
    )  # fmt: skip
    with writer:
        writer.append(images, true if labels is None else labels, ids, groups)
        return writer.finish()


def findings(dataset):
    return {row.what: row for row in drain(check(dataset)).rows if row.severity != "ok"}


def only(dataset, what):
    found = findings(dataset)
    assert list(found) == [what]
    return found[what]


def test_a_clean_set_has_no_findings(tmp_path, clean):
    assert findings(written(tmp_path, clean)) == {}


@pytest.mark.fault(12)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(tmp_path, clean, value):
    images = clean[0].copy()
    images[[4, 9], 6, 10, 10] = value
    row = only(written(tmp_path, clean, images), "Values that are not finite")
    assert row.ids == tuple(clean[3][[4, 9]]) and row.bands == ("desc_dvv",)
    assert ("2 NaN, 0 infinite" if np.isnan(value) else "0 NaN, 2 infinite") in row.advice


@pytest.mark.fault(12)
def test_a_band_that_is_zero_everywhere(tmp_path, clean):
    images = clean[0].copy()
    images[:, 11] = 0.0
    row = only(written(tmp_path, clean, images), "Bands are constant within every patch")
    assert row.bands == ("asc_dvh",) and row.where == "asc_dvh (0 everywhere)"


def test_a_sensor_that_is_missing_in_some_patches(tmp_path, clean):
    images = clean[0].copy()
    images[[1, 2], 8] = -12.0
    row = only(written(tmp_path, clean, images), "Patches in which a band is constant")
    assert row.ids == tuple(clean[3][[1, 2]]) and row.bands == ("asc_vv",)


def test_pixels_without_data(tmp_path, clean):
    images = clean[0].copy()
    images[5, :, :, :40] = 0.0
    row = only(written(tmp_path, clean, images, nodata=0.0), "Pixels without data")
    assert row.ids == (clean[3][5],) and row.share == pytest.approx(40 / 64 / N)


def test_near_infrared_and_red_that_changed_places(tmp_path, clean):
    images = clean[0].copy()
    images[:, [0, 3]] = images[:, [3, 0]]
    row = only(written(tmp_path, clean, images), "The order of the bands contradicts their names")
    assert set(row.bands) == {"red", "nir"}


@pytest.mark.parametrize(("swap", "bands"), [((4, 5), {"desc_vv", "desc_vh"}), ((8, 10), {"asc_vv", "asc_dvv"})])
def test_radar_bands_that_changed_places(tmp_path, clean, swap, bands):
    images = clean[0].copy()
    images[:, list(swap)] = images[:, list(swap)[::-1]]
    row = only(written(tmp_path, clean, images), "The order of the bands contradicts their names")
    assert bands <= set(row.bands)


def test_optical_and_radar_that_changed_places(tmp_path, clean):
    images = np.roll(clean[0], 4, axis=1)
    found = findings(written(tmp_path, clean, images))
    assert {"Values are in another unit", "Values outside a band's usual range"} <= set(found)
    assert {"red", "desc_dvv"} & set(found["Values are in another unit"].bands)


@pytest.mark.fault(13)
def test_linear_radar_that_should_be_db(tmp_path, clean):
    images = clean[0].copy()
    images[:, 4:6] = 10 ** (images[:, 4:6] / 10)
    found = findings(written(tmp_path, clean, images))
    assert set(found["Values are in another unit"].bands) == {"desc_vv", "desc_vh"}
    assert set(found) <= {"Values are in another unit", "The order of the bands contradicts their names"}


@pytest.mark.parametrize(
    ("unit", "factor", "said"),
    [
        (DN, 1e-4, "reflectance 0-1, not DN"),
        (DN, 255 / 21000, "0-255, not DN"),
        (REFLECTANCE, 1.0, "DN, not reflectance"),
        (BYTES, 1.0, "DN, not 0-255"),
        (BYTES, 1 / 21000, "reflectance 0-1, not 0-255"),
    ],
)
def test_optical_values_in_another_unit(tmp_path, clean, unit, factor, said):
    bands = (*(Band(b.name, b.title, unit=unit, family="optical") for b in ZINDI_BANDS[:4]), *ZINDI_BANDS[4:])
    images = clean[0].copy()
    images[:, :4] *= factor
    row = only(written(tmp_path, clean, images, bands=bands), "Values are in another unit")
    assert row.bands == ("red", "green", "blue", "nir") and said in row.where


def test_the_few_pixels_of_a_nearly_empty_patch_do_not_look_like_mistaken_axes(tmp_path, clean):
    images = clean[0].copy()
    images[[4, 9]] = 0.0
    images[[4, 9], :, :3, :2] = clean[0][[4, 9], :, :3, :2]
    found = findings(written(tmp_path, clean, images, nodata=0.0))
    assert "Pixels without data" in found and "Bands are mixed up inside patches" not in found


def test_patches_whose_axes_were_mistaken(tmp_path, clean):
    colour = np.clip(clean[0][:, :3] / 90, 0, 254)
    colour *= np.array([1.0, 0.7, 0.5], np.float32)[:, None, None]
    n, c, height, width = colour.shape
    patches = (colour, *clean[1:])
    assert findings(written(tmp_path, patches, bands=RGB_BANDS)) == {}
    mixed = colour.copy()
    mixed[[7, 30]] = colour[[7, 30]].transpose(0, 2, 3, 1).reshape(2, c, height, width)
    row = only(written(tmp_path, patches, mixed, bands=RGB_BANDS), "Bands are mixed up inside patches")
    assert row.ids == tuple(clean[3][[7, 30]])


def test_a_patch_twice_and_with_another_label(tmp_path, clean):
    images, labels, groups, ids = (x.copy() for x in clean)
    groups[40] = groups[3]
    images[40], labels[40] = images[3], labels[3]
    row = only(written(tmp_path, (images, labels, groups, ids)), "Patches occur more than once")
    assert row.pairs == ((ids[3], ids[40]),) and set(row.ids) == {ids[3], ids[40]}
    labels[40] = 1 - labels[3]
    dataset = written(tmp_path, (images, labels, groups, ids))
    assert only(dataset, "Identical patches have different labels").severity == "error"
    left_out = dataset.labels.copy()
    left_out[40] = -1
    assert drain(check(dataset, labels=left_out)).ok


def test_a_nearly_identical_patch_in_another_group_with_another_label(tmp_path, clean):
    images, labels, groups, ids = (x.copy() for x in clean)
    rng = np.random.default_rng(0)
    spread = images.std(axis=(0, 2, 3))[:, None, None]
    groups[45], labels[45] = groups[2], labels[2]
    images[45] = 1.02 * images[2] + 0.02 * spread * rng.standard_normal(images[2].shape)
    row = only(written(tmp_path, (images, labels, groups, ids)), "Patches are nearly identical")
    assert row.pairs == ((ids[2], ids[45]),)
    groups[45], labels[45] = "elsewhere", 1 - labels[2]
    found = findings(written(tmp_path, (images, labels, groups, ids)))
    assert set(found) == {
        "Patches are nearly identical", "Nearly identical patches have different labels",
        "The same ground lies in different groups",
    }  # fmt: skip


def test_a_shifted_crop(tmp_path, clean):
    made = demo.simulate(80, 3)
    copy = int(np.flatnonzero(made.near_duplicate_of != "")[0])
    images, labels, groups, ids = (x.copy() for x in clean)
    first = ids.tolist().index(made.near_duplicate_of[copy])
    last = len(ids) - 1
    images[last], labels[last], groups[last] = made.images[copy], labels[first], groups[first]
    row = only(written(tmp_path, (images, labels, groups, ids)), "Patches are shifted crops of one another")
    assert row.pairs == ((ids[first], ids[last]),)


def test_labels_that_the_reader_found_contradictory(tmp_path, clean):
    row = only(written(tmp_path, clean, conflicting_ids=["gone", clean[3][0]]), "Ids were listed with different labels")
    assert row.severity == "error" and row.ids == (clean[3][0],) and row.n == 2


def test_progress_ends_at_one_and_never_goes_back(tmp_path, clean):
    steps = []
    drain(check(written(tmp_path, clean)), steps.append)
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1.0 and all(step.message for step in steps)


def test_bands_of_unknown_unit_are_not_judged(tmp_path, clean):
    bands = tuple(replace(band, unit="", usual=None, name=f"b{k}") for k, band in enumerate(ZINDI_BANDS))
    assert findings(written(tmp_path, clean, bands=bands)) == {}


def test_patches_that_lack_a_band_are_told_with_each_class_share(tmp_path, clean):
    images, labels = clean[0].copy(), clean[1]
    images[labels == 1, 8:] = np.nan
    found = findings(written(tmp_path, clean, images))
    row = found["Patches lack bands"]
    assert row.n == (labels == 1).sum() and row.bands == tuple(b.name for b in ZINDI_BANDS[8:])
    assert "100% of 'landslide', 0% of 'stable'" in row.advice and row.topic == "values"
    assert found["Values that are not finite"].n == row.n


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_band_that_no_patch_has_stops_nothing(tmp_path, clean, value):
    images = clean[0].copy()
    images[:, 3] = value
    found = findings(written(tmp_path, clean, images))
    assert found["Bands without a single value"].bands == ("nir",)
    assert "Patches lack bands" not in found


@pytest.mark.parametrize("value", [-3.4e38, 1e30, -9999.0])
def test_one_wild_corner_is_told_counted_and_left_out(tmp_path, clean, value):
    images = clean[0].copy()
    images[7, :, :2, :3] = value
    dataset = written(tmp_path, clean, images)
    row = findings(dataset)["Values far outside everything else in their band"]
    assert f"{12 * 6} values" in row.advice and "--nodata" in row.advice and row.ids == (clean[3][7],)
    assert np.isnan(dataset.images([7])).sum() == 72


def test_a_value_that_stands_for_no_data_without_anybody_saying_so(tmp_path, clean):
    bands = tuple(Band(f"b{i}", f"B{i}") for i in range(12))
    images = clean[0].copy()
    images[::6, :, :32] = -9999.0
    row = findings(written(tmp_path, clean, images, bands=bands))["A value looks like no data"]
    assert row.where == f"-9999 in all bands of {8 * 32 * 64:,} pixels" and "--nodata -9999" in row.advice
    (tmp_path / "b").mkdir()
    assert "A value looks like no data" not in findings(
        written(tmp_path / "b", clean, images, bands=bands, nodata=-9999.0)
    )


def test_what_the_import_warned_of_stays_with_the_dataset(tmp_path, clean):
    row = findings(written(tmp_path, clean, warnings=["The files state scale 0.0001, which was applied."]))[
        "The import warned"
    ]
    assert row.where == "The files state scale 0.0001, which was applied."


def test_a_file_that_was_damaged_or_edited_after_its_import_is_named(tmp_path):
    path = make_tiny(tmp_path / "tiny.h5")
    whole = [row for row in drain(check(open_dataset(path))).rows if "import wrote" in row.what]
    assert [row.severity for row in whole] == ["ok"]
    with h5py.File(path, "r+") as file:
        file["images"][3, 0, 5, 5] += 1  # one pixel, in a file that stays valid
    report = drain(check(open_dataset(path)))
    (row,) = [row for row in report.rows if "changed since its import" in row.what]
    assert row.severity == "warning" and row.where == "tiny.h5" and any("changed" in t for t in report.value_warnings())
