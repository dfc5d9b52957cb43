"""Many scenes as one job: each in a file of its own, failing ones named, and going on after the last finished one."""

import json
import os
import subprocess
import sys

import numpy as np
import pyogrio
import pytest
import rasterio

from core.analyses.maps.polygons import ANALYSIS as POLYGONS
from core.analyses.scene import ANALYSIS as SCENE
from core.analyses.scenes import ANALYSIS
from core.errors import ConfigError, FormatError
from core.predict.scene.rasters import KINDS, path_of
from core.progress import drain
from tests.command_line import core_error
from tests.core.analyses.test_scene import answered, digests, scene_file

pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.fixture
def scenes(tmp_path):
    """Two scenes, one whose bands are not the run's, and the tiles of a third."""
    made = tmp_path / "in"
    (made / "tiles").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for k, name in enumerate(("a.tif", "c.tif", "tiles/left.tif", "tiles/right.tif")):
        pixels = rng.normal(100 + 20 * k, 10, (3, 64, 48)).clip(1, 255).astype(np.uint8)
        scene_file(made / name, pixels, transform=rasterio.Affine(10, 0, 500_000 + 480 * (k == 3), 0, -10, 2_500_000))
    scene_file(made / "b.tif", np.full((2, 64, 64), 90, np.uint8), ("red", "nir"))
    return made


def options(scenes, names, out, **more):
    return {"scenes": [str(scenes / name) for name in names], "out": str(out), **more}


def test_each_scene_is_answered_as_it_would_be_alone_and_the_failing_one_is_named(trained_run_copy, scenes, tmp_path):
    run, out = trained_run_copy, tmp_path / "out"
    told = []
    value = drain(ANALYSIS.start(run, options(scenes, ("a.tif", "b.tif", "tiles", "a.tif"), out)), told.append)
    assert [one["out"] for one in value["scenes"]] == [str(out / "a.tif"), str(out / "tiles.tif")]
    assert [one["scene"] for one in value["failed"]] == [str(scenes / "b.tif")]
    assert "has no green, blue (b.tif: red, nir)" in value["failed"][0]["reason"]
    assert value["message"].startswith("2 of 3 scenes answered, in out. b.tif was not answered: Run")
    for name, given in (("a.tif", "a.tif"), ("tiles.tif", "tiles")):
        alone = tmp_path / "alone" / name
        answered(run, scenes / given, alone)
        assert digests(alone) == digests(out / name)
    shares = [step.share for step in told]
    assert shares == sorted(shares) and any(text.message.startswith("Scene 3 of 3, tiles: ") for text in told)
    assert not list(run.path.rglob("done.json"))


def test_broken_off_it_goes_on_after_the_last_finished_scene(trained_run_copy, scenes, tmp_path):
    run, out = trained_run_copy, tmp_path / "out"
    asked = options(scenes, ("a.tif", "c.tif"), out)

    def stop(step):
        if step.message.startswith("Scene 2"):
            raise KeyboardInterrupt

    def started(tell=lambda step: None):
        told = []

        def both(step):
            told.append(step.message)
            tell(step)

        try:
            drain(ANALYSIS.start(run, asked), both)
        except KeyboardInterrupt:
            pass
        return told

    started(stop)
    assert (out / "a.tif").is_file() and not (out / "c.tif").exists()
    assert not any(text.startswith("Scene 1") for text in started(stop))
    os.utime(scenes / "a.tif", (1, 1))  # another scene under the old name
    assert any(text.startswith("Scene 1") for text in started(stop))
    (out / "a_unseen.tif").unlink()
    assert any(text.startswith("Scene 1") for text in started(stop))
    assert not any(text.startswith("Scene 1") for text in started())
    assert all(path_of(kind, out / "a.tif").is_file() for kind in KINDS)
    assert any(text.startswith("Scene 1") for text in started())  # asked again after it had ended: answered again


def test_what_cannot_be_begun_is_refused_before_a_job_is_made(trained_run, scenes, tmp_path):
    with pytest.raises(ConfigError, match="a.tif and a.tif would both be answered in a.tif"):
        (tmp_path / "other").mkdir()
        scene_file(tmp_path / "other" / "a.tif")
        ANALYSIS.options({"scenes": [str(scenes / "a.tif"), str(tmp_path / "other" / "a.tif")], "out": str(tmp_path)})
    with pytest.raises(ConfigError, match="would both be answered in a_unseen.tif"):
        ANALYSIS.options(options(scenes, ("a.tif", "a_unseen.tif"), tmp_path))
    for names, out, match in (
        (("a.tif",), scenes, "a.tif is read, and would be written over"),
        (("a.tif",), scenes / "b.tif", "b.tif is a file. Many scenes are answered into a folder"),
    ):
        with pytest.raises(ConfigError, match=match):
            ANALYSIS.check(trained_run, ANALYSIS.options(options(scenes, names, out)))
    with pytest.raises(FormatError, match="has no green, blue"):
        ANALYSIS.check(trained_run, ANALYSIS.options(options(scenes, ("b.tif", "none.tif"), tmp_path / "out")))
    ANALYSIS.check(trained_run, ANALYSIS.options(options(scenes, ("b.tif", "c.tif"), tmp_path / "out")))


def test_polygons_of_a_scene_need_a_place_before_anything_is_answered(trained_run_copy, tmp_path):
    scene = scene_file(tmp_path / "s.tif", crs=None)
    asked = {"scene": str(scene), "out": str(tmp_path / "p.tif"), "polygons": str(tmp_path / "p.geojson")}
    with pytest.raises(FormatError, match="s.tif has no coordinate system, so that its polygons would lie nowhere"):
        drain(SCENE.start(trained_run_copy, asked))
    assert not (tmp_path / "p.tif").exists()


def test_the_command_writes_rasters_and_polygons_and_says_what_failed(trained_run_copy, scenes, tmp_path):
    run, out, shapes = trained_run_copy, tmp_path / "out", tmp_path / "shapes"
    date = ("--date", "2018-09-11")
    shared = ("predict-scene", run.name, scenes / "a.tif", "--checkpoints", run.checkpoints)
    command = (*shared, scenes / "b.tif", "--out", out, "--polygons", shapes, *date, "--json")
    done = subprocess.run([sys.executable, "-m", "core", *map(str, command)], capture_output=True, text=True)
    assert done.returncode == 1 and "Error: b.tif was not answered: Run" in done.stderr
    assert "Traceback" not in done.stderr and len(json.loads(done.stdout)["failed"]) == 1
    info = pyogrio.read_info(shapes / "a.geojson")
    assert info["crs"] == "EPSG:4326" and (shapes / "a.gpkg").is_file() and (shapes / "a.qml").is_file()
    one, raster = json.loads(done.stdout)["scenes"][0]["polygons"], out / "a.tif"
    asked = {"probability": str(raster), "out": str(tmp_path / "q.geojson"), "date": date[1]}
    by_hand = drain(POLYGONS.start(run, asked))
    assert (one["n"], one["area_km2"], one["date"]) == (by_hand["n"], by_hand["area_km2"], date[1])
    assert one["n"] == info["features"]
    assert "p.tif is the name of one file" in core_error(*shared, scenes / "c.tif", "--out", out / "p.tif")
