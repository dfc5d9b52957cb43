"""netCDF-4 patches with a variable a band: axes by name, dates by event, scale and fill by CF, the rest left out."""

import h5py
import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest, recognise
from core.data.store import open_dataset
from core.errors import ConfigError, DataError
from core.progress import drain
from tests.netcdf_files import patch_file


def run(source, **options):
    out = source.parent / "out.h5"
    report = drain(ingest(None, source, out, ReaderOptions(**options)))
    return report, open_dataset(out)


@pytest.fixture
def source(tmp_path):
    for i in range(4):
        patch_file(tmp_path / "s2" / f"italy_s2_{i}.nc", i, event=bool(i % 2))
    return tmp_path / "s2"


@pytest.mark.parametrize("order", [("time", "x", "y"), ("time", "y", "x"), ("y", "x", "time")])
def test_axes_go_by_their_names(tmp_path, order):
    patch_file(tmp_path / "s" / "a.nc", 0, event=True, order=order, shape=(5, 16, 16))
    assert recognise(tmp_path / "s") == "netcdf"
    report, dataset = run(tmp_path / "s")
    assert dataset.band_names == ("blue", "green", "red", "nir", "dem") and dataset.labels.tolist() == [1]
    assert dataset.images()[0, 0, 3, 5] == 3000 + 30 + 5  # the image after the event, row 3, column 5
    assert dataset.masks()[0][2:9, 3:6].all() and dataset.masks()[0].sum() == 21
    assert np.allclose(dataset.lonlat[0], (12.18, 44.05), atol=0.02) and dataset.bands[4].unit == "m"
    assert any("left out: SCL" in text for text in report.warnings)


@pytest.mark.parametrize(
    ("date", "places"),
    [("post", [3]), ("pre", [2]), ("both", [2, 3]), ("first", [0]), ("last", [4]), ("1", [1]), ("2022-11-02", [1])],
)
def test_a_date_is_chosen_the_same_for_files_without_an_event(source, date, places):
    report, dataset = run(source, date=date)
    optical = [i for i, name in enumerate(dataset.band_names) if name.startswith("blue")]
    assert (dataset.images()[:, optical, 0, 0] == [1000 * place for place in places]).all()
    assert ("blue_pre" in dataset.band_names) == (date == "both") and dataset.band_names.count("dem") == 1
    assert any(f"5 dates a file: taken is {date}" in text for text in report.warnings)
    assert any("2 of 4 files know no event" in text for text in report.warnings) == (date in ("post", "pre", "both"))


def test_what_is_no_date_is_told(source):
    with pytest.raises(ConfigError, match="'soon' is no date"):
        run(source, date="soon")
    with pytest.raises(ConfigError, match="no image 9 in a series of 5"):
        run(source, date="9")


def test_the_day_of_an_event_decides_where_no_places_are_given(tmp_path):
    patch_file(tmp_path / "s" / "a.nc", 0, event=True, event_date="2022-11-20")  # between the images 1 and 2
    _, dataset = run(tmp_path / "s")
    assert dataset.images()[0, 0, 0, 0] == 2000 and dataset.columns["date"][0] == "2022-12-04"


def test_radar_is_called_by_its_orbit_and_unit(tmp_path):
    patch_file(tmp_path / "s" / "italy_s1dsc_1.nc", 0, event=True, sensor="s1")
    _, dataset = run(tmp_path / "s")
    assert {band.name: band.unit for band in dataset.bands} == {"dem": "m", "desc_vv": "power", "desc_vh": "power"}


def test_scale_offset_and_fill_are_applied(tmp_path):
    path = patch_file(tmp_path / "s" / "a.nc", 0, event=True)
    with h5py.File(path, "r+") as file:
        file["B04"].attrs.update({"scale_factor": 0.0001, "add_offset": -0.1, "_FillValue": np.int16(3002)})
    _, dataset = run(tmp_path / "s", unit="reflectance")
    red = dataset.images()[0, dataset.band_names.index("red")]
    assert np.isnan(red[0, 0]) and np.isclose(red[0, 1], 0.0001 * 3003 - 0.1)


def test_scales_are_told_and_the_optical_ones_say_the_unit(tmp_path):
    for i in range(3):
        path = patch_file(tmp_path / "s" / f"a{i}.nc", i, event=bool(i % 2))
        with h5py.File(path, "r+") as file:
            for name in ("B02", "B03", "B04", "B08"):
                file[name].attrs["scale_factor"] = np.float32(0.0001)
    report, dataset = run(tmp_path / "s")
    assert {band.name: band.unit for band in dataset.bands if band.family == "optical"} == dict.fromkeys(
        ("blue", "green", "red", "nir"), "reflectance"
    )
    assert any("taken as reflectance" in text for text in report.warnings)
    with h5py.File(path, "r+") as file:
        file["B02"].attrs["scale_factor"] = [0.0001, 0.0002]
    report, dataset = run(tmp_path / "s")
    assert len(dataset) == 2 and "scale_factor of '/B02' of a2.nc holds 2 numbers" in report.rejected[0].reason


def test_masks_mean_what_masks_mean_everywhere(tmp_path):
    for i in range(3):
        path = patch_file(tmp_path / "s" / f"a{i}.nc", i, event=bool(i % 2))
        with h5py.File(path, "r+") as file:
            file["MASK"][:, 12:14] = 2 if i else 0
            file["MASK"][:, 18:] = 9
            file["MASK"].attrs["_FillValue"] = np.uint8(9)
    report, dataset = run(tmp_path / "s")
    assert dataset.labels.tolist() == [0, 1, 1] and any("Masks hold the values" in text for text in report.warnings)
    _, dataset = run(tmp_path / "s", mask_value=1)
    assert dataset.labels.tolist() == [0, 1, 0] and dataset.masks()[1].sum() == 21
    assert not dataset.masks()[:, 18:].any()


def test_bands_as_arrays_of_any_hdf5_file_and_links_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for i, name in enumerate(("B04", "B08", "VV")):
            file[name] = np.full((8, 8), i + 1.0, np.float32)
    report, dataset = run(tmp_path / "a.h5")
    assert dict(zip(dataset.band_names, dataset.images()[0, :, 0, 0], strict=True)) == {"red": 1, "nir": 2, "vv": 3}
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["B03"] = h5py.ExternalLink("secret.h5", "/B03")
    with pytest.raises(DataError, match="external link"):
        run(tmp_path / "a.h5")
