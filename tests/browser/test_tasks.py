"""What five people come for, each walked from the front page; every click is counted.

A director with three minutes, a geologist, a data scientist, a competitor and a GIS analyst.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from core.runs import labels
from core.runs.store import datasets_path
from tests.browser.conftest import one_person, settled
from tests.builders import make_dataset, make_run

LONG_MS = 120_000


person = one_person


@pytest.fixture(scope="module")
def runs(checkpoints):
    """Two finished runs on made patches."""
    path = datasets_path(checkpoints) / "tiny.h5"
    path.parent.mkdir(parents=True)
    data = make_dataset(path)
    two = [make_run(checkpoints, data.path), make_run(checkpoints, data.path)]
    labels.write_label(two[0], title="First recipe")
    return two


class Walk:
    """A person at the front page; ``clicks`` counts what the person clicks or types into."""

    def __init__(self, page, url, run):
        page.set_default_timeout(60_000)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{url}/?run={run.name}")
        expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
        settled(page)
        self.page, self.clicks = page, 0

    def click(self, what) -> None:
        """Click, and wait until what follows is drawn."""
        what.click()
        self.clicks += 1
        settled(self.page)

    def in_sight(self, what) -> None:
        """What is asked for can be seen without scrolling."""
        expect(what).to_be_visible()
        box = what.bounding_box()
        assert 0 <= box["y"] <= 900, box


def test_a_director_reads_the_result_and_what_it_costs_to_miss_fewer(page, url, runs):
    walk = Walk(page, url, runs[0])
    walk.in_sight(page.get_by_role("heading", name=re.compile("Of 100 landslide patches it finds")))
    expect(page.get_by_test_id("stMetric")).to_have_count(3)
    walk.in_sight(page.get_by_test_id("stMetric").last)
    walk.in_sight(page.locator(".tile").first)
    walk.click(page.get_by_role("button", name="Decide how many may be missed"))
    expect(page.get_by_role("heading", name="Results", level=1)).to_be_visible()
    walk.in_sight(page.get_by_text(re.compile("may we miss")).first)
    assert walk.clicks == 1


def test_a_geologist_opens_a_missed_landslide_and_reads_what_is_unusual_about_it(page, url, runs):
    walk = Walk(page, url, runs[0])
    walk.click(page.locator(".tile", has_text="Missed (FN)").first.locator(".open"))
    card = page.get_by_role("dialog")
    walk.in_sight(card.get_by_text(re.compile("Possible reasons for the miss|No reason found")).first)
    walk.in_sight(card.get_by_role("img").first)
    expect(card.get_by_text("Nearest training patches").first).to_be_visible()
    assert walk.clicks == 1


def test_a_data_scientist_compares_two_runs_and_starts_from_one_of_them(page, url, runs):
    walk = Walk(page, url, runs[0])
    table = page.locator(".st-key-overview_runs")
    table.scroll_into_view_if_needed()
    settled(page)
    for place in (0, 1):
        box = table.locator("canvas").first.bounding_box()
        page.mouse.click(box["x"] + 18, box["y"] + 35 + 35 * place + 17)  # the boxes are drawn, not elements
        walk.clicks += 1
        settled(page)
    walk.click(page.get_by_role("button", name="Compare"))
    expect(page.get_by_role("heading", name="Results", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile("results_view=compare"))
    expect(page.get_by_text(re.compile("First recipe")).first).to_be_visible()
    assert walk.clicks == 3

    walk = Walk(page, url, runs[0])
    table.scroll_into_view_if_needed()
    settled(page)
    box = table.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 35 + 17)
    walk.clicks += 1
    settled(page)
    walk.click(page.get_by_role("button", name="Duplicate and edit"))
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    assert walk.clicks == 2


def test_a_competitor_scores_a_file_of_probabilities(page, url, runs, tmp_path):
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 40)
    prob = np.clip(0.3 + 0.4 * label + rng.normal(0, 0.2, 80), 0, 1)
    rows = [f"p{i},{y},{p:.4f}" for i, (y, p) in enumerate(zip(label, prob, strict=True))]
    (tmp_path / "scores.csv").write_text("\n".join(["id,label,prob", *rows]))
    walk = Walk(page, url, runs[0])
    walk.click(page.get_by_test_id("stSidebarNav").get_by_role("link", name="Results"))
    walk.click(page.get_by_role("button", name="Source and export"))
    walk.click(page.get_by_text("CSV of probabilities"))
    page.keyboard.press("Escape")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "scores.csv")
    walk.clicks += 1
    expect(page.get_by_text(re.compile(r"Finds \d+%")).first).to_be_visible(timeout=LONG_MS)
    assert walk.clicks == 4


def test_a_gis_analyst_imports_a_folder_after_seeing_what_was_understood(page, url, runs, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("landslide", "non_landslide"):
        (tmp_path / "patches" / name).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(tmp_path / "patches" / name / f"{i}.png")
    walk = Walk(page, url, runs[0])
    button = page.get_by_role("button", name="Import a folder")
    button.scroll_into_view_if_needed()
    walk.click(button)
    page.locator(".st-key-import_source input").fill(str(tmp_path / "patches"))
    page.keyboard.press("Enter")
    walk.clicks += 1
    settled(page)
    walk.click(page.get_by_role("button", name="Preview", exact=True))
    onward = page.get_by_role("button", name=re.compile("^Continue"))
    expect(onward).to_be_visible(timeout=LONG_MS)
    settled(page)
    assert page.locator("[data-testid=stImage] img, .tile img").count() >= 12
    walk.click(onward)
    walk.click(page.get_by_role("button", name="Import", exact=True))
    expect(page.get_by_text(re.compile("16 patches")).first).to_be_visible(timeout=LONG_MS)
    assert walk.clicks == 5
