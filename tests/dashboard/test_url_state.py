"""What a page shows stands in its URL by value; what a link names and does not exist is passed over."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from dashboard import url_state

    url_state.read_query_param("one", ["a", "b"], "a")
    one = st.selectbox("One", ["a", "b"], key="one", format_func=str.upper)
    url_state.write_query_param("one", one, "a")
    url_state.read_query_params("many", ["x", "y", "z"], ["x"])
    many = st.pills("Many", ["x", "y", "z"], selection_mode="multi", key="many")
    url_state.write_query_param("many", many, ["x"])
    url_state.read_query_number("number", 0.0, 1.0)
    number = st.number_input("Number", 0.0, 1.0, None, key="number")
    url_state.write_query_param("number", number, None)
    st.write(f"{one} {'+'.join(many)} {number}")


def late():
    """A choice on the page and one in a popover."""
    import streamlit as st

    from dashboard import url_state

    url_state.choose(st.radio, "Here", ["a", "b"], key="here", default="a")
    with st.popover("More"), st.container():
        url_state.choose(st.radio, "There", ["a", "b"], key="there", default="a")
        url_state.text("Text", key="text")


def test_what_a_popover_holds_is_sent_each_time_as_it_may_be_opened_late():
    at = AppTest.from_function(late)
    at.query_params["here"] = at.query_params["there"] = "b"
    at.query_params["text"] = "words"
    at.run()
    for _ in range(2):
        at.run()
        assert not at.exception and at.radio(key="there").value == "b"
        sent = at.radio(key="there").proto, at.text_input(key="text").proto
        assert all(one.set_value for one in sent) and not at.radio(key="here").proto.set_value
    at.radio(key="there").set_value("a").run()
    at.run()
    assert at.radio(key="there").value == "a" and "there" not in at.query_params


def opened(**query) -> AppTest:
    at = AppTest.from_function(page)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def test_without_a_link_the_defaults_stand_and_the_url_is_clean():
    at = opened()
    assert at.markdown[0].value == "a x None" and not at.query_params


def test_a_link_decides():
    at = opened(one="b", many=["y", "z"], number="0.25")
    assert not at.exception and at.markdown[0].value == "b y+z 0.25"


def test_what_does_not_exist_is_passed_over_and_leaves_the_url():
    at = opened(one="<img>", many=["q"], number="7")
    assert not at.exception and at.markdown[0].value == "a x None" and not at.query_params
    assert opened(number="many").markdown[0].value == "a x None"


def test_a_choice_goes_into_the_url_and_stays_over_the_link():
    at = opened(one="b")
    at.selectbox(key="one").select("a").run()
    assert at.markdown[0].value.startswith("a ") and "one" not in at.query_params
    at.number_input(key="number").set_value(0.5).run()
    assert at.query_params["number"] in ("0.500", ["0.500"])


def switch():
    import streamlit as st

    from dashboard import url_state

    view = url_state.choose(st.segmented_control, "View", ["facts", "import"], key="view", default="facts")
    st.write(view)


def test_a_choice_outlives_a_browser_that_draws_the_widget_anew_and_sends_none():
    at = AppTest.from_function(switch)
    at.query_params["view"] = "import"
    at.run()
    assert at.markdown[0].value == "import"
    at.button_group(key="view").set_value(None).run()
    assert at.markdown[0].value == "import" and at.query_params["view"] in ("import", ["import"])
    at.button_group(key="view").set_value("facts").run()
    assert at.markdown[0].value == "facts" and "view" not in at.query_params
