"""What a run holds of one patch is what its tables and networks say of it."""

import numpy as np
import pandas as pd
import pytest

from core.data.store import open_dataset
from core.flow.fold_rows import fold_rows
from core.flow.one_patch import answers_of, learners_of, losses_of, made_from
from core.runs.store import RunFolder
from tests.trained_runs import copied


def test_the_own_folds_answers_are_the_out_of_fold_ones_and_the_others_have_trained_on_it(trained_run):
    oof, ids = trained_run.oof(), open_dataset(trained_run.dataset_path()).ids.tolist()
    for mine in oof.iloc[[0, 7]].to_dict("records"):
        row, fold = ids.index(mine["id"]), mine["fold"]
        table = answers_of(trained_run, row, fold)
        assert table.columns.tolist() == [0, 1] and table.notna().all(axis=None)
        for head in table.index:
            assert table.loc[head, fold] == pytest.approx(mine[f"prob_{head}"], abs=1e-6)
        assert learners_of(trained_run, row) == [1 - fold]


def test_the_last_loss_of_the_fold_that_held_it_out_is_that_of_its_kept_network(trained_run):
    labels = open_dataset(trained_run.dataset_path()).labels
    for fold in (0, 1):
        logits = trained_run.embeddings(fold)["logits"].astype(float)
        for row in fold_rows(trained_run, fold).val[:4]:
            losses = losses_of(trained_run, int(row), int(labels[row]), fold)
            own = losses[losses["held_out"]]
            assert own["fold"].unique().tolist() == [fold]
            odds = logits[row, 1] - logits[row, 0]
            expected = np.logaddexp(0, -odds if labels[row] == 1 else odds)
            assert own["loss"].iloc[-1] == pytest.approx(expected, rel=0.01, abs=2e-3)  # kept as float16
            assert (losses["loss"] >= 0).all()


def test_a_run_of_an_earlier_version_has_no_losses(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    for fold in (0, 1):
        (run.fold_path(fold) / "epoch_answers.safetensors").unlink()
    assert losses_of(run, 0, 1, 0).empty


def test_synthetic_patches_by_hand(tmp_path):
    run = RunFolder(tmp_path)
    rows = [(0, "s0", "a", "b", 0.75, 0.4, 0), (0, "s1", "c", "a", 0.75, 0.2, 0), (0, "s2", "b", "c", 0.5, 0.1, 0)]
    run.write_smote(0, pd.DataFrame(rows, columns=list(run.smote().columns)))
    run.write_smote(1, pd.DataFrame([(1, "s3", "a", "a", 1.0, np.nan, 0)], columns=list(run.smote().columns)))
    made = made_from(run, "a")
    assert made["synthetic"].tolist() == ["s3", "s0", "s1"]
    assert made["other"].tolist() == ["", "b", "c"] and made["weight"].tolist() == [1.0, 0.75, 0.25]
    assert made_from(run, "z").empty


def test_every_synthetic_patch_has_both_its_parents(balanced_run):
    lineage = balanced_run.smote()
    ids = pd.unique(lineage[["anchor", "neighbour"]].astype(str).to_numpy().ravel())
    made = pd.concat([made_from(balanced_run, name) for name in ids])
    weights = made.groupby("synthetic")["weight"].sum()
    assert len(weights) == len(lineage) and np.allclose(weights, 1.0)
