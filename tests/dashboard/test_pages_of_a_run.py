"""The pages on a finished run, in every state: no dataset, no run, an unfinished run, damaged or missing files."""

from __future__ import annotations

import shutil

import pytest

from tests.builders import make_dataset

PAGES = ("results", "review", "embedding", "explain", "predict", "report")


@pytest.mark.parametrize("page", PAGES)
def test_without_a_dataset_the_demo_is_offered(open_page, page):
    at = open_page(page)
    assert not at.exception and at.title[0].value == page.capitalize()
    assert "Make the demo dataset" in [b.label for b in at.button]


@pytest.mark.parametrize("page", PAGES)
def test_with_a_dataset_alone_training_is_offered(studio, open_page, page):
    studio.add_dataset()
    at = open_page(page)
    assert not at.exception and at.title[0].value == page.capitalize()
    assert "Train on it" in [b.label for b in at.button]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["running", "failed"])
def test_a_run_that_has_not_finished_says_how_it_stands(studio, open_page, page, state):
    studio.add_run(studio.add_dataset(), state)
    at = open_page(page)
    assert not at.exception and at.title[0].value == page.capitalize()
    words = {"running": "This run is still training", "failed": "This run failed"}[state]
    assert words in [s.value for s in at.header]
    assert not at.metric


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("file", ["oof.parquet", "summary.json"])
def test_a_damaged_file_is_a_sentence(studio, open_page, page, file):
    run = studio.add_run(studio.add_dataset())
    (run.path / file).write_bytes(b"{")
    at = open_page(page)
    assert not at.exception
    assert any(file in e.value.replace("\\", "") for e in at.error)


@pytest.mark.parametrize("page", PAGES)
def test_a_run_whose_dataset_is_gone_is_still_no_traceback(studio, open_page, page):
    path = studio.add_dataset()
    studio.add_run(path)
    path.unlink()
    assert not open_page(page).exception


@pytest.mark.parametrize("page", PAGES)
def test_a_dataset_file_replaced_by_another_is_a_sentence(studio, open_page, page):
    path = studio.add_dataset()
    studio.add_run(path)
    path.unlink()
    make_dataset(path, n=8)  # the run's patches are not in it
    at = open_page(page)
    assert not at.exception and (page in ("results", "predict", "report") or at.error)


@pytest.fixture
def unexplained(studio):
    """A run that was trained without attention maps and band occlusion, as the rows of a small experiment are."""
    run = studio.add_run(studio.add_dataset())
    run.write_text("config.json", run.config().with_overrides(["explain.enabled=false"]).to_json())
    (run.path / "occlusion.parquet").unlink()
    shutil.rmtree(run.path / "cam")
    return run


@pytest.mark.parametrize(("page", "view"), [
    ("explain", "where"), ("explain", "checks"), ("explain", "location"), ("explain", "bands"),
    ("explain", "robustness"), ("review", None), ("embedding", None), ("results", "summary"), ("predict", None),
])  # fmt: skip
def test_a_run_without_explanations_is_shown_all_the_same(unexplained, open_page, page, view):
    at = open_page(page, run=unexplained.name, **({f"{page}_view": view} if view else {}))
    assert not at.exception
    assert not at.error, "nothing is wrong with it"
    if view in ("where", "checks", "bands"):
        assert "This run was trained without " in " ".join(one.value for one in at.info)
        assert "Run the checks" not in {button.label for button in at.button}, "there are no maps to check"
