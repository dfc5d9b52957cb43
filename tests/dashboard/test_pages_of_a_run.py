"""The pages on a finished run, in every state: no dataset, no run, an unfinished run, damaged or missing files."""

from __future__ import annotations

import pytest

from tests.builders import make_dataset

PAGES = ("results", "review", "embedding", "explain", "predict")


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
    assert not at.exception and (page in ("results", "predict") or at.error)
