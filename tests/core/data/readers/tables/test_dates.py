"""Dates as other people write them: the order of day and month is decided once for a column, or not at all."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.readers.tables.dates import parse_date, read_dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2008-08-01T10:30:00Z", ("2008-08-01", "day")),
        ("2008/08/01 00:00:00+00", ("2008-08-01", "day")),
        ("Mar 2, 2014", ("2014-03-02", "day")),
        ("2014-03", ("2014-03-01", "month")),
        ("1861.0", ("1861-01-01", "year")),
        ("0001-01-01", ("", "")),
        ("13/13/2013", ("", "")),
        ("", ("", "")),
    ],
)
def test_dates_are_read_with_their_precision(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25 Dec 2019", "2019-12-25"),
        ("25-Dec-2019", "2019-12-25"),
        ("December 25, 2019", "2019-12-25"),
        ("25 December 2019", "2019-12-25"),
        ("20191225", "2019-12-25"),
        ("20191225T101112Z", "2019-12-25"),
        ("201912251430", "2019-12-25"),
        ("2019-12-25T23:30:00-05:00", "2019-12-25"),
        ("2019-12-25 23:30:00.123+05:45", "2019-12-25"),
        ("2019-12-25Z", "2019-12-25"),
        ("1577232000", "2019-12-25"),
        ("1577232000000", "2019-12-25"),
        ("1577232000000000000", "2019-12-25"),
        ("25/12/2019", "2019-12-25"),
        ("12/25/2019", "2019-12-25"),
        ("25.12.2019 14.30", "2019-12-25"),
        ("05.02.2020", "2020-02-05"),
        ("03/03/2018", "2018-03-03"),
        ("05/02/2020", ""),
        ("19-12-25", ""),
        ("1512010100", "2017-11-30"),
    ],
)
def test_one_date_is_read_where_it_is_certain(text, expected):
    assert parse_date(text)[0] == expected


def test_a_day_above_12_anywhere_decides_for_the_column():
    found = read_dates(["25/12/2019", "05/02/2020", "31/01/2018", "", "03/04/2018 10:00"])
    assert [day for day, _ in found.dates] == ["2019-12-25", "2020-02-05", "2018-01-31", "", "2018-04-03"]
    assert not found.notes
    assert read_dates(["12/25/2019", "05/02/2020"]).dates[1][0] == "2020-05-02"


@pytest.mark.parametrize("texts", [["05/02/2020", "03/04/2018"], ["25/12/2019", "12/25/2019", "05/02/2020"]])
def test_what_can_be_read_in_two_ways_is_left_out_and_told_of(texts):
    found = read_dates(texts)
    assert found.dates[-1] == ("", "") and found.ambiguous and "two ways" in " ".join(found.notes)
    known = read_dates(texts[:2], month_first=True)
    assert known.dates[0][0] in ("2020-05-02", "2019-12-25")


def test_what_separates_the_parts_has_an_order_of_its_own():
    found = read_dates(["12/25/2019", "05.02.2020", "05-02-2020"])
    assert [day for day, _ in found.dates] == ["2019-12-25", "2020-02-05", ""]


def test_excels_days_are_read_where_most_of_a_column_is_such():
    found = read_dates(["43824", "43825.5", "", "2019-12-27"])
    assert [day for day, _ in found.dates] == ["2019-12-25", "2019-12-26", "", "2019-12-27"]
    assert "Excel" in found.notes[0]
    assert read_dates(["2019-12-27", "2019-12-28", "43824"]).dates[2] == ("", "")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(date(1900, 1, 1), date(2068, 12, 31)), min_size=1, max_size=30),
    st.sampled_from("-/ "),
    st.booleans(),
)
def test_no_order_of_any_column_reads_a_wrong_day(days, mark, day_first):
    form = mark.join(["%d", "%m", "%Y"] if day_first else ["%m", "%d", "%Y"])
    found = read_dates([day.strftime(form) for day in days])
    for day, (read, _) in zip(days, found.dates, strict=True):
        assert read in (day.isoformat(), "")
    if any(day.day > 12 for day in days):
        assert all(read for read, _ in found.dates)
    assert sum(not read for read, _ in found.dates) == len(found.ambiguous)
