"""The view of ways of splitting: empty, running, failed and finished."""

from __future__ import annotations

import pytest

from core.analyses.splitting.protocols import sentence
from core.jobs import queue
from core.jobs.analysis_folder import create
from dashboard.results.splits import charts
from dashboard.results.splits.view import rows_of, table_of
from tests.dashboard.results.made import words_of


def score(value, lo=None, hi=None):
    return {"value": value, "lo": lo, "hi": hi, "sd": None}


def way(name, title, auc, regions=(), **more):
    one = {"auc": score(auc, auc - 0.02, auc + 0.02), "f1": score(auc - 0.1, auc - 0.14, auc - 0.06)}
    own = [
        {"name": region, "n": 40, "n_positive": 10, "auc": score(value, value - 0.05, value + 0.05)}
        | {"f1": score(value - 0.1)}
        for region, value in regions
    ]
    metrics = one | ({"auc_within": score(auc - 0.01, auc - 0.03, auc + 0.01)} if regions else {})
    facts = {"n_folds": 3, "draws": 1, "n_train": 80.0, "left_out": 0.05, "shared": 0.2, "notes": ["<b>a note</b>"]}
    row = {"name": name, "title": title, "missing": "", "metrics": metrics, "regions": own, "against": None}
    return row | facts | more


@pytest.fixture
def report():
    regions = [("east*", 0.8), ("west", 0.61)]
    gap = {metric: {"difference": -0.2, "lo": -0.25, "hi": -0.15, "p": 0.001} for metric in ("auc", "f1")}
    return {
        "version": 1, "recipe": "statistics", "head": "An SVM on band statistics", "region": "source", "n": 80,
        "n_positive": 20, "n_groups": 20, "dataset": "made", "positive": "landslide", "made": "2026-11-29T10:00:00",
        "seconds": 3.2, "options": {"recipe": "statistics", "buffer_m": 500.0, "draws": 1},
        "ways": [
            way("random", "Random folds", 0.95, [("east*", 0.96), ("west", 0.94)]),
            {"name": "grouped", "title": "Grouped folds", "missing": "no groups here"},
            way("region", "Leave one region out", 0.75, regions, against=gap),
        ],
    }  # fmt: skip


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_the_picture_has_a_dot_a_way_and_two_a_region_the_worst_first(report):
    able = [row for row in report["ways"] if not row["missing"]]
    figure = charts.ways(able, "auc", "AUC")
    assert [(one.y[0], one.x[0]) for one in figure.data] == [("Random folds", 0.95), ("Leave one region out", 0.75)]
    drawn = [one for one in charts.regions(able[-1], able[0], "auc", "AUC").data if one.mode == "markers"]
    assert [round(one.x[0], 2) for one in drawn] == [0.94, 0.61, 0.96, 0.8]
    assert drawn[0].y[0] == "west<br><span style='font-size: 11px'>n = 40, 25% positive</span>"


def test_the_table_and_the_file_hold_every_way(report):
    able = [row for row in report["ways"] if not row["missing"]]
    table = table_of(able, "auc")
    assert table["AUC"].tolist() == ["0.950 (0.930–0.970)", "0.750 (0.730–0.770)"]
    assert table["Against random folds"].tolist() == ["", "−0.200 (−0.250 to −0.150)"]
    rows = rows_of(report)
    assert len(rows) == 2 * (3 + 2 * 2) and set(rows["region"]) == {"", "east*", "west"}


def test_the_sentence_names_both_ends_and_the_worst_region(report):
    assert sentence(report) == (
        "AUC is 0.950 with random folds and 0.750 in a region left out of training: 0.200 less (0.150–0.250). Worst "
        "region: west, 0.610 (0.560–0.660), n = 40, 25% landslide."
    )


def test_before_it_was_asked_it_is_offered_and_a_failure_is_a_sentence(run, studio, open_page):
    at = open_page("results", run=run.name, results_view="splits")
    assert not at.exception and "A score depends on how the patches were split" in words_of(at)
    next(button for button in at.button if button.label == "Compare ways of splitting").click().run()
    assert not at.exception
    assert studio.answered(run, "protocols")["state"] == "succeeded"
    at.run()
    assert not at.exception and "with random folds" in words_of(at)
    folder = create(run, "protocols", {"region": "land"})
    folder.write_status(state="failed", error="There is no column 'land'.", message="")
    at.run()
    assert not at.exception and "There is no column 'land'" in words_of(at).replace("\\", "")


def test_while_it_runs_its_progress_is_there(run, studio, open_page):
    folder = create(run, "protocols", {})
    studio.hold_lane(folder)
    queue.submit_analysis(run, "protocols", {})
    at = open_page("results", run=run.name, results_view="splits")
    assert not at.exception and "A score depends on how" not in words_of(at)


def test_a_finished_one_is_shown_and_what_was_written_is_shown_literally(run, report, open_page):
    run.results("protocols").part("statistics").write_json("report.json", report)
    at = open_page("results", run=run.name, results_view="splits")
    words = words_of(at)
    assert not at.exception and "Worst region: west" in words.replace("\\", "")
    assert "Grouped folds: no groups here" in words and "not for regions that are not here" in words
    at.selectbox(key="splits_metric").set_value("auc_within").run()
    assert not at.exception and "AUC within regions is 0.940" in words_of(at).replace("\\", "")
    run.results("protocols").part("packaged").write_json("report.json", report | {"recipe": "packaged"})
    at = open_page("results", run=run.name, results_view="splits")
    assert at.selectbox(key="splits_recipe").value == "packaged"


def test_the_train_form_offers_columns_as_regions(studio, open_page):
    path = studio.add_placed("with_places")
    at = open_page("train", dataset=path.stem)
    assert not at.exception
    widget = next(one for one in at.selectbox if str(one.key).endswith("folds.region"))
    assert "sensor" in widget.options
    widget.set_value("sensor").run()
    assert not at.exception and "3 folds of" in words_of(at)
