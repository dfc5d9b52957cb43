"""FAULTS 32: people on one server see their own choices, and looking again and again needs no more memory."""

import gc

import psutil
import pytest

from core.errors import LandslideLensError
from tests.builders import make_run


@pytest.fixture
def two(studio):
    """Two datasets with a run each."""
    return studio.add_run(studio.add_dataset("hills")), make_run(studio.checkpoints, studio.add_dataset("coast"))


@pytest.mark.fault(32)
def test_two_people_on_different_datasets_never_see_each_others_choice(two, open_page):
    tabs = [open_page("runs", run=run.name) for run in two]
    for turn in range(4):
        for at, run in zip(tabs, two, strict=True):
            at.run()
            assert not at.exception and at.session_state["run"] == run.name, turn
            assert at.session_state["dataset"] == run.dataset_path().stem
    tabs[0].session_state["review_note"] = "mine"
    tabs[1].run()
    assert "review_note" not in tabs[1].session_state


@pytest.mark.slow
@pytest.mark.fault(32)
def test_memory_levels_off_over_two_hundred_reruns(two, open_page):
    at, process = open_page("results", run=two[0].name), psutil.Process()
    for _ in range(40):
        at.run()
    gc.collect()
    before = process.memory_info().rss
    for _ in range(200):
        at.run()
    gc.collect()
    assert not at.exception and process.memory_info().rss < 1.10 * before


@pytest.mark.fault(32)
def test_a_tab_that_is_closed_in_the_middle_leaves_nothing_half_done(two, open_page, monkeypatch):
    from core.runs import labels

    at = open_page("runs", run=two[0].name)
    monkeypatch.setattr(labels, "write_label", _broken)
    at.button(key="sidebar_run_star").click()
    at.run()
    assert not labels.label_of(two[0]).starred and not at.exception
    monkeypatch.undo()


def _broken(*args, **kwargs):
    raise LandslideLensError("The tab is gone.")
