"""Results: what a stakeholder needs in one row, what a checker needs below; every state without a traceback."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.builders import make_dataset, make_run

PAGES = ("results", "errors", "embedding", "explain")


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
    assert words in [s.value for s in at.subheader]
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
    assert not at.exception and (page == "results" or at.error)


def test_the_row_for_stakeholders_agrees_with_the_summary(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results")
    assert not at.exception and not at.error
    oof, shown = run.summary()["oof"], {m.label: m.value for m in at.metric}
    cells = oof["confusion"]
    assert shown["Landslide found"] == f"{cells['tp']}"
    assert shown["Landslide missed"] == str(cells["fn"]) and shown["False alarms"] == str(cells["fp"])
    assert shown["F1"] == f"{oof['f1']:.3f}"
    sentence = next(c.value for c in at.caption if c.value.startswith("Out of fold over 3 folds: each patch"))
    assert "n = 60 patches, 15 landslide" in sentence and "cross-fitted" in sentence


def test_it_says_in_words_whether_the_network_earns_its_place(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    summary = run.summary()
    for name in summary["differences"]:
        summary["differences"][name]["f1"] = {"difference": -0.2, "lo": -0.3, "hi": -0.1}
    run.write_json("summary.json", summary)
    at = open_page("results")
    words = next(m.value for m in at.markdown if "earn its place" in m.value)
    assert "earn its place? No.**" in words and "simple model does better" in words


def test_another_head_changes_the_row(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results")
    at.selectbox(key="results_head").select("fc").run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["F1"] == f"{run.summary()['heads']['fc']['f1']:.3f}"


def test_undefined_numbers_of_one_class_are_drawn(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    summary, oof = run.summary(), run.oof().assign(label=0)
    nothing = {"f1": None, "auc": None, "precision": None, "recall": None}
    for facts in summary["heads"].values():
        facts |= nothing | {"confusion": {"tp": 0, "fn": 0, "fp": 2, "tn": 58}, "intervals": {}}
    summary["differences"] = {}
    run.write_json("summary.json", summary)
    run.write_oof(oof)
    at = open_page("results")
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["F1"] == "undefined"


DOWNLOADS = {
    "scores": ("Metrics (CSV)", "Folds (CSV)", "Slices (CSV)"),
    "heads": ("Heads (CSV)", "Differences (CSV)"),
    "threshold": ("Every threshold (CSV)",),
    "curves": ("ROC curve (CSV)", "PR curve (CSV)", "Every patch, judged (CSV)"),
    "calibration": ("Calibrations (CSV)", "Reliability diagram (CSV)"),
    "desk": ("The thresholds tested (CSV)", "By fold (CSV)"),
    "difference": ("Comparisons (CSV)",),
    "elsewhere": (),
    "training": ("Learning curves (CSV)", "Out-of-fold table (CSV)", "Summary (JSON)"),
}


@pytest.mark.parametrize("view", DOWNLOADS)
def test_every_view_opens_by_its_link_and_has_its_numbers_to_download(studio, open_page, view):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results", run=run.name, results_view=view)
    if view == "desk":
        at.number_input(key="desk_limit_missed_per_1000").set_value(90.0).run()
    assert not at.exception and not at.error
    assert at.segmented_control(key="results_view").value == view
    assert set(DOWNLOADS[view]) <= {b.label for b in at.get("download_button")}


def test_the_table_of_folds_counts_from_one(studio, open_page):
    studio.add_run(studio.add_dataset())
    tables = [d.value for d in open_page("results").dataframe]
    folds = next(t for t in tables if isinstance(t, pd.DataFrame) and "Fold" in t)
    assert folds["Fold"].tolist() == [1, 2, 3] and folds["Positive"].sum() == 15


def test_hostile_names_are_shown_as_written(studio, open_page):
    evil = "<img src=x onerror=alert(1)>[x](javascript:alert(1))"
    data = make_dataset(studio.checkpoints / "datasets" / "evil.h5", n=36, class_names=("other", evil))
    run = make_run(studio.checkpoints, data.path)
    for page, view in [(page, "") for page in PAGES] + [("results", view) for view in DOWNLOADS]:
        at = open_page(page, run=run.name, **({"results_view": view} if view else {}))
        assert not at.exception, (page, view)
        for element in (*at.markdown, *at.caption, *at.subheader, *at.warning, *at.info, *at.error):
            assert "<img" not in element.value.replace("\\<img", ""), (page, element.value)
            assert "[x](" not in element.value, (page, element.value)
        for chart in at.get("plotly_chart"):
            assert "<img" not in str(json.loads(chart.proto.spec)), page
