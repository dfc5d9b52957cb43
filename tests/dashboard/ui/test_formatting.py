"""Text that a user wrote is shown as written; numbers come with what stands behind them."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import duration
from dashboard.ui import downloads, formatting


@pytest.mark.fault(24)
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


@pytest.mark.fault(24)
@pytest.mark.parametrize("text", ["a.b@x.org", "xmpp:me@x.org", "Mailto:me@x.org", "@me"])
def test_no_address_is_left_whole_for_a_mail_link(text):
    """GitHub's Markdown makes a link of whatever looks like an e-mail address, escaped or not."""
    shown = formatting.escape_markdown(text)
    assert "@\u2060" in shown and "xmpp" not in shown and "ailto" not in shown.replace("\u2060", "|").split("|")[0]
    assert shown.replace("\u2060", "").replace("\\", "") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8, "8 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (None, ""), (math.nan, ""), (-3, "0 s")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.81249, "0.812"), (None, "undefined"), (math.nan, "undefined")])
def test_a_score_that_does_not_exist_is_undefined(value, text):
    assert formatting.number(value) == text


@pytest.mark.fault(24)
def test_formulas_in_a_csv_are_defused():
    table = pd.DataFrame({"=id": ["=HYPERLINK(1)", "+1", "-2", "@x", "plain"], "n": [-1.0, 2, 3, 4, 5]})
    lines = downloads.csv_bytes(table).decode().splitlines()
    assert lines[0] == "'=id,n"
    assert [line[0] for line in lines[1:5]] == ["'"] * 4 and lines[1].endswith(",-1.0") and lines[5] == "plain,5.0"


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((0.8123, 0.891), "0.812–0.891"), ((-0.02, 0.031), "\u22120.020 to 0.031"), ((-0.0001, 0.2), "0.000 to 0.200"),
        (None, ""), ((0.1, math.nan), ""), (("a", "b"), ""),
    ],
)  # fmt: skip
def test_intervals_have_one_form(bounds, words):
    assert formatting.interval(bounds) == words


@pytest.mark.parametrize(
    ("make", "value", "words"),
    [
        (formatting.number, -0.5, "\u22120.500"), (formatting.number, -0.0001, "0.000"),
        (formatting.difference, 0.012, "+0.012"), (formatting.difference, -0.003, "\u22120.003"),
        (formatting.difference, 0.0001, "0.000"), (formatting.difference, None, "undefined"),
        (formatting.small, 0.0001, "under 0.001"), (formatting.small, 0.0, "0.000"), (formatting.small, 0.02, "0.020"),
        (formatting.small, 1.0, "1.000"), (formatting.count, 7146.0, "7,146"), (formatting.count, -1200, "\u22121,200"),
        (formatting.count, math.inf, "undefined"), (formatting.interval_percent, (0.891, 0.934), "89–93%"),
    ],
)  # fmt: skip
def test_numbers_have_one_form(make, value, words):
    assert make(value) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (78 / 329, "23.7%"), (0, "0.0%"), (1, "100.0%"), (0.0002, "under 0.1%"), (0.99996, "over 99.9%"),
        (None, "undefined"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_shares_are_never_rounded_to_none_or_all(share, words):
    assert formatting.percent(share) == words
