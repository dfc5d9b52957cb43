"""Explain: maps by outcome with the dead ones flagged, bands with their interval, and what neither shows."""

from __future__ import annotations

import json

import pytest

from core.jobs import queue
from core.jobs.analysis_folder import create_study
from dashboard.patches import outcomes


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_every_outcome_has_its_mean_map_and_count(run, open_page):
    at = open_page("explain")
    assert not at.exception and not at.error
    counts = outcomes.counts(outcomes.judged(run.oof(), "svm_c0.1"))
    shown = [s.value for s in at.subheader]
    assert shown[0] == f"Landslide, found · {counts['TP']}" and len(shown) == 4
    figure = json.loads(at.get("plotly_chart")[0].proto.spec)
    assert sum(trace["type"] == "heatmap" for trace in figure["data"]) == sum(1 for n in counts.values() if n)
    assert any(f"{counts['TP']} maps" in note["text"] for note in figure["layout"]["annotations"])


def test_layer_size_and_head_are_named_and_dead_maps_flagged(run, open_page):
    at = open_page("explain")
    assert any("8×8 cells" in c.value and "layer blocks" in c.value.replace("\\", "") for c in at.caption)
    assert "1 of 60 maps are dead" in at.warning[0].value
    assert any("do not outline the landslide" in m.value for m in at.markdown)


def test_opacity_scale_and_head_can_be_chosen(run, open_page):
    at = open_page("explain")
    at.slider(key="explain_opacity").set_value(30).run()
    at.radio(key="explain_heat").set_value("fold").run()
    at.toggle(key="explain_raw").set_value(True).run()
    at.selectbox(key="explain_head").select("stats_svm").run()
    at.toggle(key="explain_cam").set_value(False).run()
    assert not at.exception


def bars(at) -> dict:
    return json.loads(at.get("plotly_chart")[0].proto.spec)


def test_bands_are_drawn_with_interval_n_and_baseline(run, open_page):
    at = open_page("explain")
    at.button_group(key="explain_view").set_value("bands").run()
    assert not at.exception
    figure = bars(at)
    assert sum(len(trace["y"]) for trace in figure["data"]) == 12
    assert all("error_x" in trace for trace in figure["data"])
    sentence = next(c.value for c in at.caption if c.value.startswith("15 patches labelled landslide"))
    assert (
        "out of fold over 3 folds" in sentence
        and "mean over the training part" in sentence
        and "whole groups" in sentence
    )
    assert any("stand in for each other" in m.value for m in at.markdown)


def test_the_papers_way_and_the_other_baseline_are_options_with_intervals(run, open_page):
    at = open_page("explain", explain_view="bands")
    drop = bars(at)["data"][0]
    at.selectbox(key="explain_baseline").select("zero_raw").run()
    at.selectbox(key="explain_measure").select("paper").run()
    assert not at.exception
    paper = bars(at)["data"][0]
    assert "error_x" in paper and paper["x"] != drop["x"]
    assert any("takes the probability before to be 1" in m.value for m in at.markdown)


@pytest.mark.parametrize(("view", "button"), [("checks", "Run the check"), ("drill", "Run the drill")])
def test_what_was_not_asked_for_yet_is_a_sentence_and_a_button(run, open_page, view, button):
    at = open_page("explain", explain_view=view)
    assert not at.exception and not at.error
    assert button in [b.label for b in at.button]


def test_an_old_run_shows_its_bands_and_offers_the_study(run, open_page):
    at = open_page("explain", explain_view="bands")
    assert not at.exception and not at.error
    assert "Run the study" in [b.label for b in at.button]
    assert any("for shares of groups" in m.value for m in at.markdown)


@pytest.mark.parametrize("view", ["where", "checks", "bands", "drill"])
@pytest.mark.parametrize("stage", ["running", "failed"])
def test_before_a_run_has_finished_every_view_says_how_it_stands(studio, open_page, stage, view):
    studio.add_run(studio.add_dataset(), stage)
    at = open_page("explain", explain_view=view)
    assert not at.exception
    assert any("training" in s.value or "failed" in s.value for s in at.subheader)


def test_a_view_that_does_not_exist_gives_the_first(run, open_page):
    at = open_page("explain", explain_view="<b>", explain_of="../x")
    assert not at.exception and at.session_state["explain_view"] == "where"


@pytest.mark.parametrize(
    ("what", "view"), [("check", "checks"), ("drill", "drill"), ("occlusion", "bands"), ("maps", "where")]
)
def test_work_under_way_is_shown_with_cancel_and_blocks_nothing(run, studio, open_page, what, view):
    studio.busy_lane(run.dataset_path())
    study = queue.submit_study(run, what)
    at = open_page("explain", run=run.name, explain_view=view)
    assert not at.exception
    at.button(key=f"study_cancel_{study.name}").click().run()
    assert not at.exception and study.status()["state"] == "cancelled"
    assert any("cancelled" in w.value for w in at.warning)


@pytest.mark.parametrize(("what", "view"), [("check", "checks"), ("drill", "drill"), ("occlusion", "bands")])
def test_work_that_failed_says_why_and_can_be_begun_again(run, open_page, what, view):
    study = create_study(run, what)
    study.write_status(state="failed", error="The dataset has changed <b>.")
    at = open_page("explain", explain_view=view)
    assert not at.exception
    assert "The dataset has changed" in at.error[0].value and "<b>" not in at.error[0].value.replace("\\<", "")
    assert f"study_again_{study.name}" in [b.key for b in at.button]
    assert any(b.label.startswith("Run the") for b in at.button)


def test_work_whose_process_died_is_told_and_can_be_asked_again(run, open_page):
    study = create_study(run, "check")
    study.write_status(state="interrupted", message="The process ended without a word.")
    at = open_page("explain", explain_view="checks")
    assert not at.exception and any("without a word" in w.value.replace("\\", "") for w in at.warning)
    assert f"study_again_{study.name}" in [b.key for b in at.button]


@pytest.mark.parametrize(("file", "view"), [("cam/maps.safetensors", "where"), ("occlusion.parquet", "bands")])
def test_what_is_missing_is_a_sentence(run, open_page, file, view):
    (run.path / file).unlink()
    at = open_page("explain", explain_view=view)
    assert not at.exception and at.error
