"""How realistic synthetic patches are: who may judge, what is measured, what is said of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analyses.registry import steps
from core.analyses.smote.fold_minority import FoldLandslides
from core.analyses.smote.held_out_models import judges_of, missed
from core.analyses.smote.realism import RealismOptions, study_realism
from core.analyses.smote.verdict import verdict
from core.commands.audit import _realism_words
from core.errors import ConfigError, RunError
from core.predict.training_dataset import training_dataset
from core.runs.store import RunFolder


@pytest.fixture(scope="module")
def run(balanced_run_copy):
    return balanced_run_copy


@pytest.fixture(scope="module")
def found(run):
    *_, last = steps(run, "realism", {"per_fold": 80})
    assert last.stage == "done" and last.fields["sentence"]
    return run.smote_realism()


def test_only_models_of_the_parents_folds_may_judge_and_never_the_synthetics_own():
    lineage = pd.DataFrame(
        {
            "synthetic": ["s0", "s1", "s2"], "fold": [0, 0, 1], "anchor": ["a", "a", "a"],
            "neighbour": ["b", "c", "z"], "anchor_weight": 0.5,
        }
    )  # fmt: skip
    found = judges_of(lineage, {"a": 1, "b": 1, "c": 2, "z": 0})
    assert found[["synthetic", "judge", "seen"]].to_numpy().tolist() == [
        ["s0", 1, 0],
        ["s1", 1, 1],
        ["s1", 2, 1],
        ["s2", 0, 1],
    ]
    assert judges_of(lineage.head(0), {}).empty


def test_judges_of_a_run_have_not_learnt_from_what_they_are_said_not_to_have_seen(run, found):
    table, oof = found[0], run.oof()
    fold_of = dict(zip(oof["id"].astype(str), oof["fold"], strict=True))
    for row in judges_of(table, fold_of).itertuples():
        learnt = {str(i) for k, ids in enumerate(run.folds()["folds"]) if k != row.judge for i in ids}
        assert len({row.anchor, row.neighbour} & learnt) == row.seen and row.judge != row.fold


def test_distances_and_detail_are_those_of_the_patches(run, found):
    table, _ = found
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


def test_noise_is_blurred_as_theory_says_and_found_out_by_its_detail(found):
    table, report = found  # the patches of this test are noise but for a square
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


def test_the_report_says_who_judged_and_on_how_many(run, found):
    table, report = found
    assert report["n"] == len(table) <= report["n_synthetic"] == len(run.smote()) and report["folds"] == 3
    judged = report["judged"]
    assert judged["head"] == "svm_c0.1" and judged["neither parent"]["n"] > 0 and judged["one parent"]["n"] > 0
    oof = run.oof()
    used = oof[oof["id"].isin({*table["anchor"], *table["neighbour"]})]
    assert judged["real"]["share"] == pytest.approx(1 - used["pred_svm_c0.1"].mean())
    words = "\n".join(_realism_words(report))
    assert "neither parent" in words and "AUC" in words


def test_the_paper_s_protocol_leaves_nobody_to_judge(run, found):
    config = run.config()
    run.write_text("config.json", config.with_overrides(["smote.protocol=before_folds"]).to_json())
    try:
        *_, last = study_realism(run, RealismOptions(per_fold=5))
    finally:
        run.write_text("config.json", config.to_json())
    assert last.fields["judged"] is None
    assert any("none can judge" in reason for reason in last.fields["verdict"]["reasons"])


def test_a_run_without_synthetics_and_senseless_options_are_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="per_fold"):
        list(study_realism(run, RealismOptions(per_fold=0)))
    import shutil

    shutil.copytree(run.path, tmp_path / "bare")
    for path in (tmp_path / "bare").glob("fold_*/smote.parquet"):
        pd.read_parquet(path).head(0).to_parquet(path)
    with pytest.raises(RunError, match="no synthetic"):
        list(study_realism(RunFolder(tmp_path / "bare")))


def test_shares_of_missed_patches_have_their_interval():
    found = missed(np.full(40, 0.6), np.repeat([0, 1], [10, 30]), np.arange(40) // 2)
    assert found["share"] == 0.25 and 0.05 < found["interval"][0] < 0.25 < found["interval"][1] < 0.6
    assert missed(np.zeros(0), np.zeros(0), np.zeros(0))["share"] is None


REPORT = {
    "two_sample": {"statistics": {"auc": 0.52, "lo": 0.45, "hi": 0.6, "p": 0.3}, "real_against_real": {"auc": 0.5}},
    "detail": {"kept": {"value": 0.97, "interval": [0.95, 0.99]}},
    "judged": None,
    "distance": {"pixels": None},
}  # fmt: skip


@pytest.mark.parametrize(
    ("auc", "p", "level"),
    [
        (0.52, 0.3, "alike"),
        (0.58, 1e-4, "slight"),
        (0.7, 1e-4, "unlike"),
        (0.93, 1e-9, "plain"),
        (None, None, "unknown"),
    ],
)
def test_the_verdict_follows_the_test(auc, p, level):
    one = {"auc": auc, "lo": 0.4, "hi": 0.6, "p": p}
    assert verdict(REPORT | {"two_sample": {"statistics": one}})["level"] == level


def test_the_verdict_tells_what_gives_them_away():
    two = {"statistics": REPORT["two_sample"]["statistics"], "detail": {"auc": 0.9, "lo": 0.8, "hi": 0.95, "p": 1e-6}}
    detail = {"kept": {"value": 0.6, "interval": [0.5, 0.7]}}
    said = verdict(REPORT | {"two_sample": two, "detail": detail})
    assert "bands' fine detail" in said["sentence"] and any("blurs" in reason for reason in said["reasons"])
    assert "hardly blurred" in " ".join(verdict(REPORT)["reasons"])
