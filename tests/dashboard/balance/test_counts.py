"""Class counts before and after balancing, by fold and by group."""

import numpy as np
import pytest

from core.data.store import open_dataset
from dashboard.balance import counts


def test_counts_tell_training_parts_before_and_after(studio):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    data = open_dataset(dataset)
    table = counts.fold_counts(data, run.folds(), run.smote())
    assert table["fold"].tolist() == [0, 1, 2]
    for row in table.itertuples():
        mine = set(run.folds()["folds"][row.fold])
        train = np.array([name not in mine for name in data.ids])
        assert row.landslide == (data.labels[train] == 1).sum() and row.other == (data.labels[train] == 0).sum()
        assert row.synthetic == (run.smote()["fold"] == row.fold).sum()
    assert (table["leaked"] == 0).all() and (table["after"] > table["before"]).all()


def test_a_parent_in_the_validation_part_is_counted_as_leaking(studio):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    lineage = run.smote()
    of_fold = lineage.index[lineage["fold"] == 0][0]
    lineage.loc[of_fold, "neighbour"] = run.folds()["folds"][0][0]
    table = counts.fold_counts(open_dataset(dataset), run.folds(), lineage)
    assert table["leaked"].tolist() == [1, 0, 0]


def test_groups_add_up_to_the_fold(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    whole = counts.fold_counts(data, run.folds(), run.smote()).iloc[1]
    table = counts.group_counts(data, run.folds(), run.smote(), 1)
    assert table["synthetic"].sum() == whole["synthetic"] and table["other"].sum() == whole["other"]
    assert table["landslide"].sum() == whole["landslide"] and table["synthetic"].is_monotonic_decreasing
    mine = set(run.folds()["folds"][1])
    held = {str(group) for group, name in zip(data.groups, data.ids, strict=True) if name in mine}
    assert not held & set(table["group"])  # groups stay together, and the lineage stays inside
    one = table.iloc[0]
    assert one["after"] == pytest.approx(
        (one["landslide"] + one["synthetic"]) / (one["landslide"] + one["synthetic"] + one["other"])
    )


def test_counts_by_group_are_on_the_page(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("balance")
    assert not any("groups in the training part" in c.value for c in at.caption)  # not drawn while it is closed
    at.session_state["balance_groups"] = True
    at.run()
    assert not at.exception and any("groups in the training part of fold 1" in c.value for c in at.caption)
