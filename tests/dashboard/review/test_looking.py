"""The set that is looked at: ranges, orders, likeness, marks on maps, saved views, and links from before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.review import slices
from core.config import preset
from core.data.store import DatasetWriter, open_dataset
from core.flow.likeness import distances
from core.predict.novelty.own import OwnNovelty
from core.review import patch_sets
from dashboard.patches import outcomes
from dashboard.review import saved_views, sets, table
from tests.builders import make_run
from tests.dashboard import galleries

ALL = ["TP", "FN", "FP", "TN"]


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def placed_file(studio):
    """The tiny dataset on a grid of places."""
    like = open_dataset(studio.add_dataset("like"))
    rows, path = np.arange(len(like)), studio.checkpoints / "datasets" / "placed.h5"
    lonlat = np.stack([10 + 0.01 * (rows % 8), 46 + 0.01 * (rows // 8)], axis=1)
    with DatasetWriter(
        path, bands=like.bands, shape_hw=like.shape[1:], class_names=like.class_names, source="Made in a test."
    ) as writer:
        writer.append(like.images(rows), like.labels[rows], like.ids[rows].tolist(), masks=like.masks(rows),
                      lonlat=lonlat)  # fmt: skip
        writer.finish()
    return path


def judged(run, head: str = "svm_c0.1"):
    return outcomes.judged(run.oof(), head, outcomes.thresholds_of(run.summary(), head))


def test_a_link_to_the_former_page_of_errors_leads_here_with_all_that_it_names(run, open_page):
    at = open_page("errors", run=run.name, errors_outcome="TP", errors_folds="1")
    assert not at.exception and at.title[0].value == "Review"
    table = judged(run)
    wanted = table[(table["outcome"] == "TP") & (table["fold"] == 1)]
    assert sorted(galleries.shown(at, "errors")) == sorted(wanted["id"])


def test_the_probability_and_the_numbers_follow_the_range(run, open_page):
    at = open_page("review", run=run.name, errors_outcome=ALL, review_low="0.4", review_high="0.6", errors_size="48")
    table = judged(run)
    inside = table[table["prob"].between(0.4, 0.6)]
    assert sorted(galleries.shown(at, "errors")) == sorted(inside["id"])[:48] and len(inside)
    assert any(c.value.startswith(f"{len(inside)} shown (") for c in at.caption)


def test_the_hardest_by_all_heads_come_first(run, open_page):
    at = open_page("review", run=run.name, errors_outcome=ALL, errors_order="hardest")
    oof = run.oof()
    heads = outcomes.heads_of(oof)
    of_truth = [np.where(oof["label"] == 1, oof[f"prob_{h}"], 1 - oof[f"prob_{h}"]) for h in heads]
    oof["hardness"] = np.mean([-np.log(np.clip(p, 1e-7, 1)) for p in of_truth], axis=0)
    assert galleries.shown(at, "errors")[0] == oof.sort_values("hardness")["id"].iloc[-1]


def test_patches_on_which_the_folds_disagree_come_first(run, open_page):
    data = open_dataset(run.dataset_path())
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(3, len(data)))
    for fold in range(3):
        run.write_scores(fold, {"svm_c0.1": scores[fold]})
    run.write_json(
        "rules.json", {"svm_c0.1": {"slope": None, "intercept": None, "thresholds": [0.5] * 3, "deployed": 0.5}}
    )
    at = open_page("review", run=run.name, errors_outcome=ALL, errors_order="folds", review_differ="folds",
                   review_least="0.2")  # fmt: skip
    assert not at.exception
    differ = np.std(1 / (1 + np.exp(-scores)), axis=0)
    wanted = [str(data.ids[row]) for row in np.argsort(-differ) if differ[row] >= 0.2]
    assert galleries.shown(at, "errors") == wanted[:24]
    said = " ".join(c.value for c in at.caption).replace("\\", "")
    assert "folds differ by 0.20 or more" in said and "own fold has not learnt it" in said


def test_other_runs_on_the_same_patches_are_held_against_this_one(studio, run, open_page):
    assert not any(m.key == "review_runs" for m in open_page("review", run=run.name).multiselect)
    config = preset("demo").with_overrides(["train.epochs=4", "folds.n_splits=3", "seed=5"])
    other = make_run(studio.checkpoints, run.dataset_path(), config=config)
    oof, ours = other.oof(), judged(run).set_index("id")["prob"]
    oof.loc[oof["id"] == ours.index[7], f"prob_{other.summary()['head']}"] = 1.0 - round(ours.iloc[7])
    other.write_oof(oof)
    at = open_page("review", run=run.name, errors_outcome=ALL, errors_order="runs", review_runs=other.name)
    assert not at.exception
    theirs = oof.set_index("id")[f"prob_{other.summary()['head']}"].reindex(ours.index)
    differ = (ours - theirs).abs() / 2  # of two
    shown = galleries.shown(at, "errors")
    assert differ[shown].tolist() == pytest.approx(differ.sort_values(ascending=False)[:24].tolist())
    few = table.with_run_spread(judged(run), [])
    assert few["runs_differ"].isna().all()  # one answer differs from nothing
    assert "runs" not in open_page("review", run=run.name, errors_order="runs").selectbox(key="errors_order").options


def test_novelty_is_offered_where_it_was_measured(run, open_page, monkeypatch):
    at = open_page("review", run=run.name, errors_order="novel")
    assert any("Not measured yet" in c.value for c in at.caption)
    assert at.selectbox(key="errors_order").value == "surest"
    data = open_dataset(run.dataset_path())
    rows = np.arange(len(data))[::2]
    own = OwnNovelty(rows, np.linspace(0.02, 1.0, len(rows)), 50, "both")
    monkeypatch.setattr(table, "novelty_of", lambda _: own)
    at = open_page("review", run=run.name, errors_outcome=ALL, errors_order="novel", review_novelty="rather")
    assert not at.exception
    assert galleries.shown(at, "errors") == [str(data.ids[row]) for row in rows[own.p <= 0.1]][:24]
    assert "Unlike the training set (1 in 50)" in at.selectbox(key="review_novelty").options
    assert any("the others pass no choice of it" in c.value for c in at.caption)
    assert any("Rather unlike the training set" in c.value and c.value.startswith("Only:") for c in at.caption)


def test_the_most_unique_come_first_once_slices_were_looked_for(run, open_page):
    assert open_page("review", run=run.name, errors_order="unique").selectbox(key="errors_order").value == "surest"
    oof, results = run.oof(), run.results(slices.NAME)
    n = len(oof)
    results.write_table("patches", pd.DataFrame({"id": oof["id"], "uniqueness": np.linspace(0, 3, n), "outlier": 1.0}))
    results.write_json("report.json", {"slices": []})
    at = open_page("review", run=run.name, errors_outcome=ALL, errors_order="unique")
    assert not at.exception and galleries.shown(at, "errors") == oof["id"].tolist()[::-1][:24]
    assert any("nearest other held-out patches" in c.value for c in at.caption)


def test_sorted_by_likeness_to_a_chosen_patch(run, open_page):
    at = open_page("review", run=run.name, errors_outcome=ALL)
    one = galleries.shown(at, "errors")[3]
    galleries.choose(at, "errors", [one])
    at.button(key="errors_action_1").click().run()
    at.run()
    assert not at.exception and at.query_params["review_alike"] in (one, [one])
    data = open_dataset(run.dataset_path())
    away = distances(run, run.fold_of(one), int(data.index_of([one])[0]))
    shown = galleries.shown(at, "errors")
    assert shown[0] == one
    far = away[data.index_of(shown)]
    assert (np.diff(far) >= 0).all() and len(shown) == 24


def test_what_is_marked_on_a_map_filters_everything_until_it_is_cleared(run, open_page):
    at = open_page("review", run=run.name, errors_outcome=ALL, review_beside="projection")
    assert not at.exception and any("Projection of" in c.value for c in at.caption)
    some = galleries.shown(at, "errors")[:3]
    at.session_state[sets.SET] = f"marked:{patch_sets.keep(run, some)}"
    at.run()
    assert sorted(galleries.shown(at, "errors")) == sorted(some)
    assert any("3 marked on a map" in c.value for c in at.caption)
    link = at.query_params["review_set"]
    again = open_page("review", run=run.name, errors_outcome=ALL, review_set=link)
    assert sorted(galleries.shown(again, "errors")) == sorted(some)
    at.button(key="review_unset").click().run()
    assert len(galleries.shown(at, "errors")) == 24 and "review_set" not in at.query_params


def test_a_saved_view_holds_what_was_marked(run, open_page):
    some = run.oof()["id"].tolist()[:4]
    name = patch_sets.keep(run, some)
    at = open_page("review", run=run.name, errors_outcome=ALL, review_set=f"marked:{name}")
    at.text_input(key="review_save_as").set_value("Four").run()
    at.button(key="review_keep").click().run()
    again = open_page("review", run=run.name)
    again.button(key=f"review_open_{next(iter(saved_views.saved(run)))}").click().run()
    assert sorted(galleries.shown(again, "errors")) == sorted(some)
    assert sets._in_views(run) == {name}


@pytest.mark.parametrize("named", ["marked:0123456789abcdef", "marked:../../x", "strange:1", "marked", ":"])
def test_a_set_that_is_not_there_is_told_and_leaves_nothing_out(run, open_page, named):
    at = open_page("review", run=run.name, errors_outcome=ALL, review_set=named)
    assert not at.exception and any("It filters nothing" in w.value for w in at.warning)
    assert len(galleries.shown(at, "errors")) == 24
    at.button(key="review_unset").click().run()
    assert not at.warning and "review_set" not in at.query_params


def test_a_folder_that_cannot_be_written_to_keeps_the_marks_for_the_session(run, open_page, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(patch_sets, "keep", full)
    at = open_page("review", run=run.name, errors_outcome=ALL)
    some = galleries.shown(at, "errors")[:2]

    def page(run, some):
        from dashboard.review import sets

        sets.mark(run, some)

    marked = AppTest.from_function(page, args=(run, some)).run()
    assert "this session only" in marked.toast[0].value
    for key in (sets.SET, sets._HERE):
        at.session_state[key] = marked.session_state[key]
    at.run()
    assert not at.exception and sorted(galleries.shown(at, "errors")) == sorted(some)


def test_a_map_of_places_is_offered_where_patches_have_places(studio, run, open_page):
    assert "With map" not in open_page("review", run=run.name).button_group(key="review_beside").options
    placed = make_run(studio.checkpoints, placed_file(studio))
    at = open_page("review", run=placed.name, review_beside="places", errors_outcome=ALL)
    assert not at.exception and any(c.value.startswith("Map of ") for c in at.caption)


def test_a_view_is_kept_under_a_name_and_opens_again(run, open_page):
    at = open_page("review", run=run.name, errors_outcome="TP", errors_folds="1", review_low="0.5")
    at.text_input(key="review_save_as").set_value("Sure hits <b>").run()
    at.button(key="review_keep").click().run()
    shown = galleries.shown(at, "errors")
    view = saved_views.saved(run)
    assert [v["name"] for v in view.values()] == ["Sure hits <b>"]

    again = open_page("review", run=run.name, errors_order="low_loss", review_high="0.2")
    again.button(key=f"review_open_{next(iter(view))}").click().run()
    assert not again.exception and galleries.shown(again, "errors") == shown
    assert "review_high" not in again.query_params and again.query_params["errors_folds"] in ("1", ["1"])
    again.button(key=f"review_remove_{next(iter(view))}").click().run()
    assert not saved_views.saved(run)


def test_a_damaged_view_is_passed_over(run):
    saved_views.keep(run, "good", "Ada", {"errors_folds": ["1"]})
    saved_views.keep(run, "bad", "Ada", {})
    (saved_views._folder(run).part("bad").path / saved_views.FILE).write_text("[]")
    assert [v["name"] for v in saved_views.saved(run).values()] == ["good"]
