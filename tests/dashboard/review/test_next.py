"""What to label next on the page: where one may choose, before, while and after; the queue; labels made of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analyses.review.next_patches import NAME, folder
from core.data.label_versions import read_version, version_names
from core.data.store import DatasetWriter, open_dataset
from core.jobs.analysis_folder import list_for
from core.review.judgements import Judgements
from dashboard.review.next.view import NEXT_KIND, evidence, worth_words
from tests.builders import make_run
from tests.dashboard.predict.conftest import add_map
from tests.dashboard.results.made import words_of

VIEW = {"review_view": "next"}
IDS = ["n3", "n1", "n4", "n0"]


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def other(studio, run):
    """A dataset of six patches without labels."""
    own = open_dataset(studio.templates / "tiny.h5")
    path = studio.checkpoints / "datasets" / "other.h5"
    with DatasetWriter(
        path, bands=own.bands, shape_hw=own.shape[1:], class_names=own.class_names, source="a test"
    ) as w:
        w.append(own.images(np.arange(6)) + 1, np.full(6, -1), [f"n{i}" for i in range(6)])
        w.finish()
    return path


def keep_batch(run, judged, where, ids, kind="patch", share=0.25):
    """A batch as the analysis keeps it."""
    n = len(ids)
    table = pd.DataFrame(
        {
            "rank": range(1, n + 1), "id": ids, "prob": np.linspace(0.5, 0.4, n), "spread": 0.1, "uncertainty": 0.9,
            "novelty": 0.97, "kind": range(1, n + 1), "alike": 2, "near": str(run.oof()["id"][0]),
            "reason": [f"p {p:.2f} beside the threshold 0.50" for p in np.linspace(0.5, 0.4, n)],
        }
    )  # fmt: skip
    part = folder(run, where)
    part.write_table("patches", table)
    part.write_json(
        "report.json",
        {"made": "2026-11-29T10:00:00+00:00", "where": where, "title": "dataset 'other'", "kind": kind,
         "judged": str(judged), "n": n, "n_candidates": 6, "n_kinds": n, "head": "fc", "threshold": 0.5,
         "share": share, "share_is_stated": False, "ids": list(ids), "message": "Chosen."},
    )  # fmt: skip


def test_where_everything_has_a_label_it_says_where_else_to_look(run, open_page):
    at = open_page("review", run=run.name, **VIEW)
    assert at.header[0].value == "Every patch here has a label" and not at.exception
    assert [at.button(key=key).label for key in ("next_import", "next_scene", "next_predict")] == [
        "Import patches", "Predict a scene", "Predict patches"
    ]  # fmt: skip


def test_a_batch_is_asked_for_and_followed_and_a_failure_says_why(studio, run, other, open_page):
    studio.hold_lane(run)
    at = open_page("review", run=run.name, **VIEW)
    assert at.selectbox(key="next_form_where").options == ["Dataset other: 6 unlabelled patches"]
    at.number_input(key="next_form_n").set_value(3)
    at.button(key="next_go").click().run()
    assert not at.exception
    (job,) = list_for(run, NAME)
    assert job.options() == {"n": 3, "where": "dataset:other"}
    again = open_page("review", run=run.name, **VIEW)  # another session sees the same
    assert not again.exception and "next_go" not in {button.key for button in again.button}
    job.write_status(state="failed", error="The disk is <b>full</b>.")
    failed = open_page("review", run=run.name, **VIEW)
    assert any("The disk is" in e.value for e in failed.error) and failed.button(key="next_go")


def test_the_queue_is_judged_and_becomes_labels_to_train_with(run, other, open_page):
    keep_batch(run, other, "dataset:other", IDS)
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "4 of 6 patches" in words_of(at) and "1 of 4" in words_of(at)
    assert "p 0.50 beside the threshold 0.50" in words_of(at)
    at.button(key="next_judge_landslide").click().run()
    assert "Write your name first" in at.warning[0].value
    at.text_input(key="reviewer").set_value("Ada").run()
    at.text_input(key="next_note").set_value("Fresh scar").run()
    at.button(key="next_judge_landslide").click().run()
    assert at.query_params["next_item"] == "n1" and "1 of 4" in words_of(at)
    at.button(key="next_judge_not").click().run()
    at.button(key="next_judge_unsure").click().run()
    at.button(key="next_undo").click().run()
    assert at.query_params["next_item"] == "n4"
    at.button(key="next_judge_bad image").click().run()
    desk = Judgements(other)
    assert [(e.subject, e.verdict, e.note) for e in desk.latest()] == [
        ("n3", "landslide", "Fresh scar"), ("n1", "not", ""), ("n4", "bad image", "")
    ]  # fmt: skip
    assert at.query_params["next_item"] == "n0" and "2 patches** would get their first label" in words_of(at)
    at.text_input(key="review_why").set_value("first batch")
    at.button(key="review_make_go").click().run()
    (name,) = version_names(other)
    assert {c.id: c.after for c in read_version(other, name).changes} == {"n3": 1, "n1": 0}
    assert any("2 given to patches without one" in one.value for one in at.success)
    at.button(key="next_judge_not").click().run()
    assert any("All of this batch is judged" in one.value for one in at.success)
    at.button(key="next_train").click().run()
    assert not at.exception and at.title[0].value == "Train" and at.query_params["dataset"] == "other"


def test_cells_of_a_scene_are_judged_by_the_same_keys(run, open_page):
    own = add_map(run)
    keep_batch(run, own.path, "scene:after-1", ["1-1", "2-2"], kind="cell")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "2 of 6 cells" in words_of(at)
    at.text_input(key="reviewer").set_value("Ada").run()
    at.button(key="next_judge_not").click().run()
    (entry,) = Judgements(own.path).latest("cell")
    assert (entry.subject, entry.verdict) == ("200 m 1-1", "not") and at.query_params["next_item"] == "2-2"
    assert at.button(key="predict_judged_go").label == "Make them"


def test_a_batch_whose_dataset_is_gone_says_so_and_another_can_be_asked_for(run, other, open_page):
    keep_batch(run, other, "dataset:other", IDS)
    other.rename(other.with_suffix(".gone"))
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and at.error


def test_what_it_is_worth_in_words_follows_what_was_measured():
    assert worth_words(0.1).startswith("It pays here: 10% of this run’s patches are landslides; in simulations at 10%")
    assert worth_words(0.5).startswith("Little is gained here: 50%")
    assert "2% of this ground is stated to be landslides" in worth_words(
        0.02, is_stated=True
    ) and "Rarer landslides were not measured" in evidence(0.02)


def test_a_run_that_learnt_from_them_shows_how_it_answers_what_another_asked_for(studio, run, open_page):
    ids = run.oof()["id"].astype(str).tolist()[:3]
    asking = make_run(studio.checkpoints, run.dataset_path())
    keep_batch(asking, run.dataset_path(), "own", ids)
    at = open_page("review", run=run.name, **VIEW)
    at.button(key=f"next_asked_{asking.name}").click().run()
    assert not at.exception and at.session_state["review_set"] == f"next:{asking.name}"


def test_the_set_of_a_link_is_what_a_run_asked_for_of_this_dataset(run, other):
    assert NEXT_KIND.ids(run, open_dataset(other), run.name) is None
    keep_batch(run, other, "dataset:other", IDS)
    assert NEXT_KIND.ids(run, open_dataset(other), run.name) == frozenset(IDS)
