"""The switch between views: what the URL names, what another page asked for, and views that a run does not have."""

import pytest
from streamlit.testing.v1 import AppTest

APP = """
import streamlit as st
from dashboard import state
from dashboard.ui.view_switch import view_switch
if st.session_state.pop("lead_here", None):
    st.session_state[state._VIEW] = ("shop", "b")
views = {{"a": "First", "b": "Second"}} if {both} else {{"a": "First"}}
st.write("drawn:", view_switch("shop", views, "a"))
"""


@pytest.fixture
def page():
    return lambda both=True, **query: run(both, query)


def run(both, query, **session):
    at = AppTest.from_string(APP.format(both=both))
    for key, value in query.items():
        at.query_params[key] = value
    for key, value in session.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception
    return at


def shown(at):
    return next(m.value for m in at.markdown if m.value.startswith("drawn")).removeprefix("drawn: ").strip(":` ")


def test_the_first_view_is_drawn_and_needs_no_place_in_the_url(page):
    at = page()
    assert shown(at) == "a" and "shop_view" not in at.query_params


def test_a_link_opens_its_view_and_a_choice_is_in_the_url(page):
    at = page(shop_view="b")
    assert shown(at) == "b" and at.query_params["shop_view"] in ("b", ["b"])
    assert shown(page(shop_view="no-such")) == "a"


def test_another_page_leads_to_a_view():
    assert shown(run(True, {}, lead_here=True)) == "b"


def test_a_view_that_this_run_does_not_have_gives_way():
    assert shown(run(False, {}, shop_view="b")) == "a"


WITHIN = """
import streamlit as st
from dashboard.ui.view_switch import open_from_within, view_switch
view = view_switch("shop", {"a": "First", "b": "Second"}, "a")
st.write("drawn:", view)
st.button("far down", on_click=open_from_within, args=("shop", "b"))
"""


def test_a_view_opened_from_far_down_the_page_is_drawn_after_the_page_was_short():
    """A browser keeps its place in a page that stays long: the new view would open in its middle."""
    at = AppTest.from_string(WITHIN).run()
    at.button[0].click().run()
    assert not at.exception and not [m for m in at.markdown if m.value.startswith("drawn")]
    at.run()
    assert shown(at) == "b" and at.query_params["shop_view"] in ("b", ["b"])
