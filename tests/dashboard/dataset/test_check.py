"""Check and X-ray: what was found is shown with its patches, excluded with a way back, and kept out of training."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from core.data import exclusions
from core.data.exclusions import read_exclusions
from core.runs.store import list_runs
from dashboard.dataset import leakage


def opened(open_page, view: str):
    """The Dataset page at one of its views."""
    at = open_page("dataset")
    at.session_state["dataset_view"] = view
    return at.run()


def checked(studio, open_page, view: str):
    at = opened(open_page, view)
    if view == "X-ray":
        at.button(key="empty_Look for leaks").click().run()
    assert not studio.ended("check").error
    return at.run()


def test_the_check_shows_pairs_and_excludes_what_is_chosen_with_a_way_back(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = checked(studio, open_page, "Check")
    assert not at.exception and any("worth knowing" in w.value for w in at.warning)
    place = next(i for i, words in enumerate(at.selectbox(key="check_row").options) if "more than once" in words)
    at.selectbox(key="check_row").select_index(place).run()
    assert not at.exception and any("2 pairs, page 1 of 1" in c.value for c in at.caption)
    at.checkbox(key="check_out_identical_P000_P060").check().run()
    at.button(key=f"check_{place}_exclude").click().run()
    assert not at.exception and "1 patches excluded" in at.success[0].value
    table = read_exclusions(path)
    assert table["id"].tolist() == ["P060"] and table["reason"].tolist() == ["Patches occur more than once"]
    at.button(key="exclusions_undo_last").click().run()
    assert not at.exception and not len(read_exclusions(path))


@pytest.mark.parametrize("view", ["Check", "X-ray"])
def test_names_that_try_to_be_markup_are_shown_as_written(studio, open_page, view):
    studio.add_hostile()
    at = checked(studio, open_page, view)
    assert not at.exception
    for element in (*at.caption, *at.markdown, *at.warning, *at.info, *at.success):
        assert not re.search(r"(?<!\\)(<img|\]\(javascript|!\[o)", element.value), element.value


def test_excluded_patches_are_told_on_the_train_page(studio, open_page):
    path = studio.add_placed()
    exclusions.add(path, ["P003", "P004"], "a reason")
    at = open_page("train")
    assert not at.exception and any("2 patches on the exclusion list" in m.value for m in at.markdown)


def test_a_run_begun_from_the_xray_keeps_pairs_together_and_leaves_out_what_is_excluded(studio, open_page):
    path = studio.add_placed(doubled=True)
    busy = studio.busy_lane(path)
    at = checked(studio, open_page, "X-ray")
    at.checkbox(key="xray_all").check().run()
    at.button(key="xray_exclude").click().run()
    at.button(key="xray_train").click().run()
    assert not at.exception and at.title[0].value == "Train"
    written = at.text_area(key="train_demo_overrides").value
    assert written == "folds.group_by=groups\nfolds.on_leak=group"

    at = open_page("train")
    at.session_state[f"train_view_{busy.name}"] = "new"
    at.run()
    at.text_area(key="train_demo_overrides").set_value(written)
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and not at.error
    config = next(run for run in list_runs(studio.checkpoints) if run.name != busy.name).config()
    assert config.data.exclude == ("P060", "P061")
    assert (config.folds.group_by, config.folds.on_leak) == ("groups", "group")


def test_the_xray_finds_pairs_across_the_split_and_says_so(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = checked(studio, open_page, "X-ray")
    assert not at.exception and "2 of them lie on both sides of the split" in at.error[0].value
    assert {m.label: m.value for m in at.metric}["Identical pairs"] == "2"
    at.checkbox(key="xray_all").check().run()
    at.button(key="xray_exclude").click().run()
    assert not at.exception and read_exclusions(path)["id"].tolist() == ["P060", "P061"]


def test_without_pairs_the_xray_says_that_nothing_can_leak(studio, open_page):
    studio.add_placed()
    at = checked(studio, open_page, "X-ray")
    assert not at.exception and "No two patches show the same ground" in at.success[0].value


def test_f1_with_and_without_grouping_stands_with_the_interval_of_the_difference(studio, open_page):
    studio.add_placed(doubled=True)
    at = checked(studio, open_page, "X-ray")
    at.button(key="cost_begin").click().run()
    task = studio.ended("leak cost")
    assert not task.error and set(task.result["metric"]) == {"f1", "auc"}
    at.run()
    assert not at.exception and any("paired bootstrap over whole groups" in c.value for c in at.caption)


def test_one_of_each_pair_leaves_no_pair_whole():
    table = pd.DataFrame({"a": ["p", "p", "q"], "b": ["q", "r", "s"]})
    out = leakage.one_of_each_pair(table)
    assert out == ["q", "r"] and all(a in out or b in out for a, b in zip(table["a"], table["b"], strict=True))
