"""Which column of a catalogue holds what, by the names that catalogues write."""

from __future__ import annotations

from collections.abc import Sequence

from core.data.readers.base import some
from core.data.readers.tables.coordinates import place_columns
from core.data.readers.tables.text import key_of
from core.errors import FormatError

# Names of columns as catalogues write them, compared without case, blanks and punctuation; coordinates also by the
# rules of ``core.data.readers.tables.coordinates``.
FIELDS: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "lat_n", "point_y", "y"),
    "longitude": ("longitude", "lon", "long", "lng", "lon_w", "long_w", "point_x", "x"),
    "event_id": ("event_id", "ev_id", "usgs_id", "disno", "landslide_id", "objectid", "fid", "id"),
    "date": (
        "event_date", "ev_date", "date", "date_min", "ls_date", "local_date", "utc_date", "start_date", "datetime",
        "event_datetime", "landslide_date",
    ),
    "year": ("year", "start_year", "event_year", "date_year"),
    "month": ("month", "start_month", "event_month", "date_month"),
    "day": ("day", "start_day", "event_day", "date_day"),
    "size": ("landslide_size", "ls_size", "size", "size_class"),
    "elevation_m": ("elevation_m", "elevation", "elev_m", "elev", "elevation_meters"),
    "accuracy": ("location_accuracy", "loc_acc", "loc_accuracy", "accuracy"),
    "confidence": ("confidence", "conf"),
    "category": (
        "landslide_category", "ls_cat", "ls_type", "landslide_type", "category", "movement_type", "disaster_subtype",
        "type",
    ),
    "trigger": ("landslide_trigger", "ls_trig", "ls_trigger", "trigger", "origin"),
    "fatalities": ("fatality_count", "fatalities", "total_deaths", "deaths"),
    "title": ("event_title", "ev_title", "title", "event_name", "location_description", "location"),
    "inventory": ("inventory", "event_import_source", "ev_imp_src", "source_name", "src_name", "old_dataset"),
}  # fmt: skip
PROJECTED = ("easting", "northing", "utm_x", "utm_y", "utm_e", "utm_n", "x_utm", "y_utm")
GEOMETRY = ("geometry", "the_geom", "wkt", "wkt_geom", "geom", "shape")  # of points as text


def columns_of(header: Sequence[str], name: str) -> dict[str, int]:
    """Index of the column of each field that is there. Raises FormatError without coordinates."""
    header = [cell.strip().removeprefix("\ufeff") for cell in header]
    there = {key_of(cell): place for place, cell in reversed(list(enumerate(header)))}
    columns = {}
    for field, names in FIELDS.items():
        place = next((there[key_of(known)] for known in names if key_of(known) in there), None)
        if place is not None:
            columns[field] = place
    if found := place_columns(header):
        columns |= {field: header.index(column) for field, column in zip(("longitude", "latitude"), found, strict=True)}
    geometry = next((there[key_of(known)] for known in GEOMETRY if key_of(known) in there), None)
    if geometry is not None and not {"latitude", "longitude"} <= set(columns):
        columns["geometry"] = geometry
    elif not {"latitude", "longitude"} <= set(columns):
        projected = [cell for cell in header if key_of(cell) in map(key_of, PROJECTED)]
        hint = (
            f" {some(projected)} are metres of a projection: convert them to longitude and latitude (EPSG:4326)."
            if projected
            else ""
        )
        raise FormatError(
            f"{name} has no columns of latitude and longitude in degrees, so its events have no place. "
            f"Its columns: {some(header, 12)}. Accepted names: {', '.join(FIELDS['latitude'][:3])}; "
            f"{', '.join(FIELDS['longitude'][:3])}.{hint}"
        )
    return columns
