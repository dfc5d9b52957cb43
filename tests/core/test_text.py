"""Numbers and lists of names for people."""

import math

import numpy as np
import pytest

from core.text import list_names, number, tiny


@pytest.mark.parametrize(
    "value, text",
    [
        (0.12345, "0.123"),
        (np.float32(2), "2.000"),
        (None, "undefined"),
        (math.nan, "undefined"),
        (math.inf, "undefined"),
    ],
)
def test_a_number_without_value_says_so(value, text):
    assert number(value) == text


def test_a_long_list_is_shortened():
    assert list_names([str(i) for i in range(10)], 8) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
    assert list_names(np.array(["a", "b"])) == "a, b" and list_names([]) == ""
    assert list_names(range(2000), 1) == "0 and 1,999 more"


def test_what_should_be_nothing_is_written_as_nothing():
    assert tiny(0.0) == "0" and tiny(3.14e-7) == "3.1e-07"
