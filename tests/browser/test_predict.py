"""From a scene's file to polygons on disk, walked by a real browser: ask, look, click a cell, judge, take it back."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from core.review.judgements import Judgements
from tests.browser.conftest import settled
from tests.core.analyses.test_scene import scene_file
from tests.trained_runs import copied

LONG_MS = 120_000


@pytest.fixture(scope="module")
def run(checkpoints, trained_run):
    """A run whose networks were really trained: red, green and blue."""
    return copied(trained_run, checkpoints)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """After the event and before it, 160 x 160 pixels of 10 m, with a corner that was not seen."""
    folder = tmp_path_factory.mktemp("scene")
    pixels = np.random.default_rng(3).normal(100, 10, (3, 160, 160)).clip(1, 255).astype(np.uint8)
    before = scene_file(folder / "before.tif", pixels)
    after = pixels.copy()
    after[0, 32:90, 32:90] += 80
    after[:, :30, 130:] = 0
    return scene_file(folder / "after.tif", after), before


def test_from_a_file_to_polygons(page, url, run, scene, tmp_path):
    page.set_default_timeout(60_000)
    page.goto(f"{url}/predict?run={run.name}")
    expect(page.locator("h1")).to_be_visible()
    settled(page)  # a form that is still being drawn loses what is typed
    page.get_by_role("textbox", name="Scene", exact=True).fill(str(scene[0]))
    page.get_by_role("textbox", name="Before the event", exact=True).fill(str(scene[1]))
    page.get_by_text("Cells, outlines, elevation and roads").click()
    page.get_by_role("spinbutton", name="Side of a cell (m)").fill("400")
    settled(page)
    page.get_by_role("button", name="Predict the scene").click()

    # The map comes by itself when the job has ended.
    frame = page.locator(".frame")
    expect(frame).to_be_visible(timeout=LONG_MS)
    settled(page)
    expect(page.get_by_text(re.compile("Look at these|No landslide ground")).first).to_be_visible()
    assert page.locator(".stage .after").evaluate("one => one.naturalWidth") == 160

    # The swipe, by keys and by the pointer; the picture stays where it is.
    handle = page.get_by_role("slider", name="Before the event, from the left")
    handle.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(page).to_have_url(re.compile("predict_before=30"))
    box = frame.bounding_box()
    knob = page.locator(".handle b").bounding_box()
    page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("predict_before=60"))
    assert page.locator(".before").evaluate("one => one.style.clipPath") == "inset(0px 40% 0px 0px)"

    # Zoomed in, a click still finds the ground beneath it.
    page.get_by_role("button", name="Zoom in").click()
    frame.click(position={"x": 0.5 * box["width"] - 40, "y": 0.5 * box["height"] - 40})
    expect(page).to_have_url(re.compile("predict_cell=2-2"))
    page.get_by_role("button", name="Whole scene").click()
    frame.click(position={"x": 0.3 * box["width"], "y": 0.1 * box["height"]})
    expect(page).to_have_url(re.compile("predict_cell=1-2"))
    expect(page.get_by_text(re.compile("Highest window")).first).to_be_visible(timeout=LONG_MS)

    settled(page)

    # Judge it, and take that back.
    (own,) = (path.parent for path in run.results("scene_map").path.rglob("report.json"))
    page.get_by_role("textbox", name="Your name").fill("Ada")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.locator(".labels .mark")).to_have_text("✓")
    (said,) = Judgements(own).latest("cell")
    assert (said.subject, said.verdict) == ("400 m 1-2", "landslide") and said.lonlat is not None
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".labels .mark")).to_have_count(0)
    assert Judgements(own).latest("cell") == []

    with page.expect_download() as saved:
        page.get_by_role("button", name="Polygons (GeoJSON)").click()
    saved.value.save_as(tmp_path / "polygons.geojson")
    polygons = json.loads((tmp_path / "polygons.geojson").read_text())
    assert polygons["type"] == "FeatureCollection" and saved.value.suggested_filename.startswith("after_")


@pytest.mark.slow
def test_the_model_leaves_as_a_file_that_opens(page, url, run, tmp_path):
    import onnxruntime
    from safetensors.numpy import load_file

    page.set_default_timeout(60_000)
    for form, label in (("onnx", "ONNX"), ("safetensors", "safetensors")):
        page.goto(f"{url}/predict?run={run.name}&predict_view=export&export_form={form}")
        settled(page)
        page.get_by_role("button", name="Export", exact=True).click()
        row = page.locator("[data-testid=stVerticalBlock]").filter(has_text=f".{form} ·").last
        expect(row, label).to_be_visible(timeout=LONG_MS)
        settled(page)
        with page.expect_download() as saved:
            row.get_by_role("button", name="Download").click()
        saved.value.save_as(tmp_path / f"model.{form}")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"patches": np.full((1, 3, 32, 32), 100, np.float32)})
    assert made.shape == (1, 1, 32, 32) and 0 <= made[0, 0, 0, 0] <= 1
    assert any(name.startswith("fold_") for name in load_file(tmp_path / "model.safetensors"))
