"""The interpolation view: asked once, from a synthetic patch or from a landslide and a neighbour."""

import pytest


def test_all_stops_are_asked_once_and_the_slider_asks_nothing(answering, open_page):
    run, row, asked = answering
    at = open_page("balance", balance_view="interpolation")
    assert not at.exception and not at.error
    n, slider = len(asked), at.select_slider[0]
    assert asked[-1].anchor == row["anchor"] and asked[-1].neighbour == row["neighbour"]
    assert asked[-1].extra == (pytest.approx(float(row["anchor_weight"]), abs=1e-6),)
    slider.set_value(0).run()
    assert not at.exception and len(asked) - n <= 1  # AppTest draws the whole page; the answer is kept by the cache
    assert any("By the network of fold 1, trained on all three real patches" in c.value for c in at.caption)


def test_it_can_start_from_a_landslide_and_any_neighbour(answering, open_page):
    *_, asked = answering
    at = open_page("balance", balance_view="interpolation")
    at.session_state["balance_interpolation_from"] = "landslide"
    at.run()
    assert not at.exception and not at.error and asked[-1].extra == ()
    assert asked[-1].neighbour == at.selectbox(key="balance_interpolation_neighbour").value != asked[-1].anchor
