"""The interpolation view: asked once, from a synthetic patch or from a landslide and a neighbour."""

import numpy as np
import pytest

from dashboard.balance.interpolation import reading
from tests.dashboard.balance.made_answers import stops


def test_all_stops_are_asked_once_and_the_slider_asks_nothing(answering, open_page):
    run, row, asked = answering
    at = open_page("balance", balance_view="interpolation")
    assert not at.exception and not at.error
    n, slider = len(asked), at.select_slider[0]
    assert asked[-1].anchor == row["anchor"] and asked[-1].neighbour == row["neighbour"]
    assert asked[-1].extra == (pytest.approx(float(row["anchor_weight"]), abs=1e-6),)
    slider.set_value(0).run()
    assert not at.exception and len(asked) - n <= 1  # AppTest draws the whole page; the answer is kept by the cache
    assert any("By the network of fold 1, trained on all three real patches" in c.value for c in at.markdown)


def test_it_can_start_from_a_landslide_and_any_neighbour(answering, open_page):
    *_, asked = answering
    at = open_page("balance", balance_view="interpolation")
    at.session_state["balance_interpolation_from"] = "landslide"
    at.run()
    assert not at.exception and not at.error and asked[-1].extra == ()
    assert asked[-1].neighbour == at.selectbox(key="balance_interpolation_neighbour").value != asked[-1].anchor


@pytest.mark.parametrize(
    ("probs", "words"),
    [
        ([0.9, 0.8, 0.9, 0.5, 0.1], "stops predicting landslide after 62% of the way"),
        ([0.9, 0.2, 0.9, 0.8, 0.7], "falls to 0.20, below the threshold of 0.40; on the way to the other class"),
        ([0.9, 0.8, 0.9, 0.8, 0.7], "keeps predicting landslide, even at the end (0.70, threshold 0.40)"),
        ([0.9, 0.8, 0.3, 0.2, 0.1], "misses the anchor itself"),
    ],
)
def test_the_first_sentence_says_where_the_model_changes_its_mind(probs, words):
    path = stops(["a", "b", "c"], ()) | {"probs": {"svm_c0.1": probs}}
    assert np.allclose(path["position"], [0, 0.5, 1, 1.5, 2]) and words in reading(path, path["headline"], "landslide")


def test_the_head_chosen_in_the_sidebar_is_followed(answering, open_page):
    at = open_page("balance", balance_view="interpolation", head="fc")
    assert not at.exception and any(m.value.startswith(("Between", "Fully connected")) for m in at.markdown)
    assert any("threshold of Fully connected" in m.value for m in at.markdown)


def test_every_choice_is_in_the_link(answering, open_page):
    run, _, asked = answering
    second = run.smote().query("fold == 1").iloc[3]
    at = open_page(
        "balance", balance_view="interpolation", balance_fold="1", balance_synthetic=str(second["synthetic"]),
        balance_interpolation_curve="margin", balance_interpolation_to="True", balance_interpolation_stretch="patch",
    )  # fmt: skip
    assert not at.exception and not at.error
    assert (asked[-1].fold, asked[-1].anchor, asked[-1].crossing) == (1, second["anchor"], True)
    assert at.query_params["balance_interpolation_curve"] == "margin"
    at.select_slider(key="balance_interpolation_stop").set_value(0).run()
    assert not at.exception and at.query_params["balance_interpolation_stop"] == "0"
