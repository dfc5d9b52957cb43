"""The Balance page: every state of a run, and which views it offers."""

import pytest


@pytest.mark.parametrize("state", [None, "queued", "running", "failed", "succeeded"])
def test_every_state_is_drawn(studio, open_page, state):
    dataset = studio.add_dataset()
    if state:
        studio.add_run(dataset, state)
    at = open_page("balance")
    assert not at.exception and not at.error and at.title[0].value == "Balance"


def test_without_a_dataset_the_next_step_is_a_button(studio, open_page):
    at = open_page("balance")
    assert not at.exception and "Make the demo dataset" in [b.label for b in at.button]


@pytest.mark.parametrize("state", ["running", "failed"])
def test_what_asks_the_networks_is_offered_for_finished_runs_only(studio, open_page, state):
    studio.add_run(studio.add_dataset(), state)
    at = open_page("balance", balance_view="interpolation")
    assert not at.exception and not at.error and not at.select_slider


@pytest.mark.parametrize("view", ["interpolation", "neighbours", "realism", "audit"])
def test_every_view_of_a_finished_run_is_drawn(answering, open_page, view):
    at = open_page("balance", balance_view=view)
    assert not at.exception and not at.error
    assert at.segmented_control(key="balance_view").value == view
