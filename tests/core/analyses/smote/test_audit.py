"""The audit of synthetic patches: what it counts, what it makes again, what noise tells of the protocols."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analyses.smote.audit import audit_smote, lineage_in_validation, noise_labels
from core.analyses.smote.control_run import other_protocol, twin_of
from core.config import preset
from core.data.normalise import fit_normaliser
from core.flow.fold import _lineage, balance
from core.flow.run_context import prepare
from core.runs.store import create_run
from tests.builders import TINY


def balanced(folder, dataset, *settings):
    """A run that stands where its folds have been balanced, and is called finished."""
    run = create_run(folder, preset("demo").with_overrides([*TINY, *settings]), dataset, " ".join(settings))
    plan = prepare(run)
    for fold in range(plan.folds.n_splits):
        train = plan.folds.train(fold)
        normaliser = fit_normaliser(plan.images[train], "standard", plan.band_names)
        run.write_normaliser(fold, normaliser.to_json())
        run.write_smote(fold, _lineage(plan, *balance(plan, normaliser.transform(plan.images), train), fold))
    run.write_json("summary.json", {"oof": {"f1": 0.5, "n": 48, "f1_interval": [0.4, 0.6]}})
    run.write_status(state="succeeded")
    return run


def audited(run):
    *_, last = audit_smote(run)
    assert run.smote_audit()["ok"] == last.fields["ok"]
    return last.fields


@pytest.mark.parametrize("method", ["ssim", "plain", "random"])
def test_a_run_that_kept_to_its_folds_passes(tiny_dataset, tmp_path, method):
    found = audited(balanced(tmp_path, tiny_dataset, f"smote.method={method}"))
    assert found["ok"] and found["n_leaking"] == 0 and found["n_synthetic"] > 0 and found["twin"] is None
    assert [row["same"] for row in found["pixels"]] == [True, True] and found["max_error"] <= 1e-6


def test_the_papers_way_is_found_out(tiny_dataset, tmp_path):
    found = audited(balanced(tmp_path, tiny_dataset, "smote.protocol=before_folds"))
    assert not found["ok"] and found["n_leaking"] > 0
    assert all(row["same"] for row in found["pixels"]) and found["max_error"] <= 1e-6


def test_a_lineage_that_was_tampered_with_is_found_out(tiny_dataset, tmp_path):
    run = balanced(tmp_path, tiny_dataset)
    lineage = run.smote()
    mine = lineage[lineage["fold"] == 0].copy()
    mine.loc[mine.index[0], "anchor_weight"] = 0.123
    run.write_smote(0, mine)
    found = audited(run)
    assert not found["ok"] and [row["same"] for row in found["pixels"]] == [False, True]
    mine.loc[mine.index[0], "neighbour"] = run.folds()["folds"][0][0]
    run.write_smote(0, mine)
    found = audited(run)
    assert found["n_leaking"] == 1 and found["leaking"][0]["why"] == "in validation"


def test_a_parent_in_no_fold_is_told():
    lineage = pd.DataFrame({"fold": [0], "synthetic": ["s"], "anchor": ["b"], "neighbour": ["stranger"]})
    assert lineage_in_validation(lineage, [["a"], ["b"]])["why"].tolist() == ["in no fold"]


def test_the_twin_differs_in_the_protocol_alone(tiny_dataset, tmp_path):
    run = balanced(tmp_path, tiny_dataset)
    balanced(tmp_path, tiny_dataset, "smote.protocol=before_folds", "smote.k_neighbors=2")
    assert twin_of(run) is None
    twin = balanced(tmp_path, tiny_dataset, "smote.protocol=before_folds")
    assert twin_of(run).name == twin.name and twin_of(twin).name == run.name
    assert other_protocol(other_protocol(run.config())) == run.config()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_on_noise_labels_only_the_honest_protocol_finds_nothing(seed):
    f1 = noise_labels(seed)["f1"]
    assert f1["folds_over_all"] == pytest.approx(0.96, abs=0.015)
    assert f1["before_folds"] == pytest.approx(0.83, abs=0.05)
    assert f1["inside_fold"] < 0.06
    assert np.isfinite(list(f1.values())).all()
