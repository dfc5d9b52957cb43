"""Where rasters lie: degrees, world files, and what cannot be placed (FAULTS 15)."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform as oracle

from core.data.readers.base import Aside
from core.data.readers.geo.placement import Placement, Placer, crs_name, degrees, pam_file, place_of, world_file
from core.data.readers.geo.raster import RasterHeader

UTM46 = CRS.from_epsg(32646).to_wkt()
WGS84 = CRS.from_epsg(4326).to_wkt()
MARS = 'GEOGCS["GCS_Mars_2000",DATUM["D_Mars_2000",SPHEROID["Mars_2000",3396190,169.894]],PRIMEM["x",0],UNIT["Degree",0.017453292519943295]]'  # noqa: E501
LOCAL = 'LOCAL_CS["a field",UNIT["metre",1]]'


def header(transform=None, crs=None, shape=(1, 100, 100)):
    return RasterHeader(shape, np.dtype("float32"), transform=transform, crs=crs)


def north_up(x, y, pixel=10.0):
    return (pixel, 0.0, x, 0.0, -pixel, y)


def test_degrees_agree_with_gdal_in_lon_lat_order():
    place = Placement(north_up(500_000, 2_500_000), UTM46)
    lon, lat = place.lonlat(50, 50)
    (x,), (y,) = oracle(CRS.from_epsg(32646), CRS.from_epsg(4326), [500_500], [2_499_500])
    assert (lon, lat) == pytest.approx((x, y), abs=1e-9) and 92 < lon < 94 and 22 < lat < 23
    assert Placement(north_up(91.75, 22.5, 0.001), WGS84).lonlat(100, 50) == pytest.approx((91.8, 22.4))


def test_a_turned_raster_is_placed_by_its_whole_transform():
    place = Placement((0.0, 2.0, 100.0, 3.0, 0.0, 200.0), None)  # columns go north, rows go east
    assert place.at(5, 7) == (110.0, 221.0)
    assert place.bounds(10, 20) == (100.0, 200.0, 120.0, 260.0)


@pytest.mark.parametrize("crs", [LOCAL, MARS])
def test_systems_that_do_not_lead_to_earth_give_no_degrees(crs):
    assert degrees(crs, 10, 10) is None


def test_longitudes_come_between_minus_and_plus_180():
    assert degrees(WGS84, 190.0, 10.0) == pytest.approx((-170.0, 10.0))
    assert degrees(WGS84, 10.0, 95.0) is None
    assert degrees(UTM46, 1e12, 1e12) is None


def test_systems_are_named_by_code_where_they_have_one():
    assert (crs_name(UTM46), crs_name(None), crs_name(LOCAL)) == ("EPSG:32646", "", "a field")


# ---------------------------------------------------------------------------------------------------- world files


@pytest.mark.parametrize("ending", [".tfw", ".TFW", ".wld", ".tifw"])
def test_a_world_file_states_the_centre_of_the_first_pixel(tmp_path, ending):
    (tmp_path / "x.tif").touch()
    (tmp_path / f"x{ending}").write_text("10\n0\n0\n-10\n500005\n199995\n")
    assert world_file(tmp_path / "x.tif") == (10, 0, 500_000, 0, -10, 200_000)


@pytest.mark.parametrize("text", ["", "10 0 0", "a b c d e f", "nan 0 0 1 2 3", "0 0 0 0 5 5", "1 " * 3000])
def test_what_is_no_world_file_is_not_used(tmp_path, text):
    (tmp_path / "x.tfw").write_text(text)
    assert world_file(tmp_path / "x.tif") is None


def test_a_link_is_not_a_world_file(tmp_path):
    (tmp_path / "elsewhere").write_text("10\n0\n0\n-10\n5\n5\n")
    (tmp_path / "x.tfw").symlink_to(tmp_path / "elsewhere")
    assert world_file(tmp_path / "x.tif") is None


# ------------------------------------------------------------------------------------------------- what is told


def test_each_kind_of_missing_place_is_told_once(tmp_path):
    placer, aside = Placer(), Aside()
    (tmp_path / "w1.tfw").write_text("10\n0\n0\n-10\n5\n5\n")
    (tmp_path / "w2.tfw").write_text("10\n0\n0\n-10\n90005\n5\n")
    (tmp_path / "far.tfw").write_text("10\n0\n0\n-10\n5\n5\n")
    assert placer.place(tmp_path / "n1.tif", header(), "n1") is None
    assert placer.place(tmp_path / "n2.tif", header(crs=UTM46), "n2") is None
    assert placer.place(tmp_path / "w1.tif", header(), "w1").crs is None
    assert placer.place(tmp_path / "w2.tif", header(crs=UTM46), "w2").crs == UTM46
    assert placer.place(tmp_path / "m.tif", header(north_up(1, 1, 0.1), MARS), "m").lonlat(0, 0) is None
    found = placer.place(tmp_path / "far.tif", header(north_up(500_000, 2_500_000), UTM46), "far")
    assert found.transform == north_up(500_000, 2_500_000)
    placer.tell(aside)
    starts = [text[:52] for text in aside.warnings]
    assert starts == [
        "2 files do not say where they are (no coordinate sys",
        "1 files have a place but no coordinate system, so th",
        "1 files have a coordinate system that does not lead ",
        "1 files lie elsewhere by the world file or .aux.xml ",
    ]
    assert aside.warnings[0].endswith(": n1, n2.")


def test_a_world_file_that_agrees_is_not_told_of(tmp_path):
    placer, aside = Placer(), Aside()
    (tmp_path / "x.tfw").write_text("10\n0\n0\n-10\n500005\n2499995\n")
    placer.place(tmp_path / "x.tif", header(north_up(500_000, 2_500_000), UTM46), "x")
    placer.tell(aside)
    assert not aside.warnings


def test_files_that_show_the_same_ground_are_told(tmp_path):
    def told(*corners):
        placer, aside = Placer(), Aside()
        for number, (x, y) in enumerate(corners):
            placer.place(tmp_path / f"{number}.tif", header(north_up(x, y), UTM46), f"f{number}")
        placer.tell(aside)
        return aside.warnings

    assert told((500_000, 0), (501_000, 0), (500_000, 1000)) == []  # neighbours share a border only
    (text,) = told((500_000, 0), (502_000, 0), (500_500, 0), (500_000, 5000), (500_000, 5000))
    assert text.startswith("4 files show ground that another one shows too: f0, f2, f3, f4.")


def test_overlaps_agree_with_comparing_all_pairs(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(20):
        placer, aside = Placer(), Aside()
        corners = rng.integers(0, 8000, (30, 2))
        for number, (x, y) in enumerate(corners):
            placer.place(tmp_path / f"{number}.tif", header(north_up(500_000 + x, 2_000_000 + y), UTM46), f"f{number}")
        placer.tell(aside)
        apart = np.abs(corners[:, None] - corners[None])
        overlaps = (apart < 990).all(axis=2) & ~np.eye(30, dtype=bool)  # sides of 1000 m, a hundredth is rounding
        expected = int(overlaps.any(axis=1).sum())
        assert bool(aside.warnings) == bool(expected)
        assert not expected or aside.warnings[0].startswith(f"{expected} files")


def test_gdals_file_beside_a_raster_states_place_and_system(tmp_path):
    system = CRS.from_string(UTM46).to_wkt().replace('"', "&quot;")
    text = f"<PAM>\n<SRS dataAxisToSRSAxisMapping='1,2'>{system}</SRS><GeoTransform>{{}}</GeoTransform></PAM>"
    beside = tmp_path / "x.tif.aux.xml"
    beside.write_text(text.format("5.0e5, 10, 0, 2500000, 0, -10"))
    found = place_of(tmp_path / "x.tif", header())
    assert found.transform == north_up(500_000, 2_500_000) and found.system_name == "EPSG:32646"
    own = place_of(tmp_path / "x.tif", header(north_up(1, 2)))
    assert own.transform == north_up(1, 2)  # what the file says itself stands above it
    for broken in ("1, 2", "1, 0, 0, 2, 0, 0", "nan, 10, 0, 1, 0, -10", "a, b, c, d, e, f"):
        beside.write_text(text.format(broken).replace("PROJCRS", "x").replace("PROJCS", "x"))
        assert pam_file(tmp_path / "x.tif") == (None, None)
    beside.unlink()
    (tmp_path / "other").write_text(text.format("5.0e5, 10, 0, 2500000, 0, -10"))
    beside.symlink_to(tmp_path / "other")
    assert pam_file(tmp_path / "x.tif") == (None, None)
