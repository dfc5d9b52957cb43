"""Polygons as other programs see them: opened again with fiona and geometry rules checked by hand."""

import json
import sqlite3
import xml.etree.ElementTree as Xml

import fiona
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import example, given
from hypothesis import strategies as st
from pyproj import Geod

from core.errors import ConfigError
from core.predict.maps.grid import Terrain
from core.predict.maps.roads import Roads
from core.predict.polygons.describe import polygons
from core.predict.polygons.files import style_of, write
from tests.core.predict.maps.making import grid, promise


def field(seed=0, size=(40, 60)):
    """Smooth made-up probabilities with a corner that was not seen."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=size), 3)
    probs = ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)
    probs[:8, :12] = np.nan
    return probs


def signed_area(ring):
    x, y = np.asarray(ring).T[:2]
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def rings_of(geometry):
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [(k == 0, ring) for polygon in polygons for k, ring in enumerate(polygon)]


def written(tmp_path, probs, where, **more):
    found = polygons(probs, where, promise(0.6), 4, **more)
    return found, write(found, tmp_path / "out.geojson", 0.6, {"run": "a-run"})


@pytest.mark.parametrize("crs, transform", [
    ("EPSG:32654", Affine(10, 0, 500_000, 0, -10, 4_700_000)),
    ("EPSG:4326", Affine(0.0001, 0, 91.8, 0, -0.0001, 22.4)),
    ("EPSG:32719", Affine(10, 0, 300_000, 0, -10, 6_000_000)),
    ("EPSG:32660", Affine(10, 0, 711_800, 0, -10, 7_500_000)),  # nearly at 180 degrees
    ("EPSG:3031", Affine(30, 0, 1_000_000, 0, -30, 1_000_000)),
    ("EPSG:32654", Affine(10, 0, 500_000, 0, 10, 4_700_000)),  # south up
])  # fmt: skip
def test_another_library_opens_both_and_finds_them_valid_closed_and_right_handed(tmp_path, crs, transform):
    found, paths = written(tmp_path, field(), grid(40, 60, crs, transform))
    assert [path.name for path in paths] == ["out.geojson", "out.gpkg", "out.qml"] and len(found) > 3
    for path in paths[:2]:
        with fiona.open(path) as layer:
            records = list(layer)
            assert len(records) == len(found)
            assert layer.crs.to_epsg() == (4326 if path.suffix == ".geojson" else int(crs[5:]))
        for record in records:
            geometry = record["geometry"]
            shape = shapely.geometry.shape(geometry)
            assert shape.is_valid and shape.area > 0
            for outer, ring in rings_of(geometry):
                assert ring[0] == ring[-1] and len(ring) >= 4
                assert (signed_area(ring) > 0) == outer
    with fiona.open(paths[0]) as layer:
        west, south, east, north = layer.bounds
        assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90


def test_geojson_keeps_to_the_standard_and_says_what_its_columns_mean(tmp_path):
    _, paths = written(tmp_path, field(), grid(40, 60))
    value = json.loads(paths[0].read_text(encoding="utf-8"))
    assert value["type"] == "FeatureCollection" and "crs" not in value and value["landslide_lens"]["run"] == "a-run"
    first = value["features"][0]
    assert set(value["landslide_lens"]["columns"]) <= set(first["properties"]) and first["properties"]["id"] == 1
    x, y = rings_of(first["geometry"])[0][1][0]
    assert 140.9 < x < 141.2 and 42 < y < 43 and len(str(x).split(".")[1]) <= 7


def test_numbers_of_one_square_by_hand(tmp_path):
    probs = np.full((12, 12), 0.1, np.float32)
    probs[4:8, 4:8] = 0.7
    probs[5, 5] = 0.95
    disagreement = np.full((12, 12), 0.02, np.float32)
    terrain = Terrain(np.arange(144, dtype=np.float32).reshape(12, 12), np.full((12, 12), 30, np.float32))
    where = grid(12, 12)
    road = shapely.LineString(where.to_lonlat(np.array([[0, 6], [12, 6]])))
    found = polygons(
        probs, where, promise(0.5), 1, disagreement=disagreement, terrain=terrain,
        roads=Roads(np.array([road]), np.array(["Route 1"])), date="2018-09-11",
    )  # fmt: skip
    row = {name: values[0] for name, values in found.columns.items()}
    assert (
        len(found) == 1
        and row["prob_max"] == 0.95
        and row["prob_mean"] == pytest.approx((15 * 0.7 + 0.95) / 16, abs=1e-4)
    )
    assert row["disagree"] == 0.02 and row["slope_deg"] == 30 and row["elev_m"] == pytest.approx(5.5 * 12 + 5.5)
    assert row["area_m2"] == row["above_m2"] == pytest.approx(1600 / 0.9996**2, abs=0.1)  # on the central meridian
    assert row["source_date"] == "2018-09-11" and row["roads"] == "Route 1" and not row["below_cell"]
    assert found.crossed.by_name["Route 1"][0] == pytest.approx(40 / 0.9996, abs=0.02)
    assert (row["share_lo"], row["share_hi"]) == (None, None)


@given(st.integers(0, 1000))
@example(534)  # eighteen pixels
def test_areas_add_up(seed):
    probs, where = field(seed), grid(40, 60)
    exact = polygons(probs, where, promise(0.6), 1)
    ground = 100 * np.sum(probs >= np.float32(0.6)) / 0.9996**2
    assert sum(exact.columns["area_m2"]) == pytest.approx(ground, rel=1e-4, abs=1.0)  # corners lie on a grid of 1 cm
    merged = polygons(probs, where, promise(0.6), 6)
    assert sum(merged.columns["above_m2"]) == pytest.approx(sum(exact.columns["area_m2"]), rel=1e-5)
    assert len(merged) <= len(exact)


def test_ground_across_the_antimeridian_is_cut_there(tmp_path):
    probs = np.full((10, 40), 0.9, np.float32)
    where = grid(10, 40, "EPSG:32660", Affine(1000, 0, 800_000, 0, -1000, 1_000))
    found, paths = written(tmp_path, probs, where)
    assert found.lonlat[0].geom_type == "MultiPolygon"
    for part in shapely.get_parts(found.lonlat[0]):
        west, _, east, _ = part.bounds
        assert east - west < 1
    assert found.columns["area_m2"][0] == pytest.approx(4e8, rel=0.01)


def test_nothing_above_writes_empty_files_that_open(tmp_path):
    found, paths = written(tmp_path, np.full((10, 10), 0.1, np.float32), grid(10, 10))
    assert len(found) == 0
    for path in paths[:2]:
        with fiona.open(path) as layer:
            assert len(layer) == 0


def test_the_style_is_one_that_qgis_knows_and_lies_in_the_package_too(tmp_path):
    _, paths = written(tmp_path, field(), grid(40, 60))
    root = Xml.fromstring(paths[2].read_text(encoding="utf-8").split("\n", 1)[1])
    renderer = root.find("renderer-v2")
    assert renderer.get("attr") == "prob_mean" and renderer.get("type") == "graduatedSymbol"
    ranges, symbols = renderer.findall("ranges/range"), renderer.findall("symbols/symbol")
    assert [one.get("symbol") for one in ranges] == [one.get("name") for one in symbols] == list("01234")
    edges = [(float(one.get("lower")), float(one.get("upper"))) for one in ranges]
    assert edges[-1][1] == 1 and all(a[1] == b[0] for a, b in zip(edges, edges[1:], strict=False))
    with sqlite3.connect(paths[1]) as db:
        assert db.execute("SELECT f_table_name, styleQML FROM layer_styles").fetchone() == ("landslides", style_of(0.6))
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_writing_twice_gives_the_same_and_leaves_nothing_beside(tmp_path):
    _, paths = written(tmp_path, field(), grid(40, 60))
    first = paths[0].read_bytes()
    written(tmp_path, field(), grid(40, 60))
    assert paths[0].read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.geojson", "out.gpkg", "out.qml"]


def test_another_ending_is_refused(tmp_path):
    found = polygons(field(), grid(40, 60), promise(0.6), 4)
    with pytest.raises(ConfigError, match="Accepted: .geojson and .gpkg"):
        write(found, tmp_path / "out.shp", 0.6, {})


def test_the_areas_are_those_of_pyproj_on_the_file_itself(tmp_path):
    found, paths = written(tmp_path, field(), grid(40, 60))
    with fiona.open(paths[0]) as layer:
        areas = [
            abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.geometry.shape(r["geometry"]))[0]) for r in layer
        ]
    assert areas == pytest.approx(found.columns["area_m2"], rel=1e-3, abs=1)
