"""Who judges is remembered by the browser: taken in a new session, changed and forgotten with what is typed."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page(kept):
    import streamlit as st

    from dashboard.reviewer import REVIEWER, for_browser, reviewer

    told = for_browser(kept)
    st.text_input("Your name", key=REVIEWER)
    st.text(repr((told, reviewer())))


def opened(kept=None) -> AppTest:
    return AppTest.from_function(page, args=(kept,)).run()


def told(at) -> str:
    return at.text[0].value


def test_a_new_session_takes_what_the_browser_has_kept():
    at = opened(" Ada \n<b>" + "x" * 200)
    assert at.text_input[0].value.startswith(" Ada <b>x") and len(at.text_input[0].value) == 80
    assert told(at) == repr((" ".join(at.text_input[0].value.split()),) * 2)


def test_nothing_that_was_kept_leaves_the_browser_alone():
    for kept in (None, "", 3, {"name": "x"}):
        at = opened(kept)
        assert told(at) == "(None, '')" and told(at.run()) == "(None, '')"


def test_what_is_typed_is_kept_and_what_is_emptied_is_forgotten_and_not_taken_again():
    at = opened("Ada")
    at.text_input[0].set_value("Bo").run()
    assert told(at.run()) == "('Bo', 'Bo')"
    at.text_input[0].set_value("").run()
    assert told(at.run()) == "('', '')"
