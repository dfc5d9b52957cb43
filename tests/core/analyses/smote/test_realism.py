"""How realistic synthetic patches are: what is measured, and which options are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analyses.smote.fold_minority import FoldLandslides
from core.analyses.smote.realism import ANALYSIS, read
from core.commands.audit_smote import realism_lines
from core.errors import ConfigError, RunError
from core.predict.training_dataset import training_dataset
from core.runs.store import RunFolder
from tests.builders import returned


@pytest.fixture(scope="module")
def run(balanced_run_copy):
    return balanced_run_copy


@pytest.fixture(scope="module")
def measured(run):
    assert read(run) is None
    result = returned(ANALYSIS.start(run, {"per_fold": 80}))
    measured = read(run)
    assert result["message"] == measured.report["verdict"]["sentence"]
    return measured


def test_distances_and_detail_are_those_of_the_patches(run, measured):
    table = measured.patches
    mine = table[table["fold"] == 1]
    real = FoldLandslides.of(run, training_dataset(run), 1)
    for row in mine.head(4).itertuples():
        a, b = real.at([row.anchor, row.neighbour])
        made = row.anchor_weight * real.patches[a] + (1 - row.anchor_weight) * real.patches[b]
        distance = np.sqrt(((real.patches - made) ** 2).mean(axis=(1, 2, 3)))
        assert row.pixels_any == pytest.approx(distance.min(), rel=1e-4)
        assert row.pixels_others == pytest.approx(np.delete(distance, [a, b]).min(), rel=1e-4)
        of_anchor = np.sqrt(((real.patches - real.patches[a]) ** 2).mean(axis=(1, 2, 3)))
        assert row.pixels_anchor == pytest.approx(np.sort(of_anchor)[1], rel=1e-4)
    assert (table["embedding_any"] <= table["embedding_others"] + 1e-9).all()


def test_noise_is_blurred_as_theory_says_and_found_out_by_its_detail(measured):
    table, report = measured.patches, measured.report  # the patches of this test are noise but for a square
    gap = table["detail_kept"] - table["detail_expected"]
    assert gap.abs().median() < 0.08
    assert (
        report["detail"]["kept"]["interval"][0]
        <= report["detail"]["kept"]["value"]
        <= report["detail"]["kept"]["interval"][1]
    )
    assert report["two_sample"]["detail"]["auc"] > 0.9 and report["verdict"]["level"] in ("unlike", "plain")
    control = report["two_sample"]["real_against_real"]
    assert control["auc"] is None or control["lo"] <= 0.5 <= control["hi"]


def test_the_report_says_which_models_were_asked_and_on_how_many(run, measured):
    table, report = measured.patches, measured.report
    assert report["n"] == len(table) <= report["n_synthetic"] == len(run.smote()) and report["folds"] == 3
    shares = report["judged"]
    assert shares["head"] == "svm_c0.1" and shares["neither parent"]["n"] > 0 and shares["one parent"]["n"] > 0
    oof = run.oof()
    used = oof[oof["id"].isin({*table["anchor"], *table["neighbour"]})]
    assert shares["real"]["share"] == pytest.approx(1 - used["pred_svm_c0.1"].mean())
    text = "\n".join(realism_lines(report))
    assert "neither parent" in text and "AUC" in text


def test_the_paper_s_protocol_leaves_no_model_held_out(run, measured):
    config = run.config()
    run.write_text("config.json", config.with_overrides(["smote.protocol=before_folds"]).to_json())
    try:
        returned(ANALYSIS.start(run, {"per_fold": 5}))
    finally:
        run.write_text("config.json", config.to_json())
    report = read(run).report
    assert report["judged"] is None and report["options"]["per_fold"] == 5
    assert any("none is held out" in reason for reason in report["verdict"]["reasons"])


def test_a_run_without_synthetics_and_senseless_options_are_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="per_fold"):
        ANALYSIS.start(run, {"per_fold": 0})
    import shutil

    shutil.copytree(run.path, tmp_path / "bare")
    for path in (tmp_path / "bare").glob("fold_*/smote.parquet"):
        pd.read_parquet(path).head(0).to_parquet(path)
    with pytest.raises(RunError, match="no synthetic"):
        returned(ANALYSIS.start(RunFolder(tmp_path / "bare")))
