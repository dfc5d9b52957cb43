"""Leakage: pairs and what divides them, excluded or kept together in training, and what leakage adds to scores."""

from __future__ import annotations

import re

import pandas as pd

from core.analyses.datasets import leakage as analysis
from core.data import exclusions
from core.data.exclusions import read_exclusions
from core.data.leakage.split_audit import leaks_path
from core.progress import drain
from core.runs.store import list_runs
from dashboard.dataset import leakage

NAME = analysis.ANALYSIS.name


def opened(open_page):
    """The Dataset page at its Leakage view."""
    return open_page("dataset", dataset_view="leakage")


def searched(studio, open_page, path, **options):
    """The same, after leaks were looked for."""
    drain(analysis.ANALYSIS.start(studio.dataset_target(path), {"scores": False, **options}))
    return opened(open_page)


def test_the_button_starts_a_job_whose_pairs_are_shown(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = opened(open_page)
    assert not at.exception and at.header[0].value == "This dataset has not been checked for leakage yet"
    at.button(key="empty_Look for leaks").click().run()
    assert not at.exception and studio.answered(studio.dataset_target(path), NAME)["state"] == "succeeded"
    at.run()
    assert not at.exception and "Identical (2)" in at.button_group(key="leakage_kind").options


def test_pairs_that_the_split_divides_are_an_error_and_can_be_excluded(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = searched(studio, open_page, path)
    assert not at.exception and "2 of them lie across the split" in at.error[0].value
    at.checkbox(key="leakage_all").check().run()
    at.button(key="leakage_exclude").click().run()
    assert not at.exception and read_exclusions(path)["id"].tolist() == ["P060", "P061"]


def test_where_nothing_could_be_written_beside_the_dataset_the_results_are_shown(studio, open_page):
    path = studio.add_placed(doubled=True)
    searched(studio, open_page, path)
    leaks_path(path).unlink()
    at = opened(open_page)
    assert not at.exception and "Identical (2)" in at.button_group(key="leakage_kind").options


def test_a_run_begun_from_the_view_keeps_pairs_together_and_leaves_out_what_is_excluded(studio, open_page):
    path = studio.add_placed(doubled=True)
    busy = studio.busy_lane(path)
    at = searched(studio, open_page, path)
    at.checkbox(key="leakage_all").check().run()
    at.button(key="leakage_exclude").click().run()
    at.button(key="leakage_train").click().run()
    assert not at.exception and at.title[0].value == "Train"
    written = at.text_area(key="train_demo_overrides").value
    assert written == "folds.group_by=groups\nfolds.on_leak=group"

    at = open_page("train", train_view="new")
    at.text_area(key="train_demo_overrides").set_value(written)
    at.button(key="train_start").click().run()
    assert not at.exception and not at.error
    config = next(run for run in list_runs(studio.checkpoints) if run.name != busy.name).config()
    assert config.data.exclude == ("P060", "P061")
    assert (config.folds.group_by, config.folds.on_leak) == ("groups", "group")


def test_without_pairs_the_view_says_that_nothing_can_leak(studio, open_page):
    at = searched(studio, open_page, studio.add_placed())
    assert not at.exception and "No two patches show the same ground" in at.success[0].value


def test_names_that_try_to_be_markup_are_shown_as_written(studio, open_page):
    run = studio.add_hostile()
    at = searched(studio, open_page, run.dataset_path())
    assert not at.exception
    for element in (*at.caption, *at.markdown, *at.warning, *at.info, *at.success):
        assert not re.search(r"(?<!\\)(<img|\]\(javascript|!\[o)", element.value), element.value


def test_the_effect_on_scores_is_measured_with_the_folds_that_were_chosen(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = searched(studio, open_page, path)
    at.number_input(key="leakage_scores_n_splits").set_value(3)
    at.button(key="FormSubmitter:leakage_scores_form-Measure").click().run()
    assert not at.exception and studio.answered(studio.dataset_target(path), NAME)["state"] == "succeeded"
    found = analysis.read(studio.dataset_target(path))
    assert set(found.scores["metric"]) == {"f1", "auc"} and found.report["options"]["n_splits"] == 3
    at.run()
    assert not at.exception and any("3-fold cross-validation" in c.value for c in at.caption)
    exclusions.add(path, ["P060"], "a copy")
    assert any("before the last change" in c.value for c in at.run().caption)


def test_one_of_each_pair_leaves_no_complete_pair():
    table = pd.DataFrame({"a": ["p", "p", "q"], "b": ["q", "r", "s"]})
    out = leakage.one_of_each_pair(table)
    assert out == ["q", "r"] and all(a in out or b in out for a, b in zip(table["a"], table["b"], strict=True))
