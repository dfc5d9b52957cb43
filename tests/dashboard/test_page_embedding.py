"""Embedding: one fold's map by both heads, its fidelity in words, its points openable."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def charts(at) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def ids(chart: dict) -> set[str]:
    return {point[0] for trace in chart["data"] for point in trace.get("customdata", [])}


def test_both_heads_show_the_held_out_part_of_the_fold(run, open_page):
    at = open_page("embedding")
    assert not at.exception and not at.error
    drawn = charts(at)
    held_out = set(run.oof().query("fold == 0")["id"])
    assert len(drawn) == 2 and ids(drawn[0]) == ids(drawn[1]) == held_out
    assert {trace["type"] for trace in drawn[0]["data"]} == {"heatmap", "contour", "scatter"}


def test_another_fold_shows_its_own_patches_and_training_can_be_added(run, open_page):
    at = open_page("embedding")
    at.button_group(key="embedding_fold").set_value(1).run()
    assert ids(charts(at)[0]) == set(run.oof().query("fold == 1")["id"])
    at.button_group(key="embedding_part").set_value("all").run()
    assert not at.exception and len(ids(charts(at)[0])) == 60


@pytest.mark.parametrize("colour", ["outcome", "prob", "part"])
def test_every_colouring_is_drawn(run, open_page, colour):
    at = open_page("embedding")
    at.selectbox(key="embedding_colour").select(colour).run()
    assert not at.exception and len(charts(at)) == 2


def test_agreement_majority_and_refit_are_printed_beside_the_map(run, open_page):
    captions = [c.value for c in open_page("embedding").caption]
    fidelity = [c for c in captions if "91.0%" in c and "75.0%" in c and "88.0%" in c]
    assert len(fidelity) == 2
    assert any("Trustworthiness 0.930" in c and "fold 1" in c for c in captions)


def test_a_missing_map_is_a_sentence(run, open_page):
    (run.path / "fold_0" / "umap.json").unlink()
    at = open_page("embedding")
    assert not at.exception and at.error


def test_the_url_opens_a_patch_here_too(run, open_page):
    at = open_page("embedding", run=run.name, patch="ID_0004")
    assert not at.exception and any(m.value.startswith("**ID\\_0004**") for m in at.markdown)
