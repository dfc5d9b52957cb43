"""The path that the product is for, walked by a real browser: train, watch, open what is wrong, ask why."""

import re

import pytest
from playwright.sync_api import expect

from core.runs.store import datasets_path, list_runs
from tests.browser.conftest import settled
from tests.builders import write_demo

# Quick on two cores; everything else as the demo preset has it.
OVERRIDES = "\n".join(("train.epochs=12", "folds.n_splits=2", "embed.method=pca", "heads.svm_C=[0.1]", "device=cpu"))
LONG_MS = 240_000
PAGES = (
    "Tour",
    "Runs",
    "Dataset",
    "Balance",
    "Results",
    "Review",
    "Embedding",
    "Explain",
    "Predict",
    "Report",
    "Train",
)


@pytest.fixture(scope="module", autouse=True)
def dataset(checkpoints):
    path = datasets_path(checkpoints) / "demo.h5"
    path.parent.mkdir(parents=True)
    return write_demo(path, n=120, seed=3)


def open_page(page, name):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_train_watch_open_a_misclassified_patch_and_see_why(page, url, checkpoints):
    page.set_default_timeout(60_000)
    page.goto(url)
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible(timeout=60_000)

    # Start a training job from its page.
    open_page(page, "Train")
    page.get_by_text("All settings", exact=True).click()
    page.get_by_label("Overrides").fill(OVERRIDES)
    page.get_by_role("button", name="Start training").click()

    # See it progress ...
    told = page.get_by_text(re.compile(r"epoch \d+ of 12")).filter(visible=True)
    expect(told.first).to_be_visible(timeout=LONG_MS)
    # ... survive a reload ...
    page.reload()
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    # ... and finish.
    results = page.get_by_role("button", name="Open the results")
    expect(results).to_be_visible(timeout=LONG_MS)
    run = list_runs(checkpoints)[0]
    assert run.status()["state"] == "succeeded", run.log()
    settled(page)  # the page is drawn anew when the job ends
    results.click()
    expect(page.get_by_role("heading", name="Results", level=1)).to_be_visible()

    # Open a misclassified patch: its card has the Grad-CAM and the occlusion bars.
    open_page(page, "Review")
    settled(page)
    tile = page.locator(".tile .open").first
    expect(tile).to_be_visible()
    tile.click()
    card = page.get_by_role("dialog")
    expect(card).to_be_visible()
    expect(card.get_by_text("XGrad-CAM").first).to_be_visible()
    expect(card.get_by_role("img").first).to_be_visible()
    card.get_by_text("Band importance").click()
    bars = card.locator(".st-key-card_occlusion .js-plotly-plot")
    expect(bars).to_be_visible()
    expect(bars.locator(".bars .point").first).to_be_attached()
    assert bars.locator(".bars .point").count() == 12
    assert "patch=" in page.url


@pytest.mark.parametrize("width", [1440, 820])
def test_every_page_shows_the_finished_run(page, url, checkpoints, width):
    runs = [run for run in list_runs(checkpoints) if run.status()["state"] == "succeeded"]
    if not runs:
        pytest.fail("The training path did not leave a finished run.")
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{url}/?run={runs[0].name}")
    for name in PAGES:
        page.goto(f"{url}/{name.lower()}?run={runs[0].name}")
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible(timeout=60_000)
        settled(page)
        assert page.get_by_test_id("stException").count() == 0, name
        # Nothing may stick out to the right.
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, name
