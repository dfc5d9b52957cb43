"""The whole way through with an epoch that is chosen: what is held back stays out of the balance and the training."""

import json

import numpy as np
import pandas as pd

from core.config import preset
from core.flow.fold import hold_back
from core.flow.run_context import prepare
from core.io.safetensors_file import load_arrays
from core.pipeline import train_run
from core.runs.store import create_run
from tests.builders import TINY, make_tiny

QUICK = (
    *TINY, "embed.method=pca", "heads.svm_C=[0.1]", "heads.head=fc", "heads.lgbm=false", "heads.logreg=false",
)  # fmt: skip


def trained(folder, dataset, *settings):
    run = create_run(folder, preset("demo").with_overrides([*QUICK, *settings]), dataset, "run")
    for _ in train_run(run):
        pass
    return run, json.loads((run.path / "summary.json").read_text())


def test_patches_held_back_to_choose_an_epoch_are_no_parents_of_synthetics(tiny_dataset, tmp_path):
    run, summary = trained(tmp_path, tiny_dataset, "train.select=inner", "train.patience=1")
    plan = prepare(run)
    for fold, card in enumerate(summary["folds"]):
        assert 0 < card["n_inner"] < card["n_train"] / 2
        history = run.fold_history(fold)
        assert history["select_f1"].notna().all() and history["best_epoch"].iloc[-1] >= 1
        held = set(plan.dataset.ids[hold_back(plan, plan.folds.train(fold))[1]])
        lineage = pd.read_parquet(run.fold_path(fold) / "smote.parquet")
        assert len(lineage) == card["n_synthetic"] > 0 and len(held) == card["n_inner"]
        assert not held & {*lineage["anchor"], *lineage["neighbour"]}
    assert not any("epoch of each fold was chosen" in text for text in summary["warnings"])


def test_an_epoch_chosen_on_the_validation_fold_is_warned_of(tiny_dataset, tmp_path):
    run, summary = trained(
        tmp_path, tiny_dataset, "train.select=fold_best", "augment.rotation=20", "augment.noise=0.02"
    )
    assert any("chosen by its F1 on that fold's validation part" in text for text in summary["warnings"])
    for fold in range(2):
        history = run.fold_history(fold)
        assert history["select_f1"].equals(history["val_f1"])


def test_folds_that_keep_another_runs_backbone_frozen_differ_in_their_last_layer_alone(tiny_dataset, tmp_path):
    first, _ = trained(tmp_path / "a", tiny_dataset, "train.epochs=1")
    weights = f"model.weights={first.fold_path(0)}"
    settings = ("model.weights_fit=matching", "train.trainable=head", "train.class_weight=balanced")
    run, _ = trained(tmp_path / "b", make_tiny(tmp_path / "other.h5", seed=5), weights, *settings)
    cards = [run.fold_card(fold)["weights"] for fold in range(2)]
    assert cards[0] == cards[1] and cards[0]["matched"] > 0 and not cards[0]["mismatched"]
    assert cards[0]["source"] == f"{first.name}/fold_0"
    one, two, source = (load_arrays(r.fold_path(k) / "model.safetensors") for r, k in ((run, 0), (run, 1), (first, 0)))
    differ = {name for name in one if not np.array_equal(one[name], two[name])}
    assert differ == {"classifier.weight", "classifier.bias"}
    assert all(np.array_equal(one[name], source[name]) for name in one if name.startswith("backbone."))
