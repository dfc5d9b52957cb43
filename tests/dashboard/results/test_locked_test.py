"""The locked test and the distance to training on the Results page."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from core.data.held_back.openings import record_opening
from core.data.store import DatasetWriter, open_dataset
from core.evaluate.metrics import METRIC_NAMES
from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def with_test_part(run):
    """The run's dataset with its last patches as the source's own test part, which the run does not know."""
    plain = open_dataset(run.dataset_path())
    n = len(plain)
    writer = DatasetWriter(
        plain.path, bands=plain.bands, shape_hw=plain.shape[1:], class_names=plain.class_names, source=""
    )
    with writer:
        split = ["train"] * (n - 6) + ["test"] * 6
        writer.append(plain.images(), plain.labels, plain.ids.tolist(), groups=plain.groups.tolist(), split=split)
        return writer.finish()


def test_without_a_test_part_the_view_says_where_one_comes_from(run, open_page):
    at = open_page("results", run=run.name, results_view="locked_test")
    assert not at.exception
    if not any(b.key == "locked_go" for b in at.button):
        assert any("no labelled test part" in i.value for i in at.info)


def test_it_opens_only_when_that_is_meant_and_shows_who_opened_it_before(run, open_page):
    data = with_test_part(run)
    facts = {"run": "=earlier", "part": "test", "set": "s", "n": 6, "head": "fc", "threshold": 0.5, "f1": 0.8}
    record_opening(data.path, {**facts, "f1_interval": [0.7, 0.9], "auc": 0.9})
    at = open_page("results", run=run.name, results_view="locked_test")
    assert not at.exception and at.button(key="locked_go").disabled
    assert "openings so far: 1" in at.checkbox(key="locked_sure").label
    assert any("=earlier" in str(d.value) for d in at.dataframe)
    at.checkbox(key="locked_sure").check().run()
    assert not at.button(key="locked_go").disabled


def test_what_was_judged_is_shown_with_its_earlier_openings(run, open_page):
    with_test_part(run)
    values = dict.fromkeys(METRIC_NAMES, 0.5) | {"n": 6, "intervals": {"f1": [0.4, 0.6]}}
    report = values | {
        "run": run.name, "part": "test", "dataset_name": "x", "head": "fc", "positive": "landslide", "oof": values,
        "confusion": {"tp": 2, "fn": 1, "fp": 1, "tn": 2}, "n_sharing": 0, "earlier": [{"run": "r<1>"}],
        "threshold": 0.4, "notes": ["A test that has been looked at before may have been chosen by."], "grouped": True,
    }  # fmt: skip
    results = run.results("locked_test").part("test")
    results.write_table("patches", pd.DataFrame({"id": ["a"], "label": [1], "prob": [0.5], "pred": [1]}))
    results.write_json("report.json", report)
    at = open_page("results", run=run.name, results_view="locked_test")
    assert not at.exception
    words = words_of(at)
    for part in ("On 6 held-back test patches", "opened once before", "may have been chosen by"):
        assert part in words
    table = next(d.value for d in at.dataframe if "Held-back part" in d.value)
    assert table["Held-back part"][0] == "0.500 (0.400–0.600)"


def test_the_distance_to_training_stands_on_the_page(run, open_page):
    summary = json.loads((run.path / "summary.json").read_text())
    summary["ground"] = {
        "n": 60, "n_placed": 60, "overlap": 0.25, "overlap_20": 0.1, "in_pictures": False, "buffer_m": 0.0, "note": "",
        "within": [{"distance": 640.0, "unit": "m", "share": 0.5}],
    }  # fmt: skip
    run.write_json("summary.json", summary)
    at = open_page("results", run=run.name)
    assert any("25% share ground with a training patch" in c.value for c in at.markdown)
    run.write_json("summary.json", {**summary, "ground": None})
    assert any("their places are not known" in c.value for c in open_page("results", run=run.name).markdown)
