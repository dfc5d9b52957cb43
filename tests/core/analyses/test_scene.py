"""A scene as a job: rasters and a report, refusals before anything is answered, and going on after a kill -9."""

import hashlib
import json
import os
import signal
import time

import numpy as np
import pytest
import rasterio

from core.analyses.scene import ANALYSIS, read
from core.errors import ConfigError, DataError, FormatError
from core.jobs import queue
from core.jobs.follow import follow
from core.predict.scene.rasters import KINDS, path_of
from core.progress import drain
from tests.command_line import core, core_error, core_json
from tests.core.data.readers.geo.test_raster import at, write
from tests.trained_runs import copied

RGB = ("red", "green", "blue")


def scene_file(path, pixels=None, names=RGB, shape=(80, 70), pixel=10.0, **profile):
    if pixels is None:
        pixels = np.random.default_rng(0).normal(100, 10, (3, *shape)).clip(1, 255).astype(np.uint8)
    profile = {"crs": "EPSG:32646", "transform": at(500_000, 2_500_000, pixel), **profile}
    write(path, pixels, names, **profile)
    return path


def answered(run, scene, out, tell=lambda step: None, **options):
    return drain(ANALYSIS.start(run, {"scene": str(scene), "out": str(out), **options}), tell)


def digests(out):
    return [hashlib.sha256(path_of(kind, out).read_bytes()).hexdigest() for kind in KINDS]


def test_a_scene_becomes_four_rasters_and_a_report(trained_run_copy, tmp_path):
    run, out = trained_run_copy, tmp_path / "new" / "p.tif"
    value = answered(run, scene_file(tmp_path / "s.tif"), out)
    assert all(
        (tmp_path / "new" / name).is_file() for name in ("p.tif", "p_disagreement.tif", "p_novelty.tif", "p_unseen.tif")
    )
    assert (value["out"], value["n_folds"], value["n_windows"], value["n_answered"]) == (str(out), 2, 4 * 4, 4 * 4)
    assert value["stride"] == 16 and value["warnings"] == [] and value["side"] == [32, 32]
    assert value["km2"]["all"] == pytest.approx(0.56, rel=1e-2) and value["km2"]["answered"] == value["km2"]["all"]
    with rasterio.open(out) as file:
        probability = file.read(1)
    assert value["pixels"]["landslide"] == (probability >= np.float32(value["threshold"])).sum()
    assert "Not seen: nothing, of 0.56" in value["message"] and list(read(run).values())[-1] == json.loads(
        json.dumps(value)
    )
    assert not list(run.path.rglob("stripe*"))


def test_a_scene_unlike_the_training_set_is_told_before_its_map_is_believed(trained_run_copy, tmp_path):
    run, pixels = trained_run_copy, np.random.default_rng(0).normal(100, 10, (3, 80, 70))
    usual = answered(run, scene_file(tmp_path / "u.tif", pixels.clip(1, 255).astype(np.uint8)), tmp_path / "u_p.tif")
    pixels[1, :, :] = 100
    steps = []
    scene = scene_file(tmp_path / "s.tif", pixels.clip(1, 255).astype(np.uint8))
    value = answered(run, scene, tmp_path / "p.tif", steps.append)
    assert not usual["novelty"]["is_off"] and usual["novelty"]["n"] == 16
    assert value["novelty"]["is_off"] and value["novelty"]["n_new"] == 16 and value["novelty"]["cause"] == "constant"
    assert "These windows are unlike" in value["warnings"][0] and value["warnings"][0] in value["message"]
    early = next(step for step in steps if step.event == "unlike")
    assert early.share < 0.03 and "green is (nearly) the same" in early.message
    for name, low, high in (("u", 0.1, 1.0), ("", 1 / 17 - 1e-6, 1 / 17 + 1e-6)):
        with rasterio.open(value["novelty_raster"] if not name else usual["novelty_raster"]) as file:
            p = file.read(1)
        assert low <= np.median(p) <= high and np.isfinite(p).all() and p.max() <= 1


def test_options_say_what_is_wrong_before_a_job_is_made(trained_run, tmp_path):
    scene = scene_file(tmp_path / "s.tif")
    with pytest.raises(ConfigError, match="out is p.png; accepted: a name that ends in .tif or .tiff"):
        ANALYSIS.options({"scene": str(scene), "out": "p.png"})
    with pytest.raises(FormatError, match="There is no folder or file .*none.tif"):
        ANALYSIS.check(trained_run, ANALYSIS.options({"scene": str(tmp_path / "none.tif"), "out": "p.tif"}))
    for out in ("s.tif", "x.tif"):
        scene_file(tmp_path / "x_unseen.tif")
        asked = {"scene": str(scene), "out": str(tmp_path / out), "also": [str(tmp_path / "x_unseen.tif")]}
        with pytest.raises(ConfigError, match="is read, and would be written over"):
            ANALYSIS.check(trained_run, ANALYSIS.options(asked))
    assert ANALYSIS.options({"scene": "s.tif", "out": "p.tif", "cloud_values": "3, 8"}).cloud_values == (3.0, 8.0)


