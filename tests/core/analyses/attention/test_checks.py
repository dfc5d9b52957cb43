"""Attention sanity checks over a whole tiny run: what is kept and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from core.analyses.attention.checks import ANALYSIS, layers_of, read, reports
from core.errors import ConfigError, RunError
from core.explain.checks.faithfulness import RIVALS
from core.explain.checks.position import PLACES
from core.progress import drain
from core.runs.store import create_run
from tests.builders import make_tiny, returned


@pytest.fixture(scope="module")
def run(trained_run_copy):
    return trained_run_copy


@pytest.fixture(scope="module")
def checked(run):
    """The steps, what the analysis returned, and the check that it kept."""
    assert read(run) is None and reports(run) == {}
    steps = []
    result = drain(ANALYSIS.start(run, {"patches": 16, "seeds": 2, "compared": 4}), steps.append)
    return steps, result, read(run, result["check"])


def test_runs_say_how_their_maps_were_made(run):
    _, maps, card = run.cams()
    assert card["method"] == "xgradcam"  # a ResNet's blocks end in a ReLU
    assert card["silent"]["n"] == len(maps) == 48


def test_progress_rises_and_the_result_is_the_verdict(checked):
    steps, result, check = checked
    assert all(0 <= a.share <= b.share <= 1 for a, b in zip(steps, steps[1:], strict=False))
    assert result["message"] == check.report["verdict"]["sentence"]
    assert check.report["layer"] in result["message"]


def test_the_report_holds_every_check(checked):
    report, tables = checked[2].report, checked[2].tables
    assert [one["name"] for one in report["verdict"]["findings"]] == [
        "alive", "faithful", "beyond_picture", "every_fold", "learnt", "in_place",
    ]  # fmt: skip
    assert report["n_tested"] == 16 and report["silent"]["n"] == 48
    assert set(report["faithfulness"]) == {"road", "deletion", "insertion"}
    assert {row["test"] for row in report["movement"]} == {"roll", "flip", "inset"}
    assert {row["place"] for row in report["places"]} == set(PLACES)
    assert len(report["faithfulness_by_fold"]) == 2
    patches, curves, stages = (tables[name] for name in ("patches", "curves", "randomised"))
    assert len(patches) == 48 and patches["road_map"].notna().sum() == 16
    assert curves["mean"].between(0, 1).all() and set(curves["rival"]) == set(RIVALS)
    assert stages["stage"].is_monotonic_increasing and (stages["ssim"] <= 1).all()


def test_reports_with_fewer_rivals_are_not_shown(checked, run):
    results = run.results(ANALYSIS.name).part("old")
    results.write_json("report.json", {key: value for key, value in checked[2].report.items() if key != "version"})
    assert "old" not in reports(run) and read(run).name == checked[1]["check"]


def test_every_patch_is_checked_by_the_fold_that_has_not_seen_it(checked, run):
    folds = {str(i): k for k, ids in enumerate(run.folds()["folds"]) for i in ids}
    patches = checked[2].tables["patches"]
    assert (patches["fold"].to_numpy() == np.array([folds[i] for i in patches["id"]])).all()


def test_another_layer_is_kept_next_to_the_first_and_is_now_the_newest(checked, run):
    layer = layers_of(run)[0].name
    options = {"layer": layer, "method": "gradcam", "patches": 5, "seeds": 1, "compared": 2}
    name = returned(ANALYSIS.start(run, options))["check"]
    known = reports(run)
    assert {name, checked[1]["check"]} <= set(known) and known[name]["layer"] == layer
    assert list(known)[0] == read(run).name


def test_maps_that_say_nothing_are_caught(run):
    one_cell = layers_of(run)[-1].name.replace("layer3", "layer4")  # 1x1 for patches of 32 px
    options = {"layer": one_cell, "patches": 6, "seeds": 1, "compared": 2}
    report = read(run, returned(ANALYSIS.start(run, options))["check"]).report
    assert report["silent"]["dead"] + report["silent"]["constant"] == 1.0
    assert report["verdict"]["word"] == "lies" and "constant" in report["verdict"]["sentence"]


def test_what_cannot_be_checked_is_said(run, tmp_path):
    with pytest.raises(ConfigError, match="no layer"):
        returned(ANALYSIS.start(run, {"layer": "backbone.layer9", "patches": 5}))
    with pytest.raises(ConfigError, match="Attention sanity checks.*method: Input should be 'xgradcam'"):
        ANALYSIS.start(run, {"method": "magic"})
    with pytest.raises(ConfigError, match="patches: Input should be greater than or equal to 5"):
        ANALYSIS.start(run, {"patches": 4})
    with pytest.raises(RunError, match="no attention check named 'x'"):
        read(run, "x")
    waiting = create_run(tmp_path, run.config(), Path(run.job()["dataset"]), "waiting")
    with pytest.raises(RunError, match="not finished"):
        returned(ANALYSIS.start(waiting))


def test_a_dataset_that_has_changed_is_refused(run):
    path = Path(run.job()["dataset"])
    kept = path.read_bytes()
    path.unlink()
    make_tiny(path, seed=9)
    try:
        with pytest.raises(RunError, match="has changed"):
            returned(ANALYSIS.start(run, {"patches": 5}))
    finally:
        path.write_bytes(kept)
