"""What a table says beside the labels: places, splits, dates, and what may serve as groups."""

from __future__ import annotations

import pytest

from core.data.readers.base import Aside
from core.data.readers.tables.facts import facts_of


def facts(columns, *rows, **options):
    aside = Aside()
    rows = [dict(zip(columns, row, strict=True)) if row else {} for row in rows]
    return facts_of("labels.csv", columns, rows, aside, **options), aside.warnings


@pytest.mark.parametrize(
    "names", [("longitude", "latitude"), ("Lon", "Lat"), ("LNG (deg)", "LAT (deg)"), ("long", "lat")]
)
def test_longitude_and_latitude_are_the_place(names):
    found, warnings = facts(names, ("85,1", "27\u00b030'N"), ("", ""), None, ("85.3", "27.7"))
    assert found.lonlat == ((85.1, 27.5), None, None, (85.3, 27.7)) and found.used == set(names)
    assert ["1 patch has no place" in text for text in warnings] == [True]


def test_x_and_y_are_degrees_where_they_can_only_be_that():
    found, warnings = facts(("x", "y"), ("85.12", "27.5"), ("85.13", "27.6"))
    assert found.lonlat[0] == (85.12, 27.5) and "were taken for longitude and latitude" in warnings[0]
    for pixels in ((("10", "20"), ("30", "40")), (("0.1", "0.2"), ("0.3", "0.4")), (("350000.5", "3070000.5"),)):
        found, warnings = facts(("x", "y"), *pixels)
        assert not any(found.lonlat) and not found.used and not warnings


def test_metres_and_swapped_columns_are_told_of():
    found, warnings = facts(("lon", "lat"), ("350000", "3070000"))
    assert found.lonlat == (None,) and not found.used and "metres of a projection" in warnings[0]
    found, warnings = facts(("lon", "lat"), ("27.5", "107.2"))
    assert found.lonlat == ((107.2, 27.5),) and "other way round" in warnings[0]


def test_splits_of_known_names_are_the_split():
    assert facts(("split",), ("Train",), ("val",), ("",), ("TEST",))[0].split == ("train", "validation", "", "test")
    assert facts(("split",), ("a",), ("b",))[0].split == (None, None)


def test_columns_that_may_be_groups_are_offered_and_dates_in_two_ways_told_of():
    rows = [("Nepal", "05/02/2020"), ("Nepal", "05/02/2020"), ("Chile", "06/02/2020"), ("Chile", "06/02/2020")]
    found, warnings = facts(("Country", "date"), *rows)
    assert not found.used and "two ways" in warnings[0] and "'Country', 'date'. --group-column" in warnings[1]
    assert len(facts(("Country", "date"), *rows, tell_groups=False)[1]) == 1
    assert not facts(("event",), ("a",), ("b",), ("c",))[1]


def test_the_row_numbers_of_pandas_are_no_fact():
    assert facts(("unnamed",), ("12",), ("3",))[0].used == {"unnamed"}
    assert not facts(("unnamed",), ("12",), ("12",))[0].used
