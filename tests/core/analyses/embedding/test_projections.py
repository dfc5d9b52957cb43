"""Maps of a trained run: every head, kept by settings, known by what made them; new patches laid into them."""

import json

import numpy as np
import pytest

from core.analyses.embedding import projections
from core.analyses.embedding.new_patches import place_on_map
from core.config import EmbedConfig
from core.data.bands import Band
from core.data.store import open_dataset
from core.errors import FormatError, RunError
from core.flow import embedding_map
from core.predict.sources import batches_of
from core.runs.plain_files import plain
from core.workers.model_server import Kept, answers

OTHER = EmbedConfig(method="pca", metric="euclidean", grid=12)


@pytest.fixture(scope="module")
def run(trained_run_copy):
    return trained_run_copy


def ended(steps):
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def test_a_run_draws_every_head_that_decides_on_embeddings_and_its_synthetic_patches(run):
    arrays, card = run.umap(0)
    assert set(card["heads"]) == {"fc", "svm_c0.1", "lgbm", "logreg"} == set(embedding_map.heads_of(run))
    assert len(arrays["synthetic"]) == run.fold_card(0)["n_synthetic"] > 0
    assert projections.settings_of(card) == (run.config().embed, run.config().seed)
    assert set(card["made_from"]) == {"data", "model", "embeddings"} and all(card["made_from"].values())


def test_a_margin_is_positive_where_the_run_called_a_held_out_patch_a_landslide(run):
    oof = run.oof().set_index("id")
    ids = open_dataset(run.job()["dataset"]).ids
    for fold in range(2):
        held = np.flatnonzero(oof.loc[ids, "fold"].to_numpy() == fold)
        for head, margin in embedding_map.margins(run, fold).items():
            np.testing.assert_array_equal(margin[held] >= 0, oof.loc[ids[held], f"pred_{head}"].to_numpy() == 1)


def test_maps_are_kept_beside_each_other_by_their_settings_and_not_drawn_twice(run):
    key = ended(projections.redraw(run, OTHER, seed=3))
    assert key == projections.key_of(OTHER, 3) != projections.key_of(OTHER, 4)
    path = run.fold_path(1) / "maps" / f"{key}.safetensors"
    before = path.stat().st_mtime_ns
    assert ended(projections.redraw(run, OTHER, seed=3)) == key and path.stat().st_mtime_ns == before
    arrays, card = projections.read_map(run, 1, key)
    assert card["settings"]["metric"] == "euclidean" and card["seed"] == 3
    assert arrays["xy"].shape == run.umap(1)[0]["xy"].shape
    boundary = projections.draw_head(run, 1, arrays["xy"], "lgbm", 12)
    np.testing.assert_allclose(boundary.values, arrays["values_lgbm"], atol=1e-5)
    assert boundary.card() == pytest.approx(card["heads"]["lgbm"], nan_ok=True)


def test_a_head_without_a_boundary_is_refused(run):
    with pytest.raises(RunError, match="decides on no embedding"):
        projections.draw_head(run, 0, run.umap(0)[0]["xy"], "stats_svm")


def test_what_has_changed_since_a_map_was_drawn_is_told(run):
    card, now = run.umap(0)[1], run.made_from(0)
    assert projections.changes(now, card, now["data"]) == []
    (data,) = projections.changes(now, card, "another dataset")
    assert "dataset file has changed" in data
    (network,) = projections.changes(now | {"model": "x", "embeddings": "y"}, card, now["data"])
    assert "network's file is another" in network
    (embeddings,) = projections.changes(now | {"embeddings": "y"}, card, now["data"])
    assert "draw it again" in embeddings
    assert projections.changes(now, {}, now["data"]) == []  # an earlier version's card says nothing


def test_a_map_of_another_network_is_drawn_again(run):
    key = ended(projections.redraw(run, OTHER, seed=5, folds=[0]))
    arrays, card = run.map(0, key)
    run.write_map(0, key, arrays, card | {"made_from": card["made_from"] | {"model": "another"}})
    ended(projections.redraw(run, OTHER, seed=5, folds=[0]))
    assert run.map(0, key)[1]["made_from"] == run.made_from(0)


def test_neighbours_stay_in_their_part_and_leave_the_patch_out(run):
    rows = projections.fold_rows(run, 0)
    for row in (int(rows.train[0]), int(rows.val[0])):
        training, held = projections.alike(run, 0, row, k=5)
        assert set(training.index) <= set(rows.train) and set(held.index) <= set(rows.val)
        assert row not in training.index and row not in held.index
        assert training.training.all() and not held.training.any()


