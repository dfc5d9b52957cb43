"""JSON of a stranger: bounded, finite, or refused with the reason."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FormatError
from core.io.json_text import MAX_DEPTH, MAX_VALUES, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(VALUES)
def test_what_json_says_is_what_is_read(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[NaN]", "NaN is no number"),
        ('{"a": [1, -Infinity]}', "Infinity is no number"),
        ('{"a": 1e999}', "not finite"),
        ("[" + "9" * 400 + ".5]", "not finite"),
        ("1" * 5000, "not JSON"),
        ("[" * 200_000 + "]" * 200_000, "nested"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested"),
        ("[" + "0," * (MAX_VALUES + 1) + "0]", "more than 2,000,000 values"),
        (b"\xff\xfe", "not UTF-8"),
        ("", "not JSON"),
        ("{'a': 1}", "not JSON"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(text, said):
    with pytest.raises(FormatError, match=said) as error:
        parse_json(text)
    assert "\n" not in str(error.value)


def test_brackets_in_texts_are_no_depth():
    assert parse_json(json.dumps(["[" * 500, "}" * 500])) == ["[" * 500, "}" * 500]
