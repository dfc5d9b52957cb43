"""Projections of a trained run: every head, kept by settings, known by what made them."""

import numpy as np
import pytest

from core.analyses.embedding import projections
from core.analyses.embedding.projections import ANALYSIS, OWN
from core.config import EmbedConfig
from core.data.store import open_dataset
from core.errors import ConfigError, RunError
from core.flow.fold_rows import fold_rows
from core.progress import drain
from core.runs.store import RunFolder
from core.workers.model_server import ModelCache, reply

OTHER = {"method": "pca", "metric": "euclidean", "grid": 12}
HEADS = {"fc", "svm_c0.1", "lgbm", "logreg"}


def project(run, **options):
    return drain(ANALYSIS.start(run, OTHER | options))["projection"]


def test_the_options_are_the_settings_of_a_runs_own_projection_and_a_seed():
    options = ANALYSIS.options({"method": "tsne", "seed": 4})
    assert options.settings() == EmbedConfig(method="tsne") and ANALYSIS.options().settings() == EmbedConfig()
    with pytest.raises(ConfigError, match="Projections: .*n_neighbors"):
        ANALYSIS.options({"n_neighbors": 1})
    with pytest.raises(ConfigError, match="seed"):
        ANALYSIS.options({"seed": -1})


def test_a_run_projects_every_head_that_decides_on_embeddings_and_its_synthetic_patches(run):
    arrays, card = projections.projection(run, 0)
    assert set(card["heads"]) == HEADS
    assert len(arrays["synthetic"]) == run.fold_card(0)["n_synthetic"] > 0
    assert projections.settings_of(card) == (run.config().embed, run.config().seed)
    assert set(card["made_from"]) == {"data", "model", "embeddings"} and all(card["made_from"].values())


def test_projections_are_kept_beside_each_other_by_their_settings_and_not_made_twice(run):
    key = project(run, seed=3)
    assert key == projections.key_of(EmbedConfig(**OTHER), 3) != projections.key_of(EmbedConfig(**OTHER), 4)
    path = projections.made_of(run, 1, key)
    before = path.stat().st_mtime_ns
    assert project(run, seed=3) == key and path.stat().st_mtime_ns == before
    arrays, card = projections.projection(run, 1, key)
    assert card["settings"]["metric"] == "euclidean" and card["seed"] == 3
    assert arrays["xy"].shape == projections.projection(run, 1, OWN)[0]["xy"].shape
    assert projections.cards(run, 1)[key] == card and OWN not in projections.cards(run, 1)
    boundary = projections.head_boundary(run, 1, arrays["xy"], "lgbm", 12)
    np.testing.assert_allclose(boundary.values, arrays["values_lgbm"], atol=1e-5)
    assert boundary.card() == pytest.approx(card["heads"]["lgbm"], nan_ok=True)


def test_what_is_read_is_none_before_the_first_and_then_a_card_for_every_fold(run, tmp_path):
    (tmp_path / "config.json").write_text(run.config().to_json())
    assert projections.read(RunFolder(tmp_path)) is None
    key = project(run, seed=8)
    assert all(by_key[key]["seed"] == 8 for by_key in projections.read(run).cards.values())
    assert set(projections.read(run).cards) == {0, 1}


def test_a_name_that_leads_elsewhere_finds_no_projection(run):
    for key in ("../../../config", "none", ""):
        with pytest.raises(RunError):
            projections.projection(run, 0, key)


def test_a_projection_of_another_network_is_made_again(run):
    key = project(run, seed=5)
    arrays, card = projections.projection(run, 0, key)
    projections.write(run, 0, key, arrays, card | {"made_from": card["made_from"] | {"model": "another"}})
    project(run, seed=5)
    assert projections.projection(run, 0, key)[1]["made_from"] == run.made_from(0)


def test_a_run_that_has_not_finished_is_not_projected(run, tmp_path):
    (tmp_path / "config.json").write_text(run.config().to_json())
    unfinished = RunFolder(tmp_path)
    unfinished.write_status(state="running")
    with pytest.raises(RunError, match="has not finished"):
        project(unfinished)


def test_a_head_without_a_boundary_is_refused(run):
    with pytest.raises(RunError, match="decides on no embedding"):
        projections.head_boundary(run, 0, run.umap(0)[0]["xy"], "stats_svm")


def test_what_has_changed_since_a_projection_was_made_is_told(run):
    card, now = run.umap(0)[1], run.made_from(0)
    assert projections.changes(now, card, now["data"]) == []
    (data,) = projections.changes(now, card, "another dataset")
    assert "dataset file has changed" in data
    (network,) = projections.changes(now | {"model": "x", "embeddings": "y"}, card, now["data"])
    assert "network file has changed" in network
    (embeddings,) = projections.changes(now | {"embeddings": "y"}, card, now["data"])
    assert "make it again" in embeddings
    assert projections.changes(now, {}, now["data"]) == []  # an earlier version's card says nothing
    with pytest.raises(RunError, match="earlier version"):
        projections.settings_of({})


def test_neighbours_stay_in_their_part_and_leave_the_patch_out(run):
    rows = fold_rows(run, 0)
    for row in (int(rows.train[0]), int(rows.val[0])):
        training, held = projections.nearest_patches(run, 0, row, k=5)
        assert set(training.index) <= set(rows.train) and set(held.index) <= set(rows.val)
        assert row not in training.index and row not in held.index
        assert len(training.index) == len(held.index) == 5 and (np.diff(training.distance) >= 0).all()


def test_the_model_server_draws_a_boundary_as_the_functions_do(run):
    request = {"do": "boundary", "run": str(run.path), "fold": 0, "key": OWN, "head": "lgbm"}
    answer = reply(request, ModelCache())["answer"]
    np.testing.assert_allclose(answer["values"], run.umap(0)[0]["values_lgbm"], atol=1e-5)
    assert answer["card"] == pytest.approx(run.umap(0)[1]["heads"]["lgbm"], nan_ok=True)
    assert "decides on no embedding" in reply(request | {"head": "stats_svm"}, ModelCache())["error"]


def test_the_model_server_places_embeddings_on_a_projection(run):
    rows = fold_rows(run, 0).val[:3]
    embedded = run.embeddings(0)["embeddings"][rows]
    request = {"do": "positions", "run": str(run.path), "fold": 0, "key": OWN, "embeddings": embedded.tolist()}
    answer = reply(request, ModelCache())["answer"]
    np.testing.assert_allclose(answer["xy"], run.umap(0)[0]["xy"][rows], atol=1e-3)
    assert "PCA" in answer["note"]


def test_there_is_a_projection_for_every_patch_of_the_dataset(run):
    key = project(run, seed=3)
    assert len(projections.projection(run, 1, key)[0]["xy"]) == len(open_dataset(run.dataset_path()))
