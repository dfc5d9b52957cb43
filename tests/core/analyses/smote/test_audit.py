"""The audit of synthetic patches: what it counts, what it recomputes, what noise tells of the protocols."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from core.analyses.smote import audit
from core.analyses.smote.audit import ANALYSIS, lineage_in_validation, noise_labels, read
from core.errors import ConfigError
from tests.builders import returned


@pytest.fixture(scope="module", autouse=True)
def noise_is_drawn_once():
    """What noise tells depends on the seed alone, which is the same in all these audits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "noise_labels", functools.cache(noise_labels))
        yield


def audited(run):
    """The report that an audit keeps."""
    result = returned(ANALYSIS.start(run))
    report = read(run)
    assert result["ok"] == report["ok"] and result["n_leaking"] == report["n_leaking"]
    assert "have a parent in validation" in result["message"]
    return report


def test_before_the_audit_there_is_no_report_and_a_senseless_seed_is_refused(make_balanced):
    run = make_balanced()
    assert read(run) is None
    with pytest.raises(ConfigError, match="seed"):
        ANALYSIS.start(run, {"seed": -1})


@pytest.mark.parametrize("method", ["ssim", "plain", "random"])
def test_a_run_that_kept_to_its_folds_passes(make_balanced, method):
    found = audited(make_balanced(f"smote.method={method}"))
    assert found["ok"] and found["n_leaking"] == 0 and found["n_synthetic"] > 0 and found["twin"] is None
    assert [row["same"] for row in found["pixels"]] == [True, True] and found["max_error"] <= 1e-6


def test_the_papers_way_is_found_out(make_balanced):
    found = audited(make_balanced("smote.protocol=before_folds"))
    assert not found["ok"] and found["n_leaking"] > 0
    assert all(row["same"] for row in found["pixels"]) and found["max_error"] <= 1e-6


def test_a_lineage_that_was_tampered_with_is_found_out(make_balanced):
    run = make_balanced()
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


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_on_noise_labels_only_the_honest_protocol_finds_nothing(seed):
    f1 = noise_labels(seed)["f1"]
    assert f1["folds_over_all"] == pytest.approx(0.96, abs=0.015)
    assert f1["before_folds"] == pytest.approx(0.83, abs=0.05)
    assert f1["inside_fold"] < 0.06
    assert np.isfinite(list(f1.values())).all()
