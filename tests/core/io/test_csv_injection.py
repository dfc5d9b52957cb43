"""No text that a user wrote runs as a formula in a spreadsheet."""

import pytest

from core.io.csv_injection import csv_cell


@pytest.mark.fault(24)
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_becomes_text(text):
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "", -1.5, None, 3])
def test_everything_else_stays(value):
    assert csv_cell(value) is value
