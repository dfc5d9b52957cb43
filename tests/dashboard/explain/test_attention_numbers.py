"""Where the attention lies, checked by hand on maps of a few cells."""

from __future__ import annotations

import numpy as np
import pytest

from core.stats.grouped_means import Mean
from dashboard.explain import attention_numbers as numbers


def attention(share, low, high, area, on_mask):
    return numbers.Attention(Mean(share, low, high, 9, 9), area, on_mask)


@pytest.mark.parametrize("size", [(4, 4), (7, 7), (5, 8)])
def test_an_even_map_has_a_quarter_of_its_attention_in_the_middle(size):
    assert numbers.middle_shares(np.ones((2, *size))) == pytest.approx([0.25, 0.25])


def test_attention_in_a_corner_is_not_in_the_middle_and_in_the_centre_is():
    maps = np.zeros((3, 4, 4))
    maps[0, 0, 0], maps[1, 1, 2] = 5.0, 5.0
    found = numbers.middle_shares(maps)
    assert found[:2].tolist() == [0.0, 1.0] and np.isnan(found[2])  # an empty map has no place


def test_the_sentence_says_how_much_lies_on_how_much():
    text = numbers.sentence(attention(0.43, 0.4, 0.5, 0.18, True), None, 3.0)
    assert (
        text == "For found landslides, **43% of the attention lies on the landslide**, which covers 18% of the patch."
    )


def test_without_masks_the_middle_is_told_and_how_strong_the_evidence_is():
    text = numbers.sentence(attention(0.4, 0.3, 0.5, 0.25, False), None, 3.14)
    assert "40% of the attention lies in the middle quarter" in text and "3.1 times" in text
    assert "evenly spread, it would be 25%" in text
    assert "no more than evenly spread" in numbers.sentence(attention(0.26, 0.2, 0.3, 0.25, False), None, None)
    assert "less than its 25%" in numbers.sentence(attention(0.1, 0.05, 0.2, 0.25, False), None, None)


def test_attention_that_is_not_more_than_spread_evenly_is_told_as_such():
    text = numbers.sentence(attention(0.2, 0.15, 0.25, 0.18, True), None, None)
    assert text.endswith("covers 18% of the patch: no more than evenly spread attention would have there.")
    text = numbers.sentence(attention(0.05, 0.02, 0.08, 0.18, True), None, None)
    assert text.endswith("less than its 18% of the area.")


def test_interval_and_n_of_the_sentence_and_the_missed_beside_it():
    found, missed = attention(0.43, 0.4, 0.5, 0.18, True), attention(0.2, 0.1, 0.3, 0.07, True)
    assert numbers.basis(found, missed) == ("95% interval 40–50%, n = 9. Missed: 20% (10–30%), mask 7%, n = 9.")
    assert numbers.basis(None, missed) == "95% interval 10–30%, n = 9."
    assert numbers.basis(attention(0.4, np.nan, np.nan, 0.25, False), None) == "n = 9."
    assert numbers.basis(None, None) == ""


def test_without_found_landslides_the_missed_are_told_and_without_any_that():
    assert "For missed landslides" in numbers.sentence(None, attention(0.2, 0.1, 0.3, 0.1, True), None)
    assert "Too few" in numbers.sentence(None, None, None)
