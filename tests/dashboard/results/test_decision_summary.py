"""The squares of the decision summary: what is drawn is what was counted."""

from __future__ import annotations

import pytest

from dashboard.results import decision_summary


def test_a_hundred_squares_show_the_share_and_its_interval():
    figure = decision_summary.hundred("Of 100", 0.84, (0.79, 0.89), ("found", "missed"), ("#111111", "#222222"))
    assert [len(trace.x) for trace in figure.data] == [79, 5, 5, 11]
    assert "84 found, 16 missed" in figure.layout.annotations[0].text


def test_an_undefined_share_is_a_hundred_grey_squares_that_say_so():
    for share in (None, float("nan")):
        figure = decision_summary.hundred("Of 100", share, None, ("found", "missed"), ("#111111", "#222222"))
        assert len(figure.data[0].x) == 100 and "undefined" in figure.data[0].hovertemplate


@pytest.mark.parametrize("cells", [(5, 6, 25, 26), (0, 0, 0, 3), (1, 1, 1, 0), (33, 33, 34, 0)])
def test_squares_by_outcome_add_up_to_a_hundred(cells):
    figure = decision_summary.inspected(dict(zip(("fn", "fp", "tn", "tp"), cells, strict=True)))
    assert sum(len(trace.x) for trace in figure.data) == 100
