"""Where in the patch, measured on a tiny run with a mask head: what is kept, what is offered, and what is refused."""

import shutil

import numpy as np
import pytest

from core.analyses.attention.checks import VERSION as CHECKED
from core.analyses.attention.maps import file_name
from core.analyses.where import ANALYSIS, distance, on_patch, read, report_of
from core.errors import ConfigError, RunError
from core.progress import drain
from core.workers.model_server import ModelCache


@pytest.fixture(scope="module")
def run(outlined_run_copy):
    return outlined_run_copy


@pytest.fixture(scope="module")
def found(run):
    assert read(run) is None and report_of(run) is None
    with pytest.raises(RunError, match="not measured yet"):
        on_patch(run, {"patch": "p000"}, ModelCache())
    steps = []
    drain(ANALYSIS.start(run, {"patches": 12, "stride": 8}), steps.append)
    assert all(0 <= a.share <= b.share <= 1 for a, b in zip(steps, steps[1:], strict=False))
    return read(run)


def test_every_way_is_measured_beside_its_rivals(found):
    report = found.report
    assert (report["n"], report["n_eligible"], report["n_folds"], report["hw"]) == (12, 16, 2, [32, 32])
    assert set(report["ways"]) == {"outline", "attention", "occlusion", "crops", "windows"}
    assert set(report["rivals"]) == {"random", "centre"}
    assert report["mask_share"] == pytest.approx(report["rivals"]["random"]["pointing"]["value"])
    assert report["rivals"]["random"]["iou"]["value"] == pytest.approx((10 / 32) ** 2)  # one square of 10 pixels each
    for one in report["ways"].values():
        assert 0 <= one["pointing"]["lo"] <= one["pointing"]["value"] <= one["pointing"]["hi"] <= 1
        assert set(one["gain"]) == {"random", "centre"} and set(one["thresholds"]) == {"0", "1"}
        assert one["offered"] == (one["why_not"] == "")
    cells = {way: one["cell_px"] for way, one in report["ways"].items()}
    assert (cells["occlusion"], cells["crops"], cells["windows"]) == (8.0, 16.0, 32.0)
    assert cells["outline"] < 8 and cells["attention"] <= 8


def test_the_outline_head_finds_the_squares_and_is_offered(found):
    outline = found.report["ways"]["outline"]
    assert outline["pointing"]["value"] > 0.9 and outline["iou"]["value"] > 0.4 and outline["offered"]
    assert found.report["best"] == "outline" and "Outline head" in found.report["message"]
    every = found.report["every_patch"]
    assert every["n"] == 48 and every["n_positive"] == 16 and 0.3 < every["iou"]["value"] <= 1


def test_attention_is_not_offered_before_its_sanity_checks(found):
    attention = found.report["ways"]["attention"]
    assert not attention["offered"] and found.report["attention"]["verdict"] is None
    if attention["better"]:
        assert attention["why_not"] == "Its sanity checks have not been run."


@pytest.mark.parametrize(("word", "reason"), [("trusted", ""), ("lies", "Its sanity checks did not pass.")])
def test_attention_is_offered_as_soon_as_its_checks_pass(run, found, word, reason):
    own, results = found.report["attention"], run.results("where")
    kept = results.json("report.json")
    kept["ways"]["attention"]["better"] = True
    results.write_json("report.json", kept)
    checked = run.results("attention_checks").part(file_name(own["method"], own["layer"]))
    checked.write_json("report.json", {"version": CHECKED, "made": "2026", "verdict": {"word": word}})
    assert report_of(run)["ways"]["attention"]["why_not"] == reason
    assert report_of(run)["attention"]["verdict"] == word
    shutil.rmtree(checked.path)


def test_rows_and_maps_belong_together(run, found):
    patches, maps = found.patches, found.maps
    assert len(patches) == 12 and maps["outline"].shape == (12, 32, 32) and maps["outline"].dtype == np.uint8
    first = patches.iloc[0]
    answer = on_patch(run, {"patch": first["id"], "ways": ["outline"]}, ModelCache())
    assert answer["fold"] == first["fold"]
    assert np.abs(answer["maps"]["outline"] - maps["outline"][0] / 255).max() < 0.5 / 255 + 1e-5
    with pytest.raises(RunError, match="'attention' is not offered"):
        on_patch(run, {"patch": first["id"], "ways": ["attention"]}, ModelCache())


def test_a_run_without_masks_is_refused(trained_run):
    with pytest.raises(ConfigError, match="has no masks"):
        ANALYSIS.check(trained_run, ANALYSIS.options({}))
    with pytest.raises(ConfigError, match="has no masks"):
        drain(ANALYSIS.start(trained_run, {}))


def test_distances_are_told_in_metres_where_a_pixel_is_known():
    assert distance(3.4, 10.0) == "3 pixels (34 m)" and distance(1.0, None) == "1 pixel"
