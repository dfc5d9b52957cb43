"""Patches of two datasets that show the same ground, where some of it holds no data."""

import numpy as np

from core.data.leakage.across import near_pairs
from core.progress import drain


def test_a_copy_is_found_where_a_row_far_down_holds_no_data():
    """The fault that was: a mark of what is there with one axis too many."""
    rng = np.random.default_rng(0)
    known = rng.integers(1, 256, (6, 64, 64)).astype(np.uint8)
    new = rng.integers(1, 256, (3, 64, 64)).astype(np.uint8)
    new[1] = known[4]
    new[1, 40:44] = 0
    found = drain(near_pairs(known, new))
    assert list(zip(found.known.tolist(), found.new.tolist(), strict=True)) == [(4, 1)]
