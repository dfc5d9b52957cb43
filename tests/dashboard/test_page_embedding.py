"""Embedding: heads or runs side by side on any map, fidelity in words, points openable, neighbours, new patches."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from core.analyses.embedding import projections
from core.config import EmbedConfig
from core.data.store import open_dataset
from dashboard.embedding import points


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def complete(run):
    """The run with everything that training leaves behind, and a PCA of every fold drawn from it."""
    data = open_dataset(run.job()["dataset"])
    fold_of = run.oof().set_index("id").loc[data.ids, "fold"].to_numpy()
    lineage = run.smote()
    for fold in range(3):
        embeddings = run.embeddings(fold)["embeddings"]
        scores = {name: embeddings @ np.linspace(0.5, 1.5, 8) - 4.0 for name in ("fc", "svm_c0.1", "lgbm")}
        run.write_scores(fold, scores)
        place = {name: i for i, name in enumerate(data.ids)}
        mine = lineage[lineage["fold"] == fold]
        weight = mine["anchor_weight"].to_numpy()[:, None]
        first, second = (embeddings[[place[i] for i in mine[name]]] for name in ("anchor", "neighbour"))
        synthetic = (weight * first + (1 - weight) * second).astype(np.float32)
        parts = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        run.write_head_rows(fold, *parts, np.array(data.labels), synthetic)
    for _ in projections.redraw(run, EmbedConfig(method="pca", grid=20)):
        pass
    return run


def charts(at) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def ids(chart: dict) -> set[str]:
    return {point[0] for trace in chart["data"] for point in trace.get("customdata", [])}


def held_out(run, fold: int = 0) -> set[str]:
    return set(run.oof().query("fold == @fold")["id"])


def test_heads_show_the_held_out_part_of_the_fold(run, open_page):
    at = open_page("embedding")
    assert not at.exception and not at.error
    drawn = charts(at)
    assert len(drawn) >= 2 and all(ids(chart) == held_out(run) for chart in drawn)
    assert {trace["type"] for trace in drawn[0]["data"]} == {"heatmap", "contour", "scatter"}


def test_another_fold_shows_its_own_patches_and_training_can_be_added(run, open_page):
    at = open_page("embedding")
    at.button_group(key="embedding_fold").set_value(1).run()
    assert ids(charts(at)[0]) == held_out(run, 1)
    at.button_group(key="embedding_part").set_value("all").run()
    assert not at.exception and len(ids(charts(at)[0])) == 60


@pytest.mark.parametrize("colour", [name for name in points.COLOURS if name != "label"])
def test_every_colouring_is_drawn(run, open_page, colour):
    at = open_page("embedding")
    at.selectbox(key="embedding_colour").select(colour).run()
    assert not at.exception and not at.error and ids(charts(at)[0]) == held_out(run)


def test_agreement_majority_and_refit_are_printed_beside_the_map_with_a_verdict(run, open_page):
    at = open_page("embedding")
    captions = [c.value for c in at.caption]
    assert [c for c in captions if "91.0%" in c and "75.0%" in c and "88.0%" in c]
    assert any("Trustworthiness 0.930" in c and "fold 1" in c for c in captions)
    assert any("25% fewer disagreements" in m.value for m in at.markdown)


def test_a_missing_map_is_a_sentence(run, open_page):
    (run.path / "fold_0" / "umap.json").unlink()
    at = open_page("embedding")
    assert not at.exception and at.error


def test_the_url_opens_a_patch_here_too(run, open_page):
    at = open_page("embedding", run=run.name, patch="ID_0004")
    assert not at.exception and any(m.value.startswith("**ID\\_0004**") for m in at.markdown)


def test_a_map_that_was_drawn_later_can_be_chosen_with_the_boundary_of_every_head(complete, open_page):
    at = open_page("embedding")
    key = projections.key_of(EmbedConfig(method="pca", grid=20), 0)
    at.selectbox(key="embedding_map").select(key).run()
    assert not at.exception and not at.error
    assert len(charts(at)) == 3 and "PCA 1" in json.dumps(charts(at)[0]["layout"])
    assert any(c.value.startswith("PCA of fold 1") for c in at.caption)


def test_synthetic_patches_are_drawn_with_their_parents(complete, open_page):
    at = open_page("embedding")
    assert at.toggle(key="embedding_children").disabled  # the run's own map is of an earlier version
    at.selectbox(key="embedding_map").select(projections.key_of(EmbedConfig(method="pca", grid=20), 0)).run()
    at.toggle(key="embedding_children").set_value(True).run()
    assert not at.exception
    names = [trace.get("name") for trace in charts(at)[0]["data"]]
    assert "synthetic, joined to its parents" in names


def test_a_boundary_that_the_map_does_not_hold_is_drawn_from_the_heads_values(complete, open_page):
    at = open_page("embedding")
    at.multiselect(key=f"embedding_heads_{complete.name}").set_value(["lgbm"]).run()
    assert not at.exception and not at.error and len(charts(at)) == 1
    assert any(c.value.startswith(f"Of the {len(held_out(complete))} held-out patches") for c in at.caption)


def test_two_runs_stand_side_by_side_with_what_may_be_compared(complete, studio, open_page):
    at = open_page("embedding", run=complete.name)
    at.button_group(key="embedding_view").set_value("runs").run()
    assert at.info and not at.exception  # there is no other run yet
    other = studio.checkpoints / "20990101-000000_resnet18_feedbeef"
    complete.path.rename(other)
    studio.add_run(studio.checkpoints / "datasets" / "tiny.h5")
    at = open_page("embedding", run=other.name)
    at.button_group(key="embedding_view").set_value("runs").run()
    assert not at.exception and not at.error and len(charts(at)) == 2
    assert any(f"Both hold out the same {len(ids(charts(at)[0]))} patches" in c.value for c in at.caption)


def test_neighbours_are_those_of_the_embedding_and_never_the_patch_itself(complete, open_page):
    at = open_page("embedding")
    at.selectbox(key="embedding_near").select(sorted(held_out(complete))[3]).run()
    assert not at.exception and not at.error
    data = open_dataset(complete.job()["dataset"])
    row = int(data.index_of([sorted(held_out(complete))[3]])[0])
    training, held = projections.alike(complete, 0, row, 6, EmbedConfig(metric="euclidean"))
    assert row not in training.index and row not in held.index
    shown = {button.key for button in at.button if button.key and button.key.startswith("near_")}
    assert {f"near_Training part_open_{data.ids[i]}" for i in training.index} <= shown
    assert {f"near_Held out_open_{data.ids[i]}" for i in held.index} <= shown


def test_a_map_is_drawn_by_a_job_and_then_shown(complete, studio, open_page):
    at = open_page("embedding")
    at.radio(key="map_method").set_value("pca").run()
    next(b for b in at.button if b.label == "Draw it for every fold").click().run()
    assert not at.exception
    assert studio.answered(complete, "embedding")["state"] == "succeeded"
    at.run()
    assert at.selectbox(key="embedding_map").value == projections.key_of(EmbedConfig(method="pca"), 0)
    assert not at.exception and set(complete.maps(2)) >= {projections.key_of(EmbedConfig(method="pca"), 0)}


def test_a_changed_dataset_or_network_is_told(complete, open_page):
    facts = complete.provenance()
    facts["dataset"]["content_hash"] = "another"
    complete.write_json("provenance.json", facts)
    (complete.fold_path(0) / "model.safetensors").write_bytes(b"another network")
    at = open_page("embedding")
    assert any("dataset file has changed" in w.value for w in at.warning)
    at.selectbox(key="embedding_map").select(projections.key_of(EmbedConfig(method="pca", grid=20), 0)).run()
    assert any("network's file is another one" in w.value for w in at.warning)


def test_new_patches_that_cannot_be_placed_are_a_sentence(complete, studio, open_page):
    """These runs hold no network: what is missing is said, and the page stays whole."""
    at = open_page("embedding")
    at.button(key="new_place").click().run()
    assert "fold_0" in studio.ended("new on map").error
    at.run()
    assert not at.exception and at.error and len(charts(at)) >= 2


def test_names_that_try_to_become_markup_are_shown_as_they_are(studio, open_page):
    run = studio.add_hostile()
    at = open_page("embedding", run=run.name)
    assert not at.exception
    text = json.dumps(charts(at)[0]["data"])
    assert "&lt;img" in text and '"customdata[0]"' not in text
    assert not any(re.search(r"(?<!\\)<img", m.value) for m in (*at.markdown, *at.caption))
