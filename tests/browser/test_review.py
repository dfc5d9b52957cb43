"""The review desk in a real browser: a lasso filters, keys judge and undo, a second person judges, labels change."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from core.config import RunConfig
from core.data.label_versions import read_version, version_names
from core.data.store import DatasetWriter, open_dataset
from core.review.judgements import Judgements
from core.runs.store import datasets_path, list_runs
from tests.browser.conftest import settled
from tests.builders import TINY, make_dataset, make_run
from tests.trained_runs import copied

HEAD = "svm_c0.1"
QUICK = ("train.epochs=1", "embed.method=pca", "heads.svm_C=[0.1]", "heads.lgbm=false", f"heads.head={HEAD}",
         "smote.enabled=false")  # fmt: skip
LONG_MS = 120_000  # a training on a busy machine


@pytest.fixture(scope="module")
def run(checkpoints):
    path = datasets_path(checkpoints) / "tiny.h5"
    path.parent.mkdir(parents=True)
    return make_run(checkpoints, make_dataset(path).path, config=RunConfig().with_overrides([*TINY, *QUICK]))


def opened(page, url, run, name, query=""):
    page.goto(f"{url}/errors?run={run.name}&errors_outcome=TP&errors_outcome=TN{query}")
    expect(page.locator(".tile").first).to_be_visible(timeout=60_000)
    page.get_by_placeholder("Your name").fill(name)
    page.keyboard.press("Enter")
    settled(page)
    return page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.id)")


def test_filter_lasso_judge_by_keyboard_undo_and_a_second_reviewer(page, url, run):
    judgements = Judgements(run.dataset_path())
    opened(page, url, run, "Ada", "&review_beside=projection")
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    x, y, width, height = box["x"], box["y"], box["width"], min(box["height"], page.viewport_size["height"] - box["y"])
    page.mouse.move(x + 4, y + 4)
    page.mouse.down()
    for right, down in ((0.98, 0.02), (0.98, 0.9), (0.02, 0.9), (0.02, 0.02)):
        page.mouse.move(x + right * width, y + down * height, steps=6)
    page.mouse.up()
    expect(page.get_by_text("marked on a map")).to_be_visible()
    settled(page)
    shown = page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.id)")
    assert {run.fold_of(one) for one in shown} == {0}
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.get_by_text("marked on a map")).to_be_visible(timeout=60_000)
    settled(again)
    expect(again.locator(".tile")).to_have_count(len(shown))
    assert again.locator(".tile").evaluate_all("all => all.map(one => one.dataset.id)") == shown
    expect(again.get_by_placeholder("Your name")).to_have_value("Ada")
    again.close()

    page.locator(".tile .open").first.click()
    expect(page.get_by_role("dialog").get_by_role("button", name="No landslide")).to_be_visible()
    settled(page)
    page.keyboard.press("n")
    expect(page.get_by_role("dialog").get_by_text(f"2 of {len(shown)}")).to_be_visible()
    page.get_by_label("Note", exact=True).press_sequentially("bundled dull blunder")  # every key that judges
    page.get_by_role("dialog").get_by_role("button", name="Landslide", exact=False).first.click()
    expect(page.get_by_role("dialog").get_by_text(f"3 of {len(shown)}")).to_be_visible()
    assert [(e.subject, e.verdict, e.note) for e in judgements.latest()] == [
        (shown[0], "not", ""), (shown[1], "landslide", "bundled dull blunder"),
    ]  # fmt: skip
    page.keyboard.press("z")
    expect(page.get_by_role("dialog").get_by_text(f"2 of {len(shown)}")).to_be_visible()
    assert [e.subject for e in judgements.latest()] == shown[:1]

    other = page.context.browser.new_context().new_page()
    ids = opened(other, url, run, "Bo")
    other.goto(f"{other.url}&patch={shown[0]}")  # another session: the browser knows who it is
    expect(other.get_by_role("dialog")).to_be_visible(timeout=60_000)
    expect(other.get_by_label("Your name, to judge")).to_be_hidden()
    expect(other.get_by_text("Judged by another person")).to_be_visible()
    other.get_by_role("dialog").get_by_role("button", name="Landslide", exact=False).first.click()
    expect(other.get_by_text("Judged by another person")).to_be_hidden()
    assert {e.by: e.verdict for e in judgements.latest()} == {"Ada": "not", "Bo": "landslide"} and ids
    other.context.close()


def test_filters_that_were_not_seen_yet_hold_what_they_do_when_they_are_opened_late(page, url, run):
    """The browser first draws what is in a popover when that is opened: by then it was drawn anew behind it."""
    opened(page, url, run, "Ada", "&errors_column=group&review_low=0.1&errors_stretch=patch")
    page.get_by_role("button", name="More filters").click()
    expect(page.get_by_label("to", exact=True)).to_have_value("1.00")
    expect(page.get_by_label("Probability from")).to_have_value("0.10")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Picture").click()
    expect(page.get_by_role("radio", name="Each patch by itself")).to_be_checked()
    settled(page)
    assert "errors_stretch=patch" in page.url
    assert "errors_column=group" in page.url and "review_low=0.1" in page.url and "review_high" not in page.url


def test_labels_are_exported_corrected_judged_again_trained_with_and_compared(page, url, run, checkpoints):
    judgements = Judgements(run.dataset_path())
    table = run.oof()
    wrong = table[table[f"pred_{HEAD}"] != table["label"]]
    for name, label in zip(wrong["id"], wrong["label"], strict=True):
        judgements.add("patch", name, "not" if label else "landslide", "Cy")
    page.goto(f"{url}/review?run={run.name}&review_view=labels")
    with page.expect_download(timeout=60_000) as exported:
        page.get_by_role("button", name="Judgements (CSV)").click()
    assert all(name in exported.value.path().read_text() for name in wrong["id"])
    page.get_by_role("button", name="Make a version of the labels").click()
    page.get_by_label("Made by").fill("Cy")
    page.get_by_label("What for").fill("a test")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("The same answers judged again")).to_be_visible()
    (version,) = version_names(run.dataset_path())
    expect(page.get_by_text(f"Of {len(wrong)} changed labels the run had said {len(wrong)} right")).to_be_visible()

    page.get_by_role("button", name="Retrain with these labels").click()
    expect(page.get_by_role("button", name="Follow it")).to_be_visible()
    against = page.get_by_role("main").get_by_role("button", name="A against B", exact=False).last
    expect(page.get_by_text("errors of the run with the labels of before")).to_be_visible(timeout=LONG_MS)
    new = next(one for one in list_runs(checkpoints) if one.config().data.labels == version)
    assert new.status()["state"] == "succeeded", new.log()
    settled(page)
    against.click()
    expect(page.get_by_text("both by labels v1", exact=False)).to_be_visible()
    settled(page)
    assert f"run={new.name}" in page.url and f"versus_with={run.name}" in page.url
    cell = page.locator(".st-key-versus_square .js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.click(cell["x"] + 0.25 * cell["width"], cell["y"] + 0.25 * cell["height"])  # both right
    expect(page).to_have_url(re.compile("versus_cell=both(\\+|%20)right"))
    page.get_by_role("button", name="Look at these patches").click()
    expect(page.get_by_text("both right, ", exact=False)).to_be_visible()


@pytest.fixture
def asking(checkpoints, run, trained_run):
    """A run that was really trained, and a dataset of six patches without labels."""
    trained = copied(trained_run, checkpoints)
    own = open_dataset(trained.dataset_path())
    path = datasets_path(checkpoints) / "new.h5"
    with DatasetWriter(
        path, bands=own.bands, shape_hw=own.shape[1:], class_names=own.class_names, source="a test"
    ) as writer:
        images = np.random.default_rng(7).normal(100, 10, (6, *own.shape)).astype(np.float32)
        writer.append(images, np.full(6, -1), [f"n{i}" for i in range(6)])
        writer.finish()
    return trained, path


def test_a_batch_is_asked_for_judged_by_keyboard_and_becomes_labels(page, url, asking):
    trained, path = asking
    page.goto(f"{url}/review?run={trained.name}&review_view=next")
    page.get_by_label("How many to label").fill("4", timeout=60_000)
    page.get_by_label("How many to label").press("Enter")
    settled(page)
    page.get_by_role("button", name="Choose them").click()
    question = page.get_by_role("heading", level=3)
    expect(question).to_have_text("Is there a landslide? · 1 of 4", timeout=90_000)
    page.get_by_placeholder("Your name").fill("Ada")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("heading", name="Review").click()  # out of the field
    for n, key in enumerate(("l", "n", "u"), 2):
        page.keyboard.press(key)
        expect(question).to_have_text(f"Is there a landslide? · {n} of 4")
        settled(page, 100)
    page.keyboard.press("z")
    expect(question).to_have_text("Is there a landslide? · 3 of 4")
    said = Judgements(path).latest()
    assert [entry.verdict for entry in said] == ["landslide", "not"] and {entry.by for entry in said} == {"Ada"}
    page.get_by_role("button", name="Make labels of them").click()
    page.get_by_label("What for").fill("a batch")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("button", name="Train with v1")).to_be_visible()
    assert [(c.id, c.before, c.after) for c in read_version(path, "v1").changes] == sorted(
        (entry.subject, -1, entry.label) for entry in said
    )
