"""What can be chosen: layers with a living map, methods, classes, and any patch that was judged."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.explain import pickers


def test_layers_come_from_the_network_with_their_size(explained_run):
    layers = pickers.layers(explained_run)
    assert explained_run.cams()[2]["layer"] in [layer["name"] for layer in layers if layer["alive"]]
    assert all(layer["rows"] >= 1 and layer["columns"] >= 1 for layer in layers)


@pytest.mark.parametrize(
    ("name", "words"),
    [("backbone.layer3", "backbone.layer3"), ("backbone.sar.layer2", "SAR branch: layer2"),
     ("backbone.optical.x", "Optical branch: x")],
)  # fmt: skip
def test_a_layer_of_a_branch_is_named_by_it(name, words):
    assert pickers.layer_words(name) == words


def test_a_network_that_cannot_be_loaded_is_a_sentence(run, open_page):
    at = open_page("explain", timeout=90, run=run.name)
    at.toggle(key="explain_make_maps").set_value(True).run()  # the made-up run has no weights
    assert not at.exception and at.error


def picked():
    import pandas as pd
    import streamlit as st

    from dashboard.explain.pickers import patch_picker

    facts = {"label": 1, "fold": 0, "prob": 0.4, "outcome": "FN", "confidence": 0.1, "loss": [0.2, 0.9]}
    st.write("picked", patch_picker(pd.DataFrame({"id": ["easy", "hard"], **facts})))


def test_the_worst_mistake_is_offered_first_and_a_link_names_another():
    assert AppTest.from_function(picked).run().selectbox[0].value == "hard"
    at = AppTest.from_function(picked)
    at.query_params["explain_patch"] = "easy"
    assert at.run().selectbox[0].value == "easy" and not at.warning


def test_a_patch_that_was_not_judged_gives_the_first_with_a_warning():
    at = AppTest.from_function(picked)
    at.session_state["explain_patch"] = "<b>nobody</b>"
    at.run()
    assert at.selectbox[0].value == "hard"
    assert "has no out-of-fold decision on a patch" in at.warning[0].value and "\\<b" in at.warning[0].value


def test_the_patch_of_a_dataset_that_was_left_gives_the_first_without_a_word():
    at = AppTest.from_function(picked)
    at.query_params["explain_patch"], at.session_state["explain_patch"] = "elsewhere", "elsewhere"
    assert at.run().selectbox[0].value == "hard" and not at.warning
