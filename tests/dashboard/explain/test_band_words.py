"""The sentence above the bars says which bands are needed, and leaves open what cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.explain import band_words

COLUMNS = ["title", "drop_mean", "lo", "hi", "rank_lo", "rank_hi"]


def rows(*values):
    return pd.DataFrame(list(values), columns=COLUMNS)


CLEAR = rows(("Red", 0.01, -0.01, 0.03, 2.0, 2.0), ("NIR", 0.2, 0.1, 0.3, 1.0, 1.0))
LEVEL = rows(
    ("VV change", 0.21, 0.1, 0.3, 1.0, 2.0), ("NIR", 0.2, 0.1, 0.3, 1.0, 2.0), ("Red", 0.01, -0.1, 0.1, 3.0, 3.0)
)  # fmt: skip


def test_one_band_that_leads_for_certain_is_named_with_its_interval():
    assert "relies most on **NIR**: without it, the score falls by 0.200 (0.1" in band_words.verdict(CLEAR)
    assert band_words.order_words(CLEAR) == "1 of 2 bands matters measurably. The order of all is statistically clear."


def test_bands_whose_ranks_cannot_be_told_apart_are_named_together():
    text = band_words.verdict(LEVEL)
    assert "**VV change** and **NIR**: without them, one at a time, the score falls by 0.210 and 0.200" in text
    assert "2 of 3 bands matter measurably. Which of the two matters more is uncertain." in band_words.order_words(
        LEVEL
    )


def test_more_than_can_be_named_are_counted():
    many = rows(*((f"B{i}", 0.2, 0.1, 0.3, 1.0, 5.0) for i in range(5)))
    assert band_words.verdict(many).count("**") == 2 * band_words.MOST_NAMED
    assert "All 5 bands matter measurably. Which of 5 bands matters most is uncertain." in band_words.order_words(many)


def test_where_nothing_falls_measurably_or_nothing_can_be_resampled_that_is_said():
    assert "No single band is indispensable" in band_words.verdict(CLEAR.assign(lo=-0.1))
    unknown = CLEAR.assign(lo=np.nan, hi=np.nan, rank_lo=np.nan, rank_hi=np.nan)
    assert "without **NIR**" in band_words.verdict(unknown) and "too few patches" in band_words.verdict(unknown)


def test_a_single_band_has_no_order():
    assert band_words.order_words(CLEAR.iloc[:1]) == ""


def test_the_group_that_contributes_most_is_named_only_where_that_can_be_measured():
    shares = pd.DataFrame({"group": ["optical", "SAR"], "shapley": [0.2, 0.1], "lo": [0.1, 0.0], "hi": [0.3, 0.2]})
    text = band_words.group_verdict(shares.assign(total=0.3))
    assert text == "**Optical** contributes most: 0.200 (0.100–0.300) of the 0.300 that is lost without any band."
    assert "No group contributes measurably" in band_words.group_verdict(shares.assign(total=0.3, lo=-0.1))


def test_names_are_shown_as_they_are_written():
    assert "[t](" not in band_words.verdict(CLEAR.assign(title="[t](javascript:alert(1))"))