def test_known_patches_come_back_to_their_place_with_their_probability(run):
    data = open_dataset(run.job()["dataset"])
    held = projections.fold_rows(run, 0).val[:5]
    found = ended(place_on_map(run, 0, projections.OWN, batches_of(data, held), data.bands, device="cpu"))
    np.testing.assert_allclose(found.xy, run.umap(0)[0]["xy"][held], atol=1e-3)
    oof = run.oof().set_index("id").loc[data.ids[held]]
    for head in ("fc", "svm_c0.1", "lgbm"):
        np.testing.assert_allclose(found.probs[head], oof[f"prob_{head}"], atol=1e-4)
        np.testing.assert_array_equal(found.called[head], oof[f"pred_{head}"] == 1)
    assert "PCA" in found.note and (found.unlike < 1).all() and found.index.shape == (5, 12)
    assert set(found.index.ravel()) <= set(projections.fold_rows(run, 0).train)


def test_a_training_patch_is_its_own_nearest_neighbour(run):
    data, train = open_dataset(run.job()["dataset"]), projections.fold_rows(run, 1).train[:3]
    found = ended(place_on_map(run, 1, projections.OWN, batches_of(data, train), data.bands, device="cpu"))
    np.testing.assert_array_equal(found.index[:, 0], train)
    np.testing.assert_allclose(found.distance[:, 0], 0, atol=1e-3)


def test_without_settings_or_with_tsne_new_patches_stand_among_their_neighbours(run):
    data, train = open_dataset(run.job()["dataset"]), projections.fold_rows(run, 0).train[:4]
    arrays, card = run.umap(0)
    older = {name: value for name, value in card.items() if name not in ("settings", "seed", "made_from")}
    run.write_map(0, "older", arrays, older)
    found = ended(place_on_map(run, 0, "older", batches_of(data, train), data.bands, device="cpu"))
    assert "earlier version" in found.note
    np.testing.assert_allclose(found.xy, arrays["xy"][train], atol=0.15 * np.ptp(arrays["xy"]))
    run.write_map(0, "tsne", arrays, card | {"method": "tsne"})
    assert "cannot project" in ended(place_on_map(run, 0, "tsne", batches_of(data, train), data.bands, "cpu")).note


def test_patches_that_do_not_fit_are_refused(run):
    data = open_dataset(run.job()["dataset"])
    other = (Band("swir", "Short-wave infrared"), *data.bands[1:])
    with pytest.raises(FormatError, match="have no red"):
        ended(place_on_map(run, 0, projections.OWN, batches_of(data, np.arange(2)), other, device="cpu"))
    with pytest.raises(FormatError, match="No usable patch"):
        ended(place_on_map(run, 0, projections.OWN, iter(()), data.bands, device="cpu"))


def test_the_process_for_patches_places_new_ones_and_draws_a_boundary_as_the_functions_do(run, tiny_dataset, tmp_path):
    asked = {"run": str(run.path), "fold": 0, "key": projections.OWN}
    rows = [3, 4]
    said = list(answers({"do": "place", "source": str(tiny_dataset), "rows": rows, **asked}, Kept()))
    assert all(0 < one["progress"] < 1 and one["message"] for one in said[:-1]) and len(said) > 2
    data = open_dataset(tiny_dataset)
    expected = ended(place_on_map(run, 0, projections.OWN, batches_of(data, np.array(rows)), data.bands))
    found = json.loads(json.dumps(plain(said[-1]["answer"])))
    assert found["ids"] == expected.ids.tolist() and found["index"] == expected.index.tolist()
    np.testing.assert_allclose(found["xy"], expected.xy, rtol=1e-5)
    np.testing.assert_allclose(found["probs"]["fc"], expected.probs["fc"], rtol=1e-5)
    (line,) = answers({"do": "boundary", "head": "lgbm", **asked}, Kept())
    np.testing.assert_allclose(line["answer"]["values"], run.umap(0)[0]["values_lgbm"], atol=1e-5)

    np.save(tmp_path / "one.npy", np.moveaxis(data.images(np.array([3]))[0], 0, -1))
    bands = [band.name for band in data.bands]
    said = list(answers({"do": "place", "source": str(tmp_path), "bands": bands, "unit": "0-255", **asked}, Kept()))
    assert "answer" in said[-1], said[-1]
    assert len(said[-1]["answer"]["ids"]) == 1
    (tmp_path / "one.npy").write_bytes(b"no patch")
    said = list(answers({"do": "place", "source": str(tmp_path), "bands": bands, "unit": "0-255", **asked}, Kept()))
    assert "one.npy" in said[-1]["error"]
