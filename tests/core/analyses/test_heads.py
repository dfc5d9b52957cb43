"""The comparison of heads of a finished run: from its stored embeddings alone, kept beside it, shown by a command."""

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core.analyses import heads
from core.config import RunConfig
from core.errors import ConfigError, RunError
from core.evaluate.judge import judge_head
from core.flow.refitted_heads import refit_scores
from core.heads import save_heads
from core.heads.base import LinearHead
from core.heads.fold import FittedHeads, HeadSet, fit_on_embeddings
from core.progress import drain
from core.runs.store import create_run, open_run
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

N, D, K, M = 90, 6, 3, 12
CONFIG = RunConfig().with_overrides(["folds.n_splits=3", "heads.svm_C=[1.0,0.1]", "heads.lgbm=false"])
FC = LinearHead("fc", np.zeros(D), np.ones(D), np.ones(D), np.asarray(-1.0))


def made_run(checkpoints, unlabelled=5):
    """A finished run whose networks are left out: embeddings of N patches, some unlabelled, and heads on them."""
    rng = np.random.default_rng(0)
    run = create_run(checkpoints, CONFIG, checkpoints / "gone.h5", "spec")
    labels = (np.arange(N) % 3 == 0).astype(np.int8)
    labels[:unlabelled] = -1
    fold_of = np.where(labels < 0, -1, np.arange(N) // 3 % K)
    scores = np.zeros((K, N))
    for k in range(K):
        embeddings = (rng.normal(size=(N, D)) + 0.8 * (labels == 1)[:, None]).astype(np.float32)
        train, val = np.flatnonzero((fold_of >= 0) & (fold_of != k)), np.flatnonzero(fold_of == k)
        synthetic = (rng.normal(size=(M, D)) + 0.8).astype(np.float32)
        fitted = FittedHeads({"fc": FC}, {"fc": FC.decision(embeddings)})
        fitted |= fit_on_embeddings(embeddings, train, synthetic, labels, HeadSet.of(CONFIG.heads))
        run.write_embeddings(k, {"embeddings": embeddings, "logits": np.zeros((N, 2), np.float32)})
        run.write_head_rows(k, train, val, labels, synthetic)
        run.write_scores(k, fitted.scores)
        save_heads(run.heads_path(k), fitted.heads)
        run.write_fold_card(k, {"n_synthetic": M, "left_out": {}})
        scores[k] = fitted.scores["svm_c0.1"]
    known = np.flatnonzero(fold_of >= 0)
    groups = np.array([f"g{i // 3}" for i in known])
    table = {"id": [f"p{i}" for i in known], "label": labels[known], "fold": fold_of[known], "group": groups}
    run.write_oof(pd.DataFrame(table))
    judged = judge_head(
        labels[known], scores[fold_of[known], known], fold_of[known], groups, threshold="best_f1", is_log_odds=False
    )
    facts = judged.metrics | {"intervals": judged.intervals}
    by_head = {"svm_c0.1": facts, "stats_svm": facts}
    folds = [{"fold": k, "heads": {name: judged.folds[k] for name in by_head}} for k in range(K)]
    run.write_json("summary.json", {"run": run.name, "heads": by_head, "oof": facts, "folds": folds, "differences": {}})
    run.write_status(state="succeeded")
    return run


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def run(original, tmp_path):
    shutil.copytree(original.path, tmp_path / original.name)
    return open_run(tmp_path, original.name)


def compared(run, **options):
    """The table after the analysis, and its steps; options that are not given: nothing is fitted."""
    steps = []
    nothing = {"Cs": (), "lgbm": False, "logreg": False}
    drain(heads.ANALYSIS.start(run, nothing | options), steps.append)
    return heads.read(run), steps


def rows_of(table):
    return {row["head"]: row for row in table.rows}


def test_the_runs_own_heads_stand_there_without_fitting_anything(run):
    rows = rows_of(heads.compare_heads(run))
    assert (*rows,) == ("fc", "svm_c1", "svm_c0.1", "logreg", "stats_svm")
    own = run.summary()["heads"]["svm_c0.1"]
    assert rows["svm_c0.1"]["oof"]["f1"] == own["f1"] and rows["svm_c0.1"]["oof"]["interval"] == own["intervals"]["f1"]
    assert not any(row["refitted"] for row in rows.values()) and len(rows["svm_c1"]["gamma"]) == K
    assert rows["stats_svm"]["train"]["f1"] is None and rows["stats_svm"]["oof"]["f1"] == own["f1"]
    assert heads.read(run) is None
    assert compared(run)[0] == heads.compare_heads(run)


def test_a_head_is_fitted_on_the_rows_of_the_run_and_judged_on_both_sides(run):
    table, _ = compared(run, Cs=(0.3,), gammas=(0.05,))
    row = rows_of(table)["svm_c0.3_g0.05"]
    for k in range(K):
        rows, embeddings = run.head_rows(k), run.embeddings(k)["embeddings"].astype(np.float64)
        x = np.concatenate([embeddings[rows["train"]], rows["synthetic"]])
        y = np.concatenate([rows["labels"][rows["train"]], np.ones(M)])
        model = make_pipeline(StandardScaler(), SVC(C=0.3, gamma=0.05)).fit(x, y)
        assert np.abs(refit_scores(run, k)["svm_c0.3_g0.05"] - model.decision_function(embeddings)).max() < 1e-6
    assert row["refitted"] and row["gamma"] == [0.05] * K and row["oof"]["n"] == N - 5
    for k, fold in enumerate(row["folds"]):
        assert fold["n_train"] == len(run.head_rows(k)["train"]) and fold["n_val"] == len(run.head_rows(k)["val"])
        assert fold["gap"] == pytest.approx(fold["train_f1"] - fold["f1"])
    assert row["gap"]["f1"] == pytest.approx(row["train"]["f1"] - row["oof"]["f1"])
    assert row["gap"]["interval"][0] < row["gap"]["f1"] < row["gap"]["interval"][1]


def test_training_f1_is_that_of_the_decisions_which_judge_the_held_out_part(run):
    """A head of one feature whose rule can be followed by hand: fc, whose score is a log-odds as it stands."""
    row = rows_of(heads.compare_heads(run))["fc"]
    judged = {k: run.scores(k)["fc"] for k in range(K)}
    labels, fold_of = run.head_rows(0)["labels"], np.full(N, -1)
    for k in range(K):
        fold_of[run.head_rows(k)["val"]] = k
    known = fold_of >= 0
    oof = np.stack(list(judged.values()))[fold_of[known], np.flatnonzero(known)]
    rule = judge_head(labels[known], oof, fold_of[known], None, threshold="best_f1", is_log_odds=True).rule
    for k, fold in enumerate(row["folds"]):
        train = run.head_rows(k)["train"]
        cut = np.log(rule.thresholds[k] / (1 - rule.thresholds[k]))
        assert fold["train_f1"] == pytest.approx(f1_score(labels[train], judged[k][train] >= cut))


def test_a_second_analysis_adds_to_the_first_and_fits_nothing_twice(run):
    first, steps = compared(run, Cs=(0.3,))
    assert [step.share for step in steps] == pytest.approx([0, 1 / 3, 2 / 3, 1.0])
    second, steps = compared(run, Cs=(0.3, 0.1), lgbm=True, logreg=True)
    assert "1 heads" in steps[0].message and "lgbm" in steps[0].message  # 0.3 was fitted before, the others are its own
    assert (*rows_of(second),)[-2:] == ("svm_c0.3", "lgbm")
    assert rows_of(second)["svm_c0.3"] == rows_of(first)["svm_c0.3"] and second == heads.compare_heads(run)
    _, steps = compared(run, Cs=(0.3,), lgbm=True)
    assert len(steps) == 1


def test_the_defaults_are_table_3(run):
    table, _ = compared(run, **heads.HeadsOptions().model_dump())
    assert set(rows_of(table)) == {"fc", "svm_c1", "svm_c0.75", "svm_c0.5", "svm_c0.1", "lgbm", "logreg", "stats_svm"}
    known = [row for row in table.rows if row["head"] != "stats_svm"]
    assert all(0 <= row["oof"]["f1"] <= 1 and np.isfinite(row["gap"]["f1"]) for row in known)
    assert not table.notes and not table.left_out


def test_nothing_of_the_run_is_changed(run):
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    compared(run, **heads.HeadsOptions().model_dump())
    assert {path: path.read_bytes() for path in before} == before
    added = {path for path in run.path.rglob("*") if path.is_file()} - set(before)
    assert {path.relative_to(run.path / "analyses" / "heads").parts[0] for path in added} == {
        "report.json", "fold_0", "fold_1", "fold_2",
    }  # fmt: skip


def test_a_head_that_cannot_be_fitted_is_named_with_its_reason_and_the_others_stand(run):
    rows = run.head_rows(1)
    labels = rows["labels"].copy()
    labels[rows["train"]] = 0
    run.write_head_rows(1, rows["train"], rows["val"], labels, np.zeros((0, D), np.float32))
    table, _ = compared(run, Cs=(0.3,), lgbm=True)
    assert set(table.left_out) == {"svm_c0.3", "lgbm"} and "Fold 2: " in table.left_out["lgbm"]
    assert "0 landslides" in table.left_out["svm_c0.3"] and set(rows_of(table)) >= {"fc", "svm_c0.1"}


def test_a_run_of_an_earlier_version_is_shown_and_swept_and_says_what_it_lacks(run):
    for k in range(K):
        for name in ("scores.safetensors", "head_rows.safetensors"):
            (run.fold_path(k) / name).unlink()
    labelled = run.oof()
    with pytest.raises(Exception, match=r"gone\.h5"):  # unlabelled patches: which rows are they?
        heads.compare_heads(run)
    for k in range(K):
        arrays = run.embeddings(k)
        run.write_embeddings(k, {name: values[5:] for name, values in arrays.items()})
    table, _ = compared(run, Cs=(0.3,))
    rows = rows_of(table)
    assert set(rows) == {"fc", "svm_c1", "svm_c0.1", "logreg", "stats_svm", "svm_c0.3"}
    assert rows["svm_c0.1"]["oof"]["f1"] == run.summary()["heads"]["svm_c0.1"]["f1"]
    assert rows["svm_c0.3"]["oof"]["n"] == len(labelled) and "real patches alone" in table.notes[0]


def test_a_run_with_a_gamma_of_its_own_tells_the_usual_one_apart(run):
    (run.path / "config.json").write_text(CONFIG.with_overrides(["heads.svm_gamma=0.01"]).to_json())
    table, _ = compared(run, Cs=(1.0,))
    assert {"svm_c1", "svm_c1_gscale"} <= set(rows_of(table))


def test_an_unfinished_run_and_impossible_numbers_are_refused(run):
    for options in ({"Cs": (0.0,)}, {"Cs": (-1.0,)}, {"gammas": (float("nan"),)}, {"gammas": ("auto",)}):
        with pytest.raises(ConfigError, match="positive number"):
            heads.ANALYSIS.options(options)
    run.write_status(state="running")
    with pytest.raises(RunError, match="has not finished"):
        compared(run)


def test_the_command_shows_the_heads_and_fits_what_is_asked_for(run):
    arguments = ("heads", run.name, "--checkpoints", run.path.parent)
    shown = core(*arguments, "--C", "0.3", "--gamma", "0.01", "--gamma", "scale", "--lgbm").stdout
    assert "svm_c0.3_g0.01" in shown and "gap by fold" in shown and "n = 85" in shown
    value = core_json(*arguments)
    assert {"run", "heads", "differences", "table", "left_out", "notes"} == set(value)
    assert {"svm_c0.3", "svm_c0.3_g0.01", "lgbm"} <= {row["head"] for row in value["table"]}
    for wrong in (["--gamma", "0.1"], ["--C", "1", "--gamma", "x"]):
        assert core_error(*arguments, *wrong)
