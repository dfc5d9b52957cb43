"""Which models have not seen the parents of a synthetic patch, and the share that they miss."""

import numpy as np
import pandas as pd

from core.analyses.smote.held_out_models import assign_models, missed_share


def test_only_models_of_the_parents_folds_are_asked_and_never_the_synthetics_own():
    lineage = pd.DataFrame(
        {
            "synthetic": ["s0", "s1", "s2"], "fold": [0, 0, 1], "anchor": ["a", "a", "a"],
            "neighbour": ["b", "c", "z"], "anchor_weight": 0.5,
        }
    )  # fmt: skip
    assigned = assign_models(lineage, {"a": 1, "b": 1, "c": 2, "z": 0})
    assert assigned[["synthetic", "model", "seen"]].to_numpy().tolist() == [
        ["s0", 1, 0],
        ["s1", 1, 1],
        ["s1", 2, 1],
        ["s2", 0, 1],
    ]
    assert assign_models(lineage.head(0), {}).empty


def test_models_of_a_run_were_not_trained_on_what_they_are_said_not_to_have_seen(balanced_run):
    oof = balanced_run.oof()
    fold_of = dict(zip(oof["id"].astype(str), oof["fold"], strict=True))
    assigned = assign_models(balanced_run.smote(), fold_of)
    assert len(assigned)
    for row in assigned.itertuples():
        training = {str(i) for k, ids in enumerate(balanced_run.folds()["folds"]) if k != row.model for i in ids}
        assert len({row.anchor, row.neighbour} & training) == row.seen and row.model != row.fold


def test_shares_of_missed_patches_have_their_interval():
    share = missed_share(np.full(40, 0.6), np.repeat([0, 1], [10, 30]), np.arange(40) // 2)
    assert share["share"] == 0.25 and 0.05 < share["interval"][0] < 0.25 < share["interval"][1] < 0.6
    assert missed_share(np.zeros(0), np.zeros(0), np.zeros(0))["share"] is None
