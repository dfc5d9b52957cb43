"""Inventories' CSVs are read as their agencies write them, and what cannot be used is named with its line."""

from __future__ import annotations

import math

import pytest

from core.data.inventories import COLUMNS, accuracy_km, read_inventory
from core.errors import FormatError

GLC_HEADER = (
    "source_name,source_link,event_id,event_date,event_time,event_title,event_description,location_description,"
    "location_accuracy,landslide_category,landslide_trigger,landslide_size,landslide_setting,fatality_count,"
    "injury_count,storm_name,photo_link,notes,event_import_source,event_import_id,country_name,country_code,"
    "admin_division_name,admin_division_population,gazeteer_closest_point,gazeteer_distance,submitted_date,"
    "created_date,last_edited_date,longitude,latitude"
)


def glc_row(event_id="684", when="08/01/2008 12:00:00 AM", size="large", accuracy="5km", lon="107.45", lat="32.5625"):
    cells = dict.fromkeys(GLC_HEADER.split(","), "")
    cells |= {
        "source_name": "AGU", "event_id": event_id, "event_date": when, "location_accuracy": accuracy,
        "landslide_category": "mudslide", "landslide_trigger": "downpour", "landslide_size": size,
        "fatality_count": "11", "event_import_source": "glc", "longitude": lon, "latitude": lat,
        "event_title": '"Sigou, ""Loufan"""',
    }  # fmt: skip
    return ",".join(cells.values())


def written(tmp_path, text, name="inventory.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def test_a_row_of_nasas_catalogue_keeps_date_size_accuracy_and_place(tmp_path):
    inventory = read_inventory(written(tmp_path, f"{GLC_HEADER}\n{glc_row()}\n"))
    event = inventory.events.iloc[0]
    assert inventory.kind == "coolr" and tuple(inventory.events.columns) == COLUMNS
    assert (event["date"], event["date_precision"], event["size"]) == ("2008-08-01", "day", "large")
    assert (event["longitude"], event["latitude"], event["accuracy_km"]) == (107.45, 32.5625, 5.0)
    assert (event["event_id"], event["inventory"], event["fatalities"]) == ("684", "glc", 11.0)
    assert event["title"] == 'Sigou, "Loufan"' and math.isnan(event["elevation_m"])


def test_short_names_of_the_coolr_points_are_known(tmp_path):
    text = (
        "OBJECTID,ev_id,ev_date,ls_size,ls_trig,loc_acc,latitude,longitude\n"
        "1,7,1217548800000,very large,rain,exact,-8.5,116.4\n"
    )
    inventory = read_inventory(written(tmp_path, text))
    event = inventory.events.iloc[0]
    assert inventory.kind == "coolr" and event["event_id"] == "7"
    assert (event["date"], event["size"], event["accuracy_km"]) == ("2008-08-01", "very_large", 0.0)


def test_the_usgs_compilation_keeps_confidence_and_elevation(tmp_path):
    text = (
        "OBJECTID,Date,Fatalities,Confidence,Inventory,InventoryURL,Info,Notes,Lat_N,Lon_W,Elevation\n"
        "1,1/12/1996,0,8,OR Slido,https://example.org,,,45.42,-122.663,312.5\n"
        "2,1996,,5,California GS,,,,37.1,-121.9,\n"
        "3,Winter of 97,,1,California GS,,,,37.2,-121.9,NaN\n"
    )
    inventory = read_inventory(written(tmp_path, text))
    assert inventory.kind == "usgs" and inventory.events["confidence"].tolist() == [8, 5, 1]
    assert inventory.events["date"].tolist() == ["1996-01-12", "1996-01-01", ""]
    assert inventory.events["date_precision"].tolist() == ["day", "year", ""]
    assert inventory.events["elevation_m"].tolist()[0] == 312.5 and inventory.events["elevation_m"].isna().sum() == 2
    assert inventory.events["inventory"].tolist()[0] == "OR Slido"
    assert any("1 dates could not be read" in note for note in inventory.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators_do_not_matter(tmp_path, encoding, separator):
    lines = ["Title,Latitude,Longitude", "Größte Rutschung,46.5,8.25"]
    text = "\r\n".join(line.replace(",", separator) for line in lines)
    event = read_inventory(written(tmp_path, text, encoding=encoding)).events.iloc[0]
    assert (event["title"], event["latitude"], event["longitude"]) == ("Größte Rutschung", 46.5, 8.25)


def test_decimal_commas_are_read_beside_semicolons(tmp_path):
    event = read_inventory(written(tmp_path, "lat;lon\n46,5;8,25\n")).events.iloc[0]
    assert (event["latitude"], event["longitude"]) == (46.5, 8.25)


def test_rows_that_cannot_be_used_are_named_with_their_line_and_the_rest_is_used(tmp_path):
    rows = [
        glc_row("1"),
        glc_row("2", lat="932.0"),
        glc_row("3", lon=""),
        glc_row("4", lon="0", lat="0.0"),
        glc_row("1"),
        "a,b,c",
        "",
        glc_row("5"),
    ]
    inventory = read_inventory(written(tmp_path, "\n".join([GLC_HEADER, *rows])))
    assert inventory.events["event_id"].tolist() == ["1", "5"]
    assert inventory.aside["line"].tolist() == [3, 4, 5, 6, 7]
    said = " ".join(inventory.aside["reason"])
    for words in ("no place in degrees", "no coordinates", "unknown place", "stands in line 2", "3 cells"):
        assert words in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"latitude,longitude\n", "no row with usable"),
        (b"ID,label\na,1\n", "no columns of latitude"),
        (b"lat,lon\x00\n1,2\n", "NUL"),
        (b"lat,lon\n91,200\n", "no row with usable"),
    ],
)
def test_files_without_a_usable_event_are_refused_in_words(tmp_path, content, words):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words):
        read_inventory(path)


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(FormatError, match="not a CSV file"):
        read_inventory(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("text", "km"),
    [
        ("exact", 0),
        ("Known exactly", 0),
        ("1km", 1),
        ("50 km", 50),
        ("250m", 0.25),
        ("unknown", None),
        ("Known_within_5_km", 5),
        ("Known_exactly", 0),
    ],
)
def test_accuracy_is_a_radius_in_kilometres(text, km):
    assert accuracy_km(text) == km or (km is None and math.isnan(accuracy_km(text)))


