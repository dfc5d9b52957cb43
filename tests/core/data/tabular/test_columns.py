"""Columns of numbers and categories as tables, and what is unknown of them."""

import numpy as np
import pytest

from core.data.tabular.columns import Column, encode, is_unknown, kind_of, learn_columns
from core.errors import ConfigError

COLUMNS = {
    "slope": np.array([10.0, 20.0, 30.0, np.nan, 1000.0]),
    "cover": np.array(["forest", " Unknown", "rock", "forest", "ice"]),
    "rain": np.array(["1.5", "", "2.5", "3.5", "n/a"]),
}


def test_mean_spread_and_categories_come_from_the_training_rows():
    slope, cover, rain = learn_columns(COLUMNS, ["slope", "cover", "rain"], np.array([0, 1, 2]))
    assert (slope.kind, slope.center) == ("number", 20.0) and slope.scale == pytest.approx(np.std([10, 20, 30]))
    assert cover == Column("cover", "category", categories=("forest", "rock"))
    assert (rain.kind, rain.center, rain.scale) == ("number", 2.0, 0.5)


def test_a_table_marks_the_unknown_and_holds_standardised_numbers_and_one_hot_categories():
    learnt = learn_columns(COLUMNS, ["rain", "cover"], np.array([0, 1, 2]))
    assert encode(learnt, COLUMNS, 5).tolist() == [
        [0, -1, 0, 1, 0],
        [1, 0, 1, 0, 0],
        [0, 1, 0, 0, 1],
        [0, 3, 0, 1, 0],
        [1, 0, 1, 0, 0],  # "ice" was not in the training rows
    ]
    nothing = encode(learnt, None, 2)
    assert nothing.tolist() == [[1, 0, 1, 0, 0]] * 2
    assert np.array_equal(encode(learnt, {"rain": COLUMNS["rain"]}, 5)[:, 2:], np.tile(nothing[0, 2:], (5, 1)))
    assert all(Column.from_dict(one.to_dict()) == one for one in learnt)


@pytest.mark.parametrize("word", ["", " ", "NaN", "none", "Unknown", "N/A", "?", "-"])
def test_words_for_unknown(word):
    assert is_unknown(np.array([word, "forest"])).tolist() == [True, False]


def test_kinds():
    assert kind_of(np.array([1, 2])) == "number" and kind_of(np.array([True, False])) == "category"
    assert kind_of(np.array(["1", "unknown"])) == "number" and kind_of(np.array(["a", "1"])) == "category"
    assert kind_of(np.array(["unknown", ""])) == "category"


def test_what_is_not_there_or_no_kind_is_refused_in_words():
    with pytest.raises(ConfigError, match="model.columns names 'aspect'.*slope, cover, rain"):
        learn_columns(COLUMNS, ["aspect"], np.arange(5))
    names = np.array([f"site {i}" for i in range(80)])
    with pytest.raises(ConfigError, match="80 different values"):
        learn_columns({"site": names}, ["site"], np.arange(80))


def test_a_constant_or_wholly_unknown_number_gives_finite_values():
    learnt = learn_columns({"a": np.full(4, 7.0), "b": np.full(4, np.nan)}, ["a", "b"], np.arange(4))
    assert np.isfinite(encode(learnt, {"a": np.arange(4.0), "b": np.full(4, np.nan)}, 4)).all()
