"""Label issues on the page: before, while and after they are looked for, and how many were wrong so far."""

from __future__ import annotations

import pandas as pd
import pytest

from core.analyses.review.label_issues import NAME
from core.jobs.analysis_folder import create
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from tests.dashboard import galleries
from tests.dashboard.results.made import words_of

VIEW = {"review_view": "issues"}


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def keep_issues(run: RunFolder) -> pd.DataFrame:
    """A result as the analysis keeps it: doubt falls by one patch after the other."""
    oof = run.oof()
    n = len(oof)
    table = pd.DataFrame(
        {
            "rank": range(1, n + 1), "id": oof["id"], "label": oof["label"], "suggested": 1 - oof["label"],
            "fold": oof["fold"], "group": "", "prob": oof["prob_fc"], "score": [1 - i / n for i in range(n)],
            "heads": 0.5, "neighbours": 0.5, "trained": 0.5, "runs": float("nan"), "spread": 0.1, "cleanlab": 0.5,
            "cleanlab_issue": [i < 2 for i in range(n)],
        }
    )  # fmt: skip
    results = run.results(NAME)
    results.write_table("patches", table)
    results.write_json(
        "report.json",
        {"n": n, "n_positive": int(oof["label"].sum()), "head": "fc", "cleanlab_expected": 2, "runs": [], "first": 4,
         "planted": None, "message": "About 2 labels are likely wrong (cleanlab)."},
    )  # fmt: skip
    return table


def test_before_they_were_looked_for_a_click_begins_it_and_its_progress_is_followed(studio, run, open_page):
    studio.hold_lane(run)
    at = open_page("review", run=run.name, **VIEW)
    assert at.header[0].value == "The labels have not been checked"
    at.button(key="empty_Find likely wrong labels").click().run()
    assert not at.exception and not at.header
    again = open_page("review", run=run.name, **VIEW)  # another session sees the same
    assert not again.exception and not again.header


def test_a_failed_search_says_why_and_can_be_begun_again(run, open_page):
    job = create(run, NAME)
    job.write_status(state="failed", error="The dataset has changed <b>.")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and any("The dataset has changed" in e.value for e in at.error)
    assert at.button(key="empty_Find likely wrong labels")


def test_no_order_by_doubt_before_labels_were_looked_for(run, open_page):
    at = open_page("review", run=run.name, errors_order="issue", review_issue="first")
    assert not at.exception and at.selectbox(key="errors_order").value == "surest"
    assert "review_issue" not in [s.key for s in at.selectbox]


def test_the_likeliest_are_opened_in_their_order(run, open_page):
    table = keep_issues(run)
    at = open_page("review", run=run.name, errors_folds="1", review_view="issues")
    at.button(key="review_issues_go").click().run()
    assert not at.exception and galleries.shown(at, "errors") == table["id"].tolist()[:4]
    assert "doubt 1.00, number 1" in str(galleries.sent(at, "errors")["tiles"][0]["lines"])


def test_precision_as_far_as_one_has_come(run, open_page):
    """Of four judged three were sure, one of them says the label was wrong."""
    table = keep_issues(run)
    judgements = Judgements(run.dataset_path())
    for place, turned in ((0, True), (1, False), (3, False)):
        label = int(table["label"][place]) ^ turned
        judgements.add("patch", table["id"][place], "landslide" if label else "not", "Ada")
    judgements.add("patch", table["id"][2], "unsure", "Ada")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "Of 3 judged so far **1 were wrong** (33%" in words_of(at)


def test_a_damaged_result_is_told_of(run, open_page):
    keep_issues(run)
    (run.results(NAME).path / "patches.parquet").write_bytes(b"none")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and at.error
