"""Two numbers are two plain numbers, and what is missing is said."""

import os

import numpy as np
import pytest

from core.arrays import pair, whole_pair
from core.errors import DataError, needed
from core.io.process_id import is_alive, myself


def test_a_pair_is_of_two_plain_numbers():
    assert pair(np.array([0.25, 1.0])) == (0.25, 1.0) and all(type(one) is float for one in pair(np.float32([1, 2])))
    assert whole_pair(side * 2 for side in (3, 4)) == (6, 8) and all(type(one) is int for one in whole_pair(np.ones(2)))
    for wrong in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError):
            pair(wrong)


@pytest.mark.parametrize("value", [0, "", [], False])
def test_what_is_there_is_handed_on_even_where_it_is_empty(value):
    assert needed(value, "Never said.") is value


def test_what_is_missing_is_said():
    with pytest.raises(DataError, match="No rows are kept"):
        needed(None, "No rows are kept.")


def test_a_process_knows_itself():
    assert myself().pid == os.getpid() and is_alive(myself())
