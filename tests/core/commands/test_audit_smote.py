"""``python -m core audit smote``: the report as JSON, its exit status, and what it prints for people."""

import shutil

import pytest

from core.commands.audit_smote import audit_text
from core.jobs.analysis_folder import list_for
from core.runs.store import RunFolder
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

REPORT = {
    "run": "r", "method": "ssim", "protocol": "inside_fold", "n_synthetic": 9, "n_leaking": 1, "ok": False,
    "pixels": [{"fold": 0, "n": 9, "same": False, "max_error": 6e-7, "note": ""},
               {"fold": 1, "n": 0, "same": None, "max_error": None, "note": "no synthetic patches"}],
    "noise": {"n": 1400, "n_features": 128, "f1": {"before_folds": 0.8, "inside_fold": 0.01}},
    "twin": None, "twin_difference": [],
}  # fmt: skip


def test_the_text_names_leaks_folds_and_protocols():
    text = audit_text(REPORT)
    assert "validation part: 1 of 9" in text and "fold 1: 9 patches, another draw" in text
    assert "fold 2: 0 patches, no synthetic patches" in text and "inside_fold 0.01" in text
    assert "There is no control run" in text
    row = {"head": "fc", "metric": "f1", "leaking": 0.9, "honest": 0.7, "difference": 0.2, "lo": 0.1, "hi": 0.3, "n": 9}
    assert "difference +0.2000 [+0.1000, +0.3000]" in audit_text(REPORT | {"twin": "t", "twin_difference": [row]})


@pytest.mark.slow
def test_it_follows_jobs_and_prints_their_reports(balanced_run, tmp_path):
    """In this process: tests/core/commands/test_demo.py does both analyses in processes of their own."""
    run = RunFolder(tmp_path / balanced_run.name)
    shutil.copytree(balanced_run.path, run.path)
    report = core_json("audit", "smote", run.name, "--realism", "--seed", 1, "--checkpoints", tmp_path)
    assert report["ok"] and report["n_leaking"] == 0 and report["noise"]["seed"] == 1
    assert report["realism"]["verdict"]["level"] and "sentence" in report["realism"]["verdict"]
    assert [len(list_for(run, name)) for name in ("smote_audit", "smote_realism")] == [1, 1]
    lineage = run.smote()
    mine = lineage[lineage["fold"] == 0].copy()
    mine.loc[mine.index[0], "neighbour"] = run.folds()["folds"][0][0]
    run.write_smote(0, mine)
    answer = core("audit", "smote", run.name, "--checkpoints", tmp_path, check=False)
    assert answer.returncode == 1 and "1 of" in answer.stdout and "did not pass" in answer.stderr


def test_an_unknown_run_is_a_sentence(tmp_path):
    assert "nobody" in core_error("audit", "smote", "nobody", "--checkpoints", tmp_path)
