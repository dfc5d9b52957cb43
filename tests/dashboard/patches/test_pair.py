"""Pairs are drawn so that the ground both show lies in the same place, and said in plain words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.leakage.shifted_crops import TURNS
from dashboard.patches import pair as pair_view


@pytest.mark.parametrize(("dy", "dx"), [(3, -2), (-1, 4), (0, 0), (5, 0)])
def test_the_shared_ground_is_the_same_pixels_in_both(dy, dx):
    scene = np.random.default_rng(0).normal(size=(40, 40))
    a, b = scene[10:26, 10:26], scene[10 + dy : 26 + dy, 10 + dx : 26 + dx]
    in_a, in_b = pair_view.overlap_masks(dy, dx, 16, 16)
    assert in_a.sum() == in_b.sum() == (16 - abs(dy)) * (16 - abs(dx))
    assert (a[in_a] == b[in_b]).all()


def pair(**facts):
    known = {"a": "p", "b": "q", "kind": "shifted", "turn": "", "dy": -7, "dx": 3, "overlap": 0.85, "ssim": 0.91}
    return pd.Series(known | {"similarity": 0.9, "weight": np.nan, "partner": ""} | facts)


def test_words_name_shift_overlap_and_what_is_crossed():
    words = pair_view.pair_words(pair(part_a="train", part_b="test"))
    assert "shift +3 columns, -7 rows" in words and "85% shared" in words and "SSIM 0.910" in words
    assert words.endswith(":red[train and test]")
    assert "of \\<i\\>" in pair_view.pair_words(pair(kind="synthetic", weight=0.4, partner="<i>"))


def test_every_way_of_turning_can_be_drawn():
    rgb = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(4, 4, 3)
    for turn in TURNS.values():
        assert turn(rgb.transpose(2, 0, 1)).transpose(1, 2, 0).shape == rgb.shape
