"""Labels of other people: every value of a column gets a meaning, or the whole column is refused naming its values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.readers.base import Aside
from core.data.readers.tables import label_rule, positive_name
from core.data.readers.tables.labels import refuse_lost_class
from core.errors import LabelError

TWO = [
    ("1", "2"), ("2", "1"), ("1", "-1"), ("255", "0"), ("1.0", "2.0"), ("yes", "no"), ("True", "False"), ("ja", "nein"),
    ("S\u00ed", "No"), ("\u6ed1\u5761", "\u975e\u6ed1\u5761"), ("landslide scar", "stable"), ("1,5", "2,5"),
    ("0007", "0008"), ("+", "minus"), ("slide", "non-slide"),
]  # fmt: skip


def read(texts, positive=None, column="label"):
    aside = Aside()
    rule = label_rule(texts, positive, aside, column)
    return [rule.label(text) for text in texts], rule.classes, aside.warnings


@pytest.mark.parametrize(("positive", "other"), TWO)
def test_two_values_need_the_positive_one_and_then_none_is_lost(positive, other):
    texts = [positive, other, other, "", positive]
    with pytest.raises(LabelError) as error:
        read(texts)
    assert positive in str(error.value) and other in str(error.value) and "--positive" in str(error.value)
    assert read(texts, positive)[0] == [1, 0, 0, -1, 1]
    assert read(texts, other)[0] == [0, 1, 1, -1, 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "3", "-1", "0", "slip", "rock", ""]), min_size=1, max_size=30), st.data())
def test_with_a_positive_value_every_filled_cell_is_labelled(texts, data):
    filled = sorted(set(texts) - {""})
    if not filled:
        return
    positive = data.draw(st.sampled_from(filled))
    if set(filled) == {"-1", "0", "1"}:  # -1 beside both is no label
        return
    labels, _, _ = read(texts, positive)
    assert labels == [-1 if not text else int(text == positive) for text in texts]


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["0", "1"], [0, 1]),
        (["0.0", "1.0"], [0, 1]),
        (["1", "1"], [1, 1]),
        (["0", "0"], [0, 0]),
        (["-1", "0", "1"], [-1, 0, 1]),
        (["landslide", "non-landslide"], [1, 0]),
        (["Landslides", "stable ground"], [1, 0]),
        (["landslide", "LANDSLIDE", "x"], [1, 1, 0]),
    ],
)
def test_what_is_certain_needs_no_word(texts, labels):
    assert read(texts)[0] == labels


def test_unlabelled_rows_are_counted():
    labels, _, warnings = read(["0", "1", "unknown", "NA", "nan", ""])
    assert labels == [0, 1, -1, -1, -1, -1] and "NA (1), unknown (1)" in warnings[0]
    assert "-1 (2)" in read(["0", "1", "-1", "-1"])[2][0]


def test_a_word_that_may_be_no_label_or_the_other_class_is_asked_about():
    with pytest.raises(LabelError, match="'landslide' and 'none'. Is the second a class, or no label"):
        read(["landslide", "none"])
    assert read(["landslide", "none"], "landslide")[0] == [1, 0]
    assert read(["+", "-", "-", "?"], "+")[0] == [1, 0, 0, -1]
    assert read(["landslide", "none", "rock"], "landslide")[0] == [1, -1, 0]


@pytest.mark.parametrize("texts", [["0", "1", "2"], ["1", "2", "3"], ["0", "1", "yes"], ["slip", "fall", "flow"]])
def test_more_than_two_values_are_refused_naming_them_and_the_way_out(texts):
    with pytest.raises(LabelError, match="all other values then are the other class") as error:
        read(texts)
    assert all(text in str(error.value) for text in texts)
    labels, _, warnings = read(texts, texts[1])
    assert labels[1] == 1 and labels[0] == labels[2] == 0 and "all taken as not" in warnings[0]


@pytest.mark.parametrize("texts", [["0.1", "0.25", "0.9"], ["0", "1", "0.37"], [f"{i / 30:.2f}" for i in range(31)]])
def test_shares_and_probabilities_are_no_classes(texts):
    for positive in (None, texts[0]):
        with pytest.raises(LabelError, match=f"{len(texts)} different numbers .*shares or probabilities"):
            read(texts, positive)


def test_a_column_called_landslide_says_what_yes_means():
    assert read(["yes", "no"], column="landslide")[0] == [1, 0]
    assert read(["True", "False"], column="is_landslide")[0] == [1, 0]
    with pytest.raises(LabelError, match="Found: False, True"):
        read(["True", "False"], column="label")


def test_a_value_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(LabelError, match="positive value '3' is not among the labels: 1, 2"):
        read(["1", "2"], "3")
    with pytest.raises(LabelError, match="called 'slide'. Found: 1, 2"):
        read(["1", "2"], "slide")


def test_class_names_that_differ_in_form_only_are_one():
    assert positive_name(["ladera_e\u0301", "otra"], "ladera_\u00e9", "folders") == "ladera_e\u0301"
    assert positive_name(["Landslide", "landslide", "x"], None, "folders") == "Landslide"


def test_a_class_that_is_set_aside_whole_is_an_error_and_a_part_of_it_is_not():
    aside = Aside()
    aside.reject("a.png", "It is broken.")
    with pytest.raises(LabelError, match="All 2 patches of the class 'slip'.*a.png: It is broken"):
        refuse_lost_class([1, 1, 0], [0], ("bare", "slip"), aside)
    refuse_lost_class([1, 1, 0], [1, 0], ("bare", "slip"), aside)
    refuse_lost_class([1, 1, -1], [1], ("bare", "slip"), aside)
