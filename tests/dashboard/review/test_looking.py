"""The set that is looked at: ranges, orders, likeness, marks on maps, saved views, and links from before."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data.store import DatasetWriter, open_dataset
from core.flow.likeness import distances
from core.review import patch_sets
from dashboard.patches import outcomes
from dashboard.review import saved_views, sets
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
    assert not at.exception and any("All patches are looked at" in w.value for w in at.warning)
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
