"""Text that a user wrote is shown as written; numbers come with what stands behind them."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import duration
from dashboard.ui import downloads, formatting, metric_card, sidebar


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40))
def test_every_mark_of_markdown_is_escaped(text):
    escaped = formatting.escape_markdown(text)
    for place, character in enumerate(escaped):
        if character in "`*_[]()<>$~#":
            assert escaped[place - 1] == "\\"


def test_addresses_do_not_become_links():
    assert "http" not in formatting.escape_markdown("see http://x.org") and "www" not in formatting.escape_markdown(
        "www.x.org"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8, "8 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (None, ""), (math.nan, ""), (-3, "0 s")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.81249, "0.812"), (None, "undefined"), (math.nan, "undefined")])
def test_a_score_that_does_not_exist_is_undefined(value, text):
    assert formatting.number(value) == text


def test_the_sentence_names_set_folds_counts_head_and_interval():
    sentence = metric_card.provenance_sentence(
        "out of fold", 1200, 210, "landslide", folds=5, bounds=(0.79, 0.84), head="svm_c0.1", groups=True
    )
    assert sentence == (
        "Out of fold over 5 folds; 1,200 patches (210 landslide); SVM \\(C 0\\.1\\); "
        "95% bootstrap interval, groups kept together 0.790 to 0.840."
    )


def test_formulas_in_a_csv_are_defused():
    table = pd.DataFrame({"=id": ["=HYPERLINK(1)", "+1", "-2", "@x", "plain"], "n": [-1.0, 2, 3, 4, 5]})
    lines = downloads.csv_bytes(table).decode().splitlines()
    assert lines[0] == "'=id,n"
    assert [line[0] for line in lines[1:5]] == ["'"] * 4 and lines[1].endswith(",-1.0") and lines[5] == "plain,5.0"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("20261121-010126_mobilenetv4_conv_small_e4667daa", "21 Nov 01:01 UTC, mobilenetv4_conv_small"),
        ("my_own_name", "my_own_name"),
    ],
)
def test_a_run_is_told_by_when_it_began_and_its_backbone(name, title):
    assert sidebar.run_title(name) == title


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (78 / 329, "23.7%"), (0, "0.0%"), (1, "100.0%"), (0.0002, "under 0.1%"), (0.99996, "over 99.9%"),
        (None, "undefined"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_shares_are_never_rounded_to_none_or_all(share, words):
    assert formatting.percent(share) == words
