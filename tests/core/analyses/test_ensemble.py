"""The job that makes an ensemble, its command, and what they refuse."""

import json

import numpy as np
import pytest

from core.analyses.ensemble import ANALYSIS
from core.data import uploads
from core.errors import ConfigError, RunError, UnsafeFileError
from core.runs.targets import CheckpointsTarget
from tests.builders import returned
from tests.command_line import core, core_error, core_json
from tests.core.ensembles.made import add_run, labels_of, leaning, write_csv

pytestmark = pytest.mark.usefixtures("jobs_here")

N = 90


@pytest.fixture
def home(tmp_path):
    labels = labels_of(N)
    add_run(tmp_path, {"svm": leaning(labels, 0.7, 1)}, labels)
    write_csv(tmp_path / "eva.csv", leaning(labels, 0.8, 3), fold=np.arange(N) % 3, ENet=leaning(labels, 0.9, 4))
    return tmp_path


def run_in(home):
    return next(path.name for path in home.iterdir() if (path / "config.json").exists())


def test_the_commands_make_an_ensemble_and_answer_with_it(home):
    run, eva = run_in(home), home / "eva.csv"
    asked = ["ensemble", run, f"{eva}:prob", f"{eva}:ENet", "--out", "three", "--checkpoints", home]
    found = core_json(*asked)
    assert found["ensemble"] == "three" and found["method"] == "stack" and found["oof"]["n"] == N
    assert [one["key"] for one in found["members"]] == [f"{run}:svm", "eva_prob", "eva_ENet"]
    assert found["best_member"] in found["differences"] and set(found["heads"]) >= {"stack", "average", "eva_ENet"}
    assert "There is an ensemble 'three' already" in core_error(*asked)

    write_csv(home / "new.csv", [0.9, 0.1], ["a", "b"], eva=[0.8, 0.2])
    (home / "Test.csv").write_text("ID\nb\na\n")
    answers = [f"1={home / 'new.csv'}", f"eva_prob={home / 'new.csv'}:eva", f"3={home / 'new.csv'}"]
    told = core_json("ensemble-predict", "three", *answers, "--out", home / "p.csv", "--checkpoints", home)
    assert (told["n"], told["n_positive"], told["n_no_answer"]) == (2, 1, 0)
    header = (home / "p.csv").read_text().splitlines()[0]
    assert header == f"id,prob,pred,prob_{run}:svm,prob_eva_prob,prob_eva_ENet"
    core("ensemble-predict", "three", *answers, "--out", home / "s.csv", "--submission", home, "--checkpoints", home)
    assert (home / "s.csv").read_text() == "ID,label\nb,0\na,1\n"
    assert "can be submitted" in core("check-submission", home / "s.csv", home / "Test.csv").stdout
    wrong = core_error("ensemble-predict", "three", str(home / "new.csv"), "--out", "x.csv", "--checkpoints", home)
    assert "does not say whose answers these are" in wrong


def test_uploads_are_used_once_and_nothing_else_is_taken_for_one(home):
    with (home / "eva.csv").open("rb") as file:
        folder = uploads.keep([uploads.Upload("eva.csv", file, (".csv",))], home)
    (path,) = uploads.files_in(folder)
    target = CheckpointsTarget(home)
    options = {"members": [run_in(home), f"{path}:prob"], "uploaded": True, "title": "up"}
    done = returned(ANALYSIS.start(target, options))
    assert done["ensemble"] == "up" and not folder.exists() and "stack of 2 members" in done["message"]
    json.dumps(done)
    with pytest.raises(UnsafeFileError, match="no upload"):
        returned(ANALYSIS.start(target, options | {"members": [run_in(home), str(home / "eva.csv")]}))
    assert (home / "eva.csv").exists()


def test_a_relative_path_holds_for_a_worker_elsewhere(home, monkeypatch):
    monkeypatch.chdir(home)
    options = ANALYSIS.options({"members": ["eva.csv:ENet", "run:svm", "eva.csv"], "dataset": "d.h5"})
    assert options.members == (f"{home / 'eva.csv'}:ENet", "run:svm", str(home / "eva.csv"))
    assert options.dataset == str(home / "d.h5")


def test_what_cannot_be_combined_is_refused_before_it_is_queued(home):
    with pytest.raises(ConfigError, match="at least 2"):
        ANALYSIS.options({"members": ["one"]})
    with pytest.raises(ConfigError, match="is named twice"):
        ANALYSIS.options({"members": ["one", "one"]})
    with pytest.raises(RunError, match="There is no run 'nobody'"):
        returned(ANALYSIS.start(CheckpointsTarget(home), {"members": [run_in(home), "nobody"]}))
    assert "There is no folder or file" in core_error("ensemble", run_in(home), "missing.csv", "--checkpoints", home)
