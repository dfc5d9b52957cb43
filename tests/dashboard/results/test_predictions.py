"""Patches with probabilities, from a run or a CSV, as every view of the Results page reads them."""

from __future__ import annotations

from dashboard.patches import outcomes
from dashboard.results import predictions
from dashboard.results.predictions import Predictions
from tests.dashboard.results.made import made_predictions


def test_a_head_of_a_run_has_the_runs_own_decisions(studio):
    run = studio.add_run(studio.add_dataset())
    summary, oof = run.summary(), run.oof()
    made = predictions.of_run(run, summary, oof, "fc")
    assert made.head == "fc" and made.n_folds == 3 and made.groups is not None
    cells = made.results().values["confusion"]
    assert cells == summary["heads"]["fc"]["confusion"]
    assert (made.table["outcome"] == outcomes.judged(oof, "fc")["outcome"]).all()
    assert "n = 60 patches, 15 landslide (positive class)" in made.basis and "whole groups" in made.basis


def test_folds_with_gaps_are_counted_without_them():
    made = made_predictions()
    table = made.table.assign(fold=made.table["fold"].map({0: 0, 1: 4, 2: 7}))
    again = Predictions("gaps", "made", "Made", "", made.class_names, table)
    assert again.n_folds == 3 and (again.fold_of == made.fold_of).all()


def test_one_patch_without_a_group_means_no_groups():
    made = made_predictions(groups=True)
    assert made.groups is not None
    table = made.table.copy()
    table.loc[3, "group"] = ""
    assert Predictions("one", "made", "Made", "", made.class_names, table).groups is None


def test_the_key_changes_with_the_files_it_was_read_from(studio):
    run = studio.add_run(studio.add_dataset())
    keys = set()
    for _ in range(2):
        keys.add(predictions.of_run(run, run.summary(), run.oof(), "fc").key)
    run.write_json("summary.json", run.summary() | {"warnings": ["new"]})
    keys.add(predictions.of_run(run, run.summary(), run.oof(), "fc").key)
    run.write_oof(run.oof().assign(group="one"))
    keys.add(predictions.of_run(run, run.summary(), run.oof(), "fc").key)
    run.write_status(state="succeeded", message="Progress of a job changes nothing.")
    keys.add(predictions.of_run(run, run.summary(), run.oof(), "fc").key)
    assert len(keys) == 3
