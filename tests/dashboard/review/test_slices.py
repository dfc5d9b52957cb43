"""Slices on the page: before, while and after they are looked for; the worst first, and its patches as a set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analyses.review.slices import NAME
from core.jobs.analysis_folder import create
from core.runs.store import RunFolder
from dashboard.review.slices import bars, slice_ids, slice_title
from tests.dashboard import galleries
from tests.dashboard.results.made import words_of

VIEW = {"review_view": "slices"}
EMPTY = "empty_Find slices of errors"


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def row(key: str, name: str, measure: str, rate: float, **more) -> dict:
    clauses = [{"words": name.split(" (")[0], "numbers": "0.02 to 0.31"}]
    return {
        "key": key, "name": name, "clauses": clauses, "measure": measure, "n": 20, "proposed_by": 0, "tested": 10,
        "tested_wrong": round(10 * rate), "rate": rate, "lo": rate - 0.1, "hi": rate + 0.1, "rest_n": 20, "rest": 0.05,
        "difference": rate - 0.05, "diff_lo": 0.1, "diff_hi": 0.5, "n_groups": 9.0, "p": 0.001, "p_adjusted": 0.01,
        "kept": True, "also": {"wrong": [6, 12], "missed": [5, 10], "false_alarm": [1, 2]},
    } | more  # fmt: skip


LOW = row("aa11", "low NDVI (0.02 to 0.31)", "missed", 0.6)
RIVER = row("bb22", "alike patches, fold 2 group 1: high brightness", "false_alarm", 0.4)


def keep_slices(run: RunFolder, rows: list[dict], tested: list[dict] | None = None) -> pd.DataFrame:
    """A result as the analysis keeps it; the first six patches are in the first slice, the next four in the second."""
    oof = run.oof()
    n = len(oof)
    keys = [rows[int(i >= 6)]["key"] if rows and i < (10 if len(rows) > 1 else 6) else "" for i in range(n)]
    table = pd.DataFrame(
        {
            "id": oof["id"], "label": oof["label"], "fold": oof["fold"], "prob": oof["prob_fc"],
            "wrong": [i % 2 == 0 for i in range(n)], "uniqueness": np.linspace(0.5, 2, n),
            "outlier": np.linspace(2, 0.5, n), "hardness": np.linspace(0.1, 3, n), "cluster": 0, "half": 0,
            "slices": keys,
        }
    )  # fmt: skip
    results = run.results(NAME)
    results.write_table("patches", table)
    report = {
        "made": "2026-11-29T12:00:00+00:00", "head": "fc", "n": n, "n_positive": 15, "n_wrong": 30, "n_groups": 20,
        "grouped": True, "n_folds": 3, "halves": [30, 30], "n_candidates": 300, "n_tested": len(tested or rows),
        "slices": rows, "tested": tested or rows, "message": "Found.",
    }  # fmt: skip
    results.write_json("report.json", report)
    return table


def test_before_they_were_looked_for_a_click_begins_it_and_its_progress_is_followed(studio, run, open_page):
    studio.hold_lane(run)
    at = open_page("review", run=run.name, **VIEW)
    assert at.header[0].value == "Slices of errors have not been looked for"
    at.button(key=EMPTY).click().run()
    assert not at.exception and not at.header
    again = open_page("review", run=run.name, **VIEW)  # another session sees the same
    assert not again.exception and not again.header


def test_a_failed_search_says_why_and_can_be_begun_again(run, open_page):
    create(run, NAME).write_status(state="failed", error="The dataset has changed <b>.")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and any("The dataset has changed" in e.value for e in at.error)
    assert at.button(key=EMPTY)


def test_the_worst_comes_first_in_one_sentence_with_its_wrong_patches(run, open_page):
    table = keep_slices(run, [LOW, RIVER])
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception
    said = words_of(at)
    assert "The worst slice: **low NDVI (0.02 to 0.31)**. **60%** of 10 landslide patches are missed" in said
    assert "against 5% elsewhere" in said and "6 patches of this slice" in said
    assert galleries.shown(at, "slices_slice") == table["id"][[4, 2, 0, 5, 3, 1]].tolist()
    assert galleries.shown(at, "slices_hardest")[0] == table["id"].iloc[-1]
    assert galleries.shown(at, "slices_easiest")[0] == table["id"].iloc[0]
    assert galleries.shown(at, "slices_outlier")[0] == table["id"].iloc[0]
    assert galleries.shown(at, "slices_unique")[0] == table["id"].iloc[-1]
    assert "2.0 times" in str(galleries.sent(at, "slices_outlier")["tiles"][0]["lines"])


def test_another_slice_is_chosen_by_a_link(run, open_page):
    table = keep_slices(run, [LOW, RIVER])
    at = open_page("review", run=run.name, review_slice="bb22", **VIEW)
    assert not at.exception and "This slice: **alike patches, fold 2 group 1" in words_of(at)
    assert "of 10 other patches are false alarms" in words_of(at)
    assert galleries.shown(at, "slices_slice") == table["id"][[8, 6, 9, 7]].tolist()


def test_its_patches_are_opened_as_a_set(run, open_page):
    table = keep_slices(run, [LOW, RIVER])
    at = open_page("review", run=run.name, errors_folds="1", **VIEW)
    at.button(key="review_slice_go").click().run()
    at.run()
    assert not at.exception and at.query_params["review_set"] == "slice:aa11" and at.query_params["head"] == "fc"
    link = open_page("review", run=run.name, review_set="slice:aa11", errors_outcome=["TP", "FN", "FP", "TN"])
    assert set(galleries.shown(link, "errors")) == set(table["id"].head(6))
    assert "low NDVI (0.02 to 0.31)" in words_of(link)


def test_a_slice_that_is_gone_is_told_of(run, open_page):
    keep_slices(run, [LOW])
    at = open_page("review", run=run.name, review_set="slice:gone")
    assert not at.exception and any("not kept here any more" in w.value for w in at.warning)


def test_the_hardest_are_opened_in_their_order(run, open_page):
    keep_slices(run, [LOW])
    at = open_page("review", run=run.name, **VIEW)
    at.button(key="review_all_hardest").click().run()
    at.run()
    assert not at.exception and at.session_state["errors_order"] == "hardest"


def test_where_nothing_is_beyond_chance_it_says_so(run, open_page):
    keep_slices(run, [], tested=[row("cc33", "source A", "wrong", 0.1, kept=False, p_adjusted=1.0)])
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "No slice of errors is beyond chance: 1 were tested of 300" in words_of(at)
    assert galleries.shown(at, "slices_slice") == [] and galleries.shown(at, "slices_hardest")
    assert "source A" in at.dataframe[0].value["Slice"].tolist()


def test_a_damaged_result_is_told_of(run, open_page):
    keep_slices(run, [LOW])
    (run.results(NAME).path / "patches.parquet").write_bytes(b"none")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and at.error


def test_names_are_shown_as_they_are_written(studio, open_page):
    run = studio.add_hostile()
    keep_slices(run, [row("dd44", "source <b>x</b> [l](javascript:alert(1))", "missed", 0.6)])
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "](javascript" not in " ".join(m.value for m in at.markdown)


def test_the_set_of_a_run_without_slices_is_none(run):
    assert slice_ids(run, None, "aa11") is None and slice_title(run, None, "aa11") == ""


def test_bars_have_the_rate_the_interval_and_the_rest():
    figure = bars([LOW, RIVER], "aa11")
    first, rest = figure.data[0], figure.data[1]
    assert first.x == (60,) and first.error_x.array == pytest.approx((10,)) and rest.x == (5,)
    assert [trace.showlegend for trace in figure.data] == [True, False, True, True]
    names = figure.layout.annotations
    assert names[0].text == "<b>low NDVI</b>" and names[0].y < first.y[0] < names[1].y
