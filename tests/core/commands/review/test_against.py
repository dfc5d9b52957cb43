"""``core review RUN --against OTHER``: what one head has right that another has wrong, and the patches as a file."""

import csv

import pytest

from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")


def test_another_head_and_another_run_are_compared(trained_run, tmp_path):
    asked = ("review", trained_run.name, "--checkpoints", trained_run.checkpoints, "--against")
    out = tmp_path / "all.csv"
    found = core_json(*asked, "fc", "--csv", out)["against"]
    oof = trained_run.oof()
    right, before = oof["pred_svm_c0.1"] == oof["label"], oof["pred_fc"] == oof["label"]
    counts = found["counts"]
    assert (counts["fixed"], counts["broken"]) == ((right & ~before).sum(), (~right & before).sum())
    assert found["n"] == len(oof) == sum(counts.values()) and found["labels"] is None
    rows = list(csv.DictReader(out.read_text("utf-8").splitlines()))
    assert {row["id"] for row in rows if row["cell"] == "fixed"} == set(oof["id"][right & ~before])
    assert {row["fold_a"] for row in rows} == {"1", "2"}
    said = core(*asked, trained_run.name).stdout
    assert "Fixed (only A is right): 0. Broken (only B is right): 0." in said
    assert "The heads of" in core_error(*asked, "nowhere")


def test_a_file_of_patches_needs_another_run(trained_run, tmp_path):
    asked = ("review", trained_run.name, "--checkpoints", trained_run.checkpoints, "--csv", tmp_path / "x.csv")
    assert "Name OTHER too" in core_error(*asked) and not (tmp_path / "x.csv").exists()
