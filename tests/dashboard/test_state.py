"""What is chosen follows the URL, the pickers and the files, in that order of freshness."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest


def chosen(at: AppTest) -> tuple[str | None, str | None]:
    return at.selectbox(key="dataset").value, at.selectbox(key="run").value


def told(at: AppTest) -> str:
    return " ".join(w.value for w in at.sidebar.warning)


def test_nothing_there_is_shown_as_nothing(studio, open_page):
    at = open_page("overview")
    assert not at.exception and chosen(at) == (None, None)
    assert at.selectbox(key="dataset").disabled and at.selectbox(key="run").disabled


def test_newest_run_and_its_dataset_are_chosen_and_written_to_the_url(studio, open_page):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    at = open_page("overview")
    assert chosen(at) == ("tiny", run.name)
    assert at.query_params["dataset"] == "tiny" and at.query_params["run"] == run.name


def test_a_link_reopens_its_dataset_and_run(studio, open_page):
    older = studio.add_run(studio.add_dataset("a"), "failed")
    studio.add_run(studio.add_dataset("b"), "succeeded")
    at = open_page("overview", run=older.name)
    assert chosen(at) == ("a", older.name) and not told(at)


def test_a_run_brings_its_dataset_even_when_the_link_names_another(studio, open_page):
    run = studio.add_run(studio.add_dataset("a"))
    studio.add_dataset("b")
    assert chosen(open_page("overview", dataset="b", run=run.name)) == ("a", run.name)


def test_choosing_a_dataset_chooses_its_newest_run(studio, open_page):
    run = studio.add_run(studio.add_dataset("a"))
    studio.add_dataset("b")
    at = open_page("overview", dataset="b")
    assert chosen(at) == ("b", None)
    at.selectbox(key="dataset").select("a").run()
    assert chosen(at) == ("a", run.name) and at.query_params["run"] == run.name


def test_the_choice_survives_going_to_another_page(studio, open_page):
    studio.add_run(studio.add_dataset("a"))
    studio.add_dataset("b")
    at = open_page("overview", dataset="b")
    at.switch_page("../pages/dataset.py").run()
    assert chosen(at) == ("b", None) and at.title[0].value == "Dataset"


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "x\0y", "n" * 300, "CON", "-rf", "dеmo", "[x](javascript:alert(1))", "<img onerror=1>"],
)
def test_bad_names_in_the_url_are_told_plainly_and_open_nothing(studio, open_page, name):
    run = studio.add_run(studio.add_dataset())
    at = open_page("overview", dataset=name, run=name)
    assert not at.exception and chosen(at) == ("tiny", run.name)
    assert "There is no run" in told(at) and "There is no dataset" in told(at)
    assert not re.search(r"(?<!\\)[\[<]", told(at))


def test_a_run_trained_on_a_file_elsewhere_is_listed_with_that_file(studio, open_page, tmp_path):
    outside = tmp_path / "elsewhere" / "mine.h5"
    outside.parent.mkdir()
    studio.add_dataset("tiny").rename(outside)
    run = studio.add_run(outside)
    assert chosen(open_page("overview")) == ("mine", run.name)


def test_a_run_whose_dataset_is_gone_is_still_shown(studio, open_page):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    dataset.unlink()
    at = open_page("overview")
    assert not at.exception and chosen(at) == ("tiny", run.name)
    assert any("tiny" in error.value for error in at.error)


def test_a_folder_that_is_no_run_is_passed_over(studio, open_page):
    (studio.checkpoints / "20200101-000000_x_y").mkdir()
    (studio.checkpoints / "20200101-000000_x_y" / "config.json").write_text("{}")
    (studio.checkpoints / "20200101-000000_x_y" / "status.json").write_text("{")
    at = open_page("overview")
    assert not at.exception and chosen(at) == (None, None)


@pytest.mark.parametrize("unfinished", ["running", "failed"])
def test_a_bare_link_opens_the_newest_finished_run_and_offers_the_newer_one(studio, open_page, unfinished):
    dataset = studio.add_dataset()
    finished = studio.add_run(dataset)
    newer = studio.add_run(dataset, unfinished)
    newer.path.rename(newer.path.with_name("29990101-000000_resnet18_ffffffff"))
    for query in ({}, {"dataset": "tiny"}):
        at = open_page("overview", **query)
        assert not at.exception and chosen(at) == ("tiny", finished.name)
        assert at.query_params["run"] in (finished.name, [finished.name])
        assert unfinished in at.button(key="open_newest").label
    at.button(key="open_newest").click().run()
    assert chosen(at)[1] == "29990101-000000_resnet18_ffffffff" and at.title[0].value == "Train"
    assert "open_newest" not in [b.key for b in at.button]


def test_a_finished_run_of_another_dataset_comes_before_an_unfinished_one(studio, open_page):
    finished = studio.add_run(studio.add_dataset("a"))
    failed = studio.add_run(studio.add_dataset("b"), "failed")
    failed.path.rename(failed.path.with_name("29990101-000000_resnet18_ffffffff"))
    assert chosen(open_page("overview")) == ("a", finished.name)
    assert chosen(open_page("overview", dataset="b")) == ("b", "29990101-000000_resnet18_ffffffff")


def test_where_no_run_has_finished_the_newest_opens(studio, open_page):
    dataset = studio.add_dataset()
    failed = studio.add_run(dataset, "failed")
    assert chosen(open_page("overview")) == ("tiny", failed.name)
