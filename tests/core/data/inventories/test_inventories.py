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
    ("text", "km"), [("exact", 0), ("Known exactly", 0), ("1km", 1), ("50 km", 50), ("250m", 0.25), ("unknown", None)]
)
def test_accuracy_is_a_radius_in_kilometres(text, km):
    assert accuracy_km(text) == km or (km is None and math.isnan(accuracy_km(text)))
