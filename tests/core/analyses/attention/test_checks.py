"""The lie detector over a whole tiny run: what is written, what is printed, what is refused."""

from pathlib import Path

import numpy as np
import pytest

from core.analyses.attention.checks import Options, check_attention, layers_of
from core.errors import ConfigError, RunError
from core.explain.checks.position import PLACES
from core.runs.store import create_run
from tests.builders import make_tiny
from tests.command_line import core_json


@pytest.fixture(scope="module")
def run(trained_run_copy):
    return trained_run_copy


@pytest.fixture(scope="module")
def checked(run):
    steps = list(check_attention(run, Options(patches=16, seeds=2, compared=4)))
    return steps, run.attention_checks()[steps[-1].fields["check"]], run.attention_check(steps[-1].fields["check"])


def test_runs_say_how_their_maps_were_made(run):
    _, maps, card = run.cams()
    assert card["method"] == "xgradcam"  # a ResNet's blocks end in a ReLU
    assert card["silent"]["n"] == len(maps) == 48


def test_progress_is_told_and_ends_with_the_verdict(checked):
    steps, report, _ = checked
    assert all(0 <= a.progress <= b.progress <= 1 for a, b in zip(steps, steps[1:], strict=False))
    assert steps[-1].stage == "done" and steps[-1].message == report["verdict"]["sentence"]
    assert report["layer"] in report["verdict"]["sentence"]


def test_the_report_holds_every_check(checked):
    _, report, tables = checked
    assert [one["name"] for one in report["verdict"]["findings"]] == [
        "alive", "faithful", "every_fold", "learnt", "in_place",
    ]  # fmt: skip
    assert report["n_tested"] == 16 and report["silent"]["n"] == 48
    assert set(report["faithfulness"]) == {"road", "deletion", "insertion"}
    assert {row["test"] for row in report["movement"]} == {"roll", "flip", "inset"}
    assert {row["place"] for row in report["places"]} == set(PLACES)
    assert len(report["faithfulness_by_fold"]) == 2
    patches, curves, stages = (tables[name] for name in ("patches", "curves", "randomised"))
    assert len(patches) == 48 and patches["road_map"].notna().sum() == 16
    assert curves["mean"].between(0, 1).all() and set(curves["rival"]) == {"map", "random", "moved"}
    assert stages["stage"].is_monotonic_increasing and (stages["ssim"] <= 1).all()


def test_every_patch_is_checked_by_the_fold_that_has_not_seen_it(checked, run):
    _, _, tables = checked
    folds = {str(i): k for k, ids in enumerate(run.folds()["folds"]) for i in ids}
    found = tables["patches"]
    assert (found["fold"].to_numpy() == np.array([folds[i] for i in found["id"]])).all()


def test_another_layer_is_kept_beside_the_first(checked, run):
    layers = layers_of(run)
    options = Options(layer=layers[0].name, method="gradcam", patches=4, seeds=1, compared=2)
    last = list(check_attention(run, options))[-1]
    reports = run.attention_checks()
    assert len(reports) >= 2 and reports[last.fields["check"]]["layer"] == layers[0].name


def test_maps_that_say_nothing_are_caught(run):
    one_cell = layers_of(run)[-1].name.replace("layer3", "layer4")  # 1x1 for patches of 32 px
    steps = list(check_attention(run, Options(layer=one_cell, patches=6, seeds=1, compared=2)))
    report = run.attention_checks()[steps[-1].fields["check"]]
    assert report["silent"]["dead"] + report["silent"]["constant"] == 1.0
    assert report["verdict"]["word"] == "lies" and "constant" in report["verdict"]["sentence"]


def test_what_cannot_be_checked_is_said(run, tmp_path):
    with pytest.raises(ConfigError, match="no layer"):
        list(check_attention(run, Options(layer="backbone.layer9", patches=4)))
    with pytest.raises(ConfigError, match="no attention method"):
        list(check_attention(run, Options(method="magic", patches=4)))
    waiting = create_run(tmp_path, run.config(), Path(run.job()["dataset"]), "waiting")
    with pytest.raises(RunError, match="not finished"):
        list(check_attention(waiting))


def test_a_dataset_that_has_changed_is_refused(run):
    path = Path(run.job()["dataset"])
    kept = path.read_bytes()
    path.unlink()
    make_tiny(path, seed=9)
    try:
        with pytest.raises(RunError, match="has changed"):
            list(check_attention(run, Options(patches=4)))
    finally:
        path.write_bytes(kept)


def test_the_command_line_checks_and_prints_one_object(run):
    asked = ("explain", run.name, "--checkpoints", run.path.parent, "--layers", "--checks", "--patches", "5")
    value = core_json(*asked)
    assert value["checks"] and value["layers"] and value["cam"]["n"] == 48
    assert all(report["verdict"]["word"] for report in value["checks"].values())
