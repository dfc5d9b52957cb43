"""Roads: read from what people save, crossed by name and length, strange files refused."""

import json

import fiona
import numpy as np
import pytest
import shapely
from pyproj import Geod

from core.errors import DataError, FormatError
from core.predict.maps.roads import UNNAMED, Roads, crossed, read_roads

LINES = [
    ("Route 235", [[141.0, 42.5], [141.02, 42.5]]),
    ("Route 235", [[141.02, 42.5], [141.03, 42.5]]),
    (None, [[141.0, 42.51], [141.03, 42.51]]),
]


def geojson(path, lines=LINES, crs=None, column="name"):
    features = [
        {"type": "Feature", "properties": {column: name}, "geometry": {"type": "LineString", "coordinates": line}}
        for name, line in lines
    ]
    value = {"type": "FeatureCollection", "features": features}
    if crs:
        value["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_lengths_are_those_inside_by_name_the_longest_first(tmp_path):
    roads = read_roads(geojson(tmp_path / "r.geojson"))
    assert roads.names.tolist() == ["Route 235", "Route 235", UNNAMED]
    shapes = np.array([shapely.box(141.01, 42.49, 141.025, 42.505), shapely.box(141.0, 42.505, 141.002, 42.52)])
    found = crossed(shapes, roads)
    expected = Geod(ellps="WGS84").line_length([141.01, 141.02, 141.025], [42.5] * 3)
    assert list(found.by_name) == ["Route 235", UNNAMED] and found.by_name["Route 235"][1] == 1
    assert found.by_name["Route 235"][0] == pytest.approx(expected, rel=1e-6)
    assert found.of_shape == ["Route 235", UNNAMED] and "Route 235 (1.23 km)" in found.sentence("the polygons")
    assert crossed(shapes[:0], roads).sentence("the polygons") == "No road of the file lies in the polygons."


def test_a_road_that_only_touches_is_not_crossed():
    roads = Roads(np.array([shapely.LineString([[0, 0], [1, 0]])]), np.array(["edge"]))
    assert crossed(np.array([shapely.box(1, -1, 2, 1)]), roads).by_name == {}


@pytest.mark.parametrize("suffix, driver", [("gpkg", "GPKG"), ("geojson", "GeoJSON")])
def test_other_coordinates_and_names_are_understood(tmp_path, suffix, driver):
    path = tmp_path / f"r.{suffix}"
    schema = {"geometry": "LineString", "properties": {"REF": "str", "lanes": "int"}}
    with fiona.open(path, "w", driver, schema=schema, crs="EPSG:32654") as out:
        line = {"type": "LineString", "coordinates": [(500_000, 4_700_000), (501_000, 4_700_000)]}
        out.write({"geometry": line, "properties": {"REF": "R1", "lanes": 2}})
    roads = read_roads(path)
    assert roads.names.tolist() == ["R1"] and roads.lines[0].bounds[0] == pytest.approx(141)
    assert read_roads(path, "lanes").names.tolist() == ["2"]
    with pytest.raises(FormatError, match="no column 'title'. It has: REF, lanes"):
        read_roads(path, "title")


def test_strange_files_are_refused_before_they_are_read(tmp_path):
    vrt = tmp_path / "r.geojson"
    vrt.write_text('<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>')
    with pytest.raises(FormatError, match="neither GeoJSON nor GeoPackage"):
        read_roads(vrt)
    with pytest.raises(DataError, match="There is no file"):
        read_roads(tmp_path / "nothing.gpkg")
    points = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [0, 0]}}
    (tmp_path / "p.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [points]}))
    with pytest.raises(FormatError, match=r"holds no lines \(Point\)"):
        read_roads(tmp_path / "p.geojson")
    (tmp_path / "b.geojson").write_text('{"type": "FeatureCollection", "features": [')
    with pytest.raises(FormatError, match="cannot be read"):
        read_roads(tmp_path / "b.geojson")
