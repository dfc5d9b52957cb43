"""Where in a chosen cell: the finest map that was measured, in words how exact it is, and honestly none."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from core.analyses.where import NAME as WHERE
from core.analyses.where import VERSION
from dashboard.predict.where import over
from tests.dashboard.predict.conftest import SIDE, add_map


def way(title, offered=True, value=0.8):
    mean = {"value": value, "lo": value - 0.1, "hi": value + 0.1, "n": 120, "n_groups": 40}
    return {"title": title, "better": offered, "pointing": mean, "iou": mean, "within_px": 3.0, "threshold": 0.4}


def measured(run, **ways):
    """Keep a report of what was measured."""
    rest = {"attention": None, "hw": [64, 64], "options": {"stride": None}, "rivals": {"random": way("Random point")}}
    run.results(WHERE).write_json("report.json", {"version": VERSION, "ways": ways, "n": 120, "pixel_m": 10.0, **rest})


def raster(path, values):
    with rasterio.open(
        path, "w", driver="GTiff", height=SIDE, width=SIDE, count=1, dtype="float32", nodata=float("nan"),
        crs="EPSG:32646", transform=rasterio.Affine(10, 0, 500_000, 0, -10, 2_500_000),
    ) as file:  # fmt: skip
        file.write(values.astype(np.float32), 1)


@pytest.fixture
def mapped(run):
    """A map whose probability is a real raster, beside one of the mask head."""
    own = add_map(run)
    report = own.json("report.json")
    raster(own.path / "probability.tif", np.full((SIDE, SIDE), 0.4))
    outline = np.full((SIDE, SIDE), 0.05)
    outline[5:9, 25:30] = 0.9  # in cell 1-2
    raster(own.path / "probability_where.tif", outline)
    report["scene"]["where"] = str(own.path / "probability_where.tif")
    own.write_json("report.json", report)
    own.write_arrays("picture", {**own.arrays("picture"), "where": outline.astype(np.float32)})
    return run


def overlays(at):
    """What can be laid over the scene."""
    return [option.content for option in at.button_group(key="predict_over").proto.options]


def words(at):
    return " ".join(one.value for kind in (at.markdown, at.caption) for one in kind).replace("\\", "")


def test_the_outline_is_drawn_where_it_was_measured_with_how_exact_it_is(mapped, open_page):
    measured(mapped, outline=way("Outline head"), windows=way("Small stride", value=0.5))
    at = open_page("predict", run=mapped.name, predict_cell="1-2", predict_section="where")
    assert not at.exception and not at.error
    assert (
        "Outline head, highest value 0.90. On held-out patches with a landslide its highest point was inside in "
        in (words(at))
    )
    assert "Where in the cell" in overlays(at)
    assert "80% (70–90%, n = 120); 9 in 10 within 3 pixels (30 m)." in words(at)


def test_a_way_that_was_not_good_enough_is_not_drawn(mapped, open_page):
    measured(mapped, outline=way("Outline head", offered=False), windows=way("Small stride", offered=False))
    at = open_page("predict", run=mapped.name, predict_cell="1-2", predict_section="where")
    assert "Probability of whole windows, 32 pixels (320 m) a side" in words(at) and "nothing finer" in words(at)
    assert "Outline head" not in words(at)
    assert "Where in the cell" not in overlays(at) and "Probability" in overlays(at)


def test_a_small_stride_counts_where_the_scene_has_it(mapped, open_page):
    measured(mapped, windows=way("Small stride", value=0.5))
    assert "nothing finer was measured" in words(
        open_page("predict", run=mapped.name, predict_cell="1-2", predict_section="where")
    )
    own = add_map(mapped)
    report = own.json("report.json")
    report["scene"]["stride"] = 8
    raster(own.path / "probability.tif", np.full((SIDE, SIDE), 0.4))
    own.write_json("report.json", report)
    at = open_page("predict", run=mapped.name, predict_cell="1-2", predict_section="where")
    assert "Small stride, highest value 0.40" in words(at) and "only the highest point is this exact" in words(at)


def test_before_anything_was_measured_the_way_there_is_offered(mapped, open_page):
    at = open_page("predict", run=mapped.name, predict_cell="1-2", predict_section="where")
    assert "nothing finer was measured" in words(at)
    assert at.button(key="predict_where_measure").label == "Measure how exact this run is"


def test_a_raster_that_is_gone_is_a_sentence(mapped, open_page):
    measured(mapped, outline=way("Outline head"))
    (mapped.results("scene_map").part("after-1").path / "probability_where.tif").unlink()
    at = open_page("predict", run=mapped.name, predict_cell="1-2", predict_section="where")
    assert not at.exception and len(at.error) == 1


def test_the_map_lies_over_the_part_of_the_scene_that_the_cell_covers():
    after = np.zeros((10, 10, 3), np.uint8)
    after[2:4, 4:6] = 200
    dark = over(after, 2, (4, 8, 8, 12), np.zeros((4, 4)))
    assert dark.shape == (300, 300, 3) and (dark == 200).all()
    bright = over(after, 2, (4, 8, 8, 12), np.pad(np.ones((2, 2)), ((0, 2), (0, 2))))
    assert not (bright[:100, :100] == 200).all() and (bright[200:, 200:] == 200).all()