def test_rasters_that_do_not_fit_are_refused_before_anything_is_answered(trained_run_copy, tmp_path):
    run, out = trained_run_copy, tmp_path / "p.tif"
    two = scene_file(tmp_path / "two.tif", np.ones((2, 40, 40), np.uint8), ("red", "nir"))
    with pytest.raises(FormatError, match="has no green, blue .two.tif: red, nir"):
        answered(run, two, out)
    numbers = scene_file(
        tmp_path / "dn.tif", np.random.default_rng(0).normal(1500, 300, (3, 80, 80)).astype(np.float32)
    )
    with pytest.raises(FormatError, match="red in 'DN' instead of '0-255'"):
        answered(run, numbers, out)
    with pytest.raises(FormatError, match="not in the units that run .* was trained on: red 1,0.* to 1,9"):
        answered(run, numbers, out, unit="0-255")
    small = scene_file(tmp_path / "small.tif", shape=(31, 90))
    with pytest.raises(FormatError, match="small.tif is 31x90 pixels, smaller than one patch of the run"):
        answered(run, small, out)
    empty = scene_file(tmp_path / "empty.tif", np.zeros((3, 40, 40), np.uint8))
    with pytest.raises(DataError, match="holds no data where it was looked at"):
        answered(run, empty, out)
    assert not list(tmp_path.glob("p*.tif"))


def test_values_off_the_training_range_are_told(trained_run_copy, tmp_path):
    pixels = np.random.default_rng(0).normal(100, 10, (3, 80, 70)).clip(1, 255).astype(np.uint8)
    pixels[1] = 200
    value = answered(trained_run_copy, scene_file(tmp_path / "s.tif", pixels), tmp_path / "p.tif")
    assert any("windows that were looked at: Bands that are constant in all patches" in w for w in value["warnings"])
    assert any("green" in text for text in value["warnings"])


def test_rasters_without_names_are_taken_by_their_number_with_a_warning(trained_run_copy, tmp_path):
    value = answered(
        trained_run_copy, scene_file(tmp_path / "s.tif", names=(), photometric="MINISBLACK"), tmp_path / "p.tif"
    )
    assert "does not name its bands; by their number they were taken as red, green, blue" in value["warnings"][0]


def test_a_stated_share_of_landslides_moves_the_threshold_and_not_the_map(trained_run_copy, tmp_path):
    scene = scene_file(tmp_path / "s.tif")
    plain = answered(trained_run_copy, scene, tmp_path / "p.tif")
    rare = answered(trained_run_copy, scene, tmp_path / "q.tif", prevalence=0.01)
    assert rare["prevalence"]["share"] == 0.01 and rare["threshold"] >= plain["threshold"]
    with rasterio.open(tmp_path / "p.tif") as one, rasterio.open(tmp_path / "q.tif") as two:
        assert np.array_equal(one.read(1), two.read(1))


def test_the_command_prints_what_was_found(trained_run_copy, tmp_path):
    run = trained_run_copy
    scene_file(tmp_path / "rg.tif", np.full((2, 64, 64), 100, np.uint8), ("red", "green"))
    scene_file(tmp_path / "b.tif", np.full((1, 32, 32), 100, np.uint8), ("blue",), pixel=20.0)
    asked = ("predict-scene", run.name, tmp_path / "rg.tif", "--also", tmp_path / "b.tif", "--out", tmp_path / "p.tif",
             "--checkpoints", run.checkpoints, "--stride", 32)  # fmt: skip
    value = core_json(*asked)
    assert value["shape"] == [64, 64] and value["n_windows"] == 4
    assert any("b.tif was brought to the grid of rg.tif (bilinear)" in text for text in value["warnings"])
    text = core(*asked).stdout
    assert "at the threshold" in text and "Warning: b.tif was brought" in text
    missing = (
        "predict-scene",
        run.name,
        tmp_path / "rg.tif",
        "--out",
        tmp_path / "q.tif",
        "--checkpoints",
        run.checkpoints,
    )
    assert "has no blue (rg.tif: red, green)" in core_error(*missing)


def test_a_raster_that_is_changed_while_it_is_read_is_no_answer(trained_run_copy, tmp_path):
    scene = scene_file(tmp_path / "s.tif")

    def change(step):
        if "answered." in step.message:
            os.utime(scene, (1, 1))

    with pytest.raises(FormatError, match="was changed while it was read"):
        answered(trained_run_copy, scene, tmp_path / "p.tif", change)
    assert not (tmp_path / "p.tif").exists() and not list(trained_run_copy.path.rglob("stripe*"))


def test_killed_in_the_middle_it_goes_on_after_the_last_finished_stripe(trained_run, tmp_path):
    run = copied(trained_run, tmp_path / "home")
    scene = scene_file(tmp_path / "s.tif", shape=(140, 140))
    expected = tmp_path / "expected.tif"
    answered(run, scene, expected, stride=1)
    job = queue.submit_analysis(run, "scene", {"scene": str(scene), "out": str(tmp_path / "p.tif"), "stride": 1})
    deadline = time.monotonic() + 120
    while not list(run.path.rglob("stripe_00001*")) and time.monotonic() < deadline:
        assert job.status()["state"] in ("queued", "running"), job.log()
        time.sleep(0.01)
    os.kill(job.status()["pid"], signal.SIGKILL)
    while queue.job(run.checkpoints, job.name).state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert queue.job(run.checkpoints, job.name).state == "interrupted" and not (tmp_path / "p.tif").exists()
    queue.resume(run.checkpoints, job.name)
    lines = list(follow(run.checkpoints, job))
    assert job.status()["state"] == "succeeded", job.log()
    assert any("Going on at row" in line and "is kept" in line for line in lines)
    assert digests(tmp_path / "p.tif") == digests(expected) and not list(run.path.rglob("stripe*"))