def read(tmp_path, text, **options):
    return read_inventory(written(tmp_path, text, **options))


def test_the_order_of_days_and_months_is_that_of_the_column(tmp_path):
    rows = "1,44.1,11.2,25/12/2019\n2,44.2,11.3,05/02/2020\n3,44.3,11.4,31/01/2018\n"
    inventory = read(tmp_path, f"id,lat,lon,date\n{rows}")
    assert inventory.events["date"].tolist() == ["2019-12-25", "2020-02-05", "2018-01-31"] and not inventory.notes
    unclear = read(tmp_path, "id,lat,lon,date\n1,44.1,11.2,05/02/2020\n2,44.2,11.3,2019-12-25\n")
    assert unclear.events["date"].tolist() == ["", "2019-12-25"] and "two ways" in unclear.notes[0]


def test_agencies_that_write_months_first_are_known_but_their_column_decides(tmp_path):
    one = f"{GLC_HEADER}\n{glc_row('1', '08/01/2008 12:00:00 AM')}\n"
    assert read(tmp_path, one).events["date"].tolist() == ["2008-08-01"]
    both = f"{one}{glc_row('2', '25/01/2008')}\n"
    assert read(tmp_path, both).events["date"].tolist() == ["2008-01-08", "2008-01-25"]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("lat,lon", "37.5,237.5", (-122.5, 37.5)),
        ("lat;lon", "45,5;8,25", (8.25, 45.5)),
        ("Latitude (deg),Longitude (deg)", "45.5 N,122.5 W", (-122.5, 45.5)),
        ("LATITUDE,LONGITUDE", '7\u00b030\'00""S,110:15:00', (110.25, -7.5)),
        ("X,Y", "8.25,45.5", (8.25, 45.5)),
        ("wkt_geom,name", "Point (8.25 45.5),x", (8.25, 45.5)),
        ("the_geom,name", "POINT Z (8.25 45.5 12),x", (8.25, 45.5)),
        ("Lat_N,Lon_W", "45.5,122.5", (-122.5, 45.5)),
        (",lat,lon", "0,45.5,8.25", (8.25, 45.5)),
    ],
)
def test_places_in_every_form(tmp_path, header, row, expected):
    quoted = row if '""' not in row else '"' + row.replace(",", '","') + '"'
    event = read(tmp_path, f"{header}\n{quoted}\n").events.iloc[0]
    assert (event["longitude"], event["latitude"]) == pytest.approx(expected)


def test_excels_first_line_and_utf_16_without_a_mark_are_understood(tmp_path):
    event = read(tmp_path, "sep=;\nlat;lon;date\n45,5;8,25;43824\n", encoding="utf-16-le").events.iloc[0]
    assert (event["latitude"], event["longitude"], event["date"]) == (45.5, 8.25, "2019-12-25")


def test_swapped_columns_are_read_the_other_way_round_and_told_of(tmp_path):
    inventory = read(tmp_path, "lat,lon\n107.5,32.5\n104,31\n")
    assert inventory.events["longitude"].tolist() == [107.5, 104] and "other way round" in inventory.notes[0]
    row = read(tmp_path, "lat,lon\n32.5,107.5\n31,104\n104,31\n")
    assert len(row) == 2 and "look swapped" in row.aside["reason"][0]


@pytest.mark.parametrize("header", ["lat,lon", "x,y", "latitude,longitude"])
def test_metres_of_a_projection_are_refused_in_words(tmp_path, header):
    with pytest.raises(FormatError, match=r"metres of a projection.*EPSG:4326"):
        read(tmp_path, f"{header}\n3070000.5,350000\n3071000,352000\n")


def test_columns_of_a_projection_are_named(tmp_path):
    with pytest.raises(FormatError, match="Easting, Northing are metres of a projection"):
        read(tmp_path, "id,Easting,Northing\n1,350000,3070000\n")


def test_the_disaster_database_keeps_its_date_in_three_columns(tmp_path):
    text = (
        "DisNo.,Disaster Subtype,Event Name,Origin,Latitude,Longitude,Start Year,Start Month,Start Day,Total Deaths\n"
        "2019-0001-NPL,Landslide (wet),,Heavy rains,27.5,85.1,2019,7,5,12\n"
        "2019-0002-NPL,Landslide (wet),,Heavy rains,27.6,85.2,2019,8,,\n"
        "2019-0003-NPL,Landslide (wet),,Heavy rains,27.7,85.3,2019,,,\n"
    )
    events = read(tmp_path, text).events
    assert events["date"].tolist() == ["2019-07-05", "2019-08-01", "2019-01-01"]
    assert events["date_precision"].tolist() == ["day", "month", "year"]
    assert (events["event_id"][0], events["fatalities"][0], events["trigger"][0]) == (
        "2019-0001-NPL",
        12,
        "heavy rains",
    )
