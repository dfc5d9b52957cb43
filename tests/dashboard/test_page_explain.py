"""Explain: maps by outcome with the dead ones flagged, bands with their interval, and what neither shows."""

from __future__ import annotations

import json

import pytest

from dashboard import outcomes


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_every_outcome_has_its_mean_map_and_count(run, open_page):
    at = open_page("explain")
    assert not at.exception and not at.error
    counts = outcomes.counts(outcomes.judged(run.oof(), "svm_c0.1"))
    shown = [s.value for s in at.subheader]
    assert shown[0] == f"Landslide, found · {counts['TP']}" and len(shown) == 4
    means = [c.value for c in at.caption if c.value.startswith("**Mean of")]
    assert len(means) == sum(1 for n in counts.values() if n)


def test_layer_size_and_head_are_named_and_dead_maps_flagged(run, open_page):
    at = open_page("explain")
    assert any("8×8 cells" in c.value and "layer blocks" in c.value.replace("\\", "") for c in at.caption)
    assert "1 of 60 maps are dead" in at.warning[0].value
    assert any("do not outline the landslide" in m.value for m in at.markdown)


def test_opacity_scale_and_head_can_be_chosen(run, open_page):
    at = open_page("explain")
    at.slider(key="explain_opacity").set_value(30).run()
    at.radio(key="explain_heat").set_value("fold").run()
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
    assert "out of fold over 3 folds" in sentence and "training mean" in sentence and "whole groups" in sentence
    assert any("stand in for each other" in m.value for m in at.markdown)


def test_the_papers_sum_and_the_other_baseline_are_options(run, open_page):
    at = open_page("explain")
    at.button_group(key="explain_view").set_value("bands").run()
    drop = bars(at)["data"][0]
    at.selectbox(key="explain_baseline").select("zero_raw").run()
    at.selectbox(key="explain_measure").select("paper_sum").run()
    assert not at.exception
    paper = bars(at)["data"][0]
    assert "error_x" not in paper and paper["x"] != drop["x"]
    assert any("takes the probability before to be 1" in m.value for m in at.markdown)


@pytest.mark.parametrize(("file", "view"), [("cam/maps.safetensors", "where"), ("occlusion.parquet", "bands")])
def test_what_is_missing_is_a_sentence(run, open_page, file, view):
    (run.path / file).unlink()
    at = open_page("explain")
    at.button_group(key="explain_view").set_value(view).run()
    assert not at.exception and at.error
