"""Results in a real browser: the slider, the cells of the matrix, and the camera's two formats."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settled
from tests.builders import make_dataset, make_run


@pytest.fixture(scope="module")
def run(checkpoints):
    """A finished run on made patches, its numbers made up."""
    data = make_dataset(checkpoints / "datasets" / "tiny.h5")
    return make_run(checkpoints, data.path)


@pytest.mark.parametrize(("words", "begins"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_the_camera_saves_the_format_that_is_chosen(page, url, run, tmp_path, words, begins):
    page.goto(f"{url}/results?run={run.name}&results_view=heads")
    settled(page)
    page.get_by_role("button", name="Source and export").click()
    page.get_by_text(words, exact=True).click()
    page.keyboard.press("Escape")
    settled(page)
    chart = page.locator(".st-key-results_roc")
    chart.hover()
    with page.expect_download(timeout=60_000) as download:
        chart.locator("[data-title*='ownload plot']").first.click()
    download.value.save_as(tmp_path / "picture")
    assert download.value.suggested_filename == f"results_roc.{words.lower()}"
    assert (tmp_path / "picture").read_bytes().startswith(begins)


def test_a_cell_of_the_matrix_opens_its_patches(page, url, run):
    page.goto(f"{url}/results?run={run.name}&results_view=errors")
    settled(page)
    matrix = page.locator(".st-key-results_confusion")
    matrix.hover()
    points = matrix.locator(".scatterlayer .point")
    expect(points).to_have_count(4)
    settled(page)  # nothing moves between asking where the cell is and the click
    box = points.nth(1).bounding_box()  # the second cell: missed
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", name="Review", level=1)).to_be_visible(timeout=60_000)
    expect(page).to_have_url(re.compile("errors_outcome=FN"), timeout=60_000)


def test_the_slider_moves_numbers_and_point(page, url, run):
    page.goto(f"{url}/results?run={run.name}&results_view=threshold")
    settled(page)
    slider = page.locator(".st-key-threshold_at").get_by_role("slider")
    found = page.get_by_test_id("stMetric").filter(has_text="To inspect, per 1,000")
    before = found.inner_text()
    point = page.locator(".st-key-threshold_roc .scatterlayer .point").last
    expect(point).to_be_attached()
    place = point.get_attribute("transform")
    slider.focus()
    slider.press("ArrowRight")  # the first key only shows that it has the focus
    slider.press("Home")
    expect(found).not_to_have_text(before, timeout=30_000)
    expect(found).to_contain_text("1000")
    expect(page.locator(".st-key-threshold_roc .scatterlayer .point").last).not_to_have_attribute("transform", place)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_tab_changes_what_is_seen_at_1440_by_900(browser, url, run, scheme):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{url}/results?run={run.name}")
    settled(page)
    seen = []
    for words in ("Heads", "Calibration", "Compare"):
        tab = page.get_by_test_id("stMain").get_by_text(words, exact=True).first
        tab.click()
        settled(page)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
        assert tab.bounding_box()["y"] < 650
        seen.append(page.screenshot(clip={"x": 300, "y": 700, "width": 1140, "height": 200}))
    assert len(set(seen)) == 3
    context.close()
