"""Time left is a range, as wide as measured epochs differ."""

from dashboard.jobs.time_left import range_words, time_left


def test_the_range_is_that_of_measured_epochs_and_wide_where_there_are_few():
    assert time_left(None) is None and time_left(float("nan")) is None
    low, high = time_left(100, [10, 10, 10, 10])
    assert (round(low), round(high)) == (95, 105)
    low, high = time_left(100, [5, 10, 15])
    assert low < 70 and high > 130
    assert tuple(map(round, time_left(100, [10]))) == (70, 130)


def test_a_range_is_told_in_round_words():
    assert range_words(None) == "" and range_words((10, 50)) == "less than a minute"
    assert range_words((180, 300)) == "about 3–5 min" and range_words((178, 182)) == "about 3 min"
    assert range_words((5400, 7200)) == "about 1.5–2 h"
