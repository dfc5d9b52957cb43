"""An exported file answers as the run does, says what it needs, and names nothing of this machine."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open

from core.data.store import open_dataset
from core.errors import ConfigError, RunError
from core.predict.export import onnx_file
from core.predict.export.export import compared_patches, export
from core.predict.export.graph import Answers, exportable
from core.predict.patches import Ensemble
from tests.builders import returned
from tests.trained_runs import facts_of


@pytest.fixture(scope="module")
def exported(balanced_run, tmp_path_factory):
    before = facts_of(balanced_run)
    out = tmp_path_factory.mktemp("export") / "model.onnx"
    written = returned(export(balanced_run, out))
    assert facts_of(balanced_run) == before
    return written


@pytest.fixture(scope="module")
def session(exported):
    return onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])


@pytest.mark.fault(33)
def test_it_answers_as_the_run_on_256_patches(balanced_run, exported, session):
    assert exported.facts["n_compared"] == 256 and exported.facts["largest_difference"] <= 1e-4
    data = open_dataset(balanced_run.dataset_path())
    images = data.images(np.arange(9))
    ensemble = Ensemble.load(balanced_run, "cpu")
    (answer,) = session.run(None, {"patches": images})
    assert answer.shape == (9, 1, 32, 32) and (answer == answer[:, :, :1, :1]).all()
    assert np.abs(answer[:, 0, 0, 0] - ensemble.probs(images)).max() < 1e-4
    (one,) = session.run(None, {"patches": images[:1]})
    assert np.abs(one - answer[:1]).max() < 1e-5


def test_what_is_missing_counts_as_the_mean_and_nothing_at_all_has_no_answer(balanced_run, session):
    data = open_dataset(balanced_run.dataset_path())
    images = data.images(np.arange(4))
    images[0] = np.nan
    images[1, 0] = np.inf
    images[2, :, :10] = np.nan
    (answer,) = session.run(None, {"patches": images})
    probs = Ensemble.load(balanced_run, "cpu").probs(images[1:])
    assert np.isnan(answer[0]).all() and np.abs(answer[1:, 0, 0, 0] - probs).max() < 1e-4


def as_deepness(session, tiles):
    """What QGIS's Deepness does with a tile (N, H, W, C): its own preprocessing, from the file's metadata."""
    meta = {name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}
    assert meta["model_type"].capitalize() == "Regressor" and meta["reg_output_scaling"] == 1
    batch = np.float32(tiles[..., : session.get_inputs()[0].shape[-3]] * 1.0 / 255.0)
    mean, std = (np.array(meta[f"standardization_{name}"], np.float32) for name in ("mean", "std"))
    batch = ((batch - mean) / std).transpose(0, 3, 1, 2)
    return session.run(None, {session.get_inputs()[0].name: batch.astype(np.float32)}), meta


def test_qgis_deepness_finds_what_it_needs_and_gets_the_same_answer(balanced_run, session):
    data = open_dataset(balanced_run.dataset_path())
    images = data.images(np.arange(5))
    outputs, meta = as_deepness(session, images.transpose(0, 2, 3, 1))
    assert len(session.get_inputs()) == 1 and len(outputs) == 1
    shape = session.get_inputs()[0].shape
    assert isinstance(shape[0], str) and shape[1:] == [3, 32, 32] and meta["tile_size"] == 32
    out = session.get_outputs()[0].shape
    assert len(out) == 4 and out[1] == 1 and out[2] == out[3] == 32
    assert meta["class_names"] == {"0": "landslide"} and 0 <= meta["tiles_overlap"] < 100
    probs = Ensemble.load(balanced_run, "cpu").probs(images)
    assert np.abs(outputs[0][:, 0, 5, 7] - probs).max() < 1e-4


def test_the_card_is_inside_with_bands_units_classes_threshold_scores_and_limits(balanced_run, session):
    meta = {name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}
    card = meta["landslide_lens.card"]
    assert meta["landslide_lens.bands"] == ["red", "green", "blue"] and meta["landslide_lens.units"] == ["0-255"] * 3
    assert meta["landslide_lens.classes"] == {"0": "other", "1": "landslide"} == card["classes"]
    assert meta["landslide_lens.threshold"] == balanced_run.rules()[card["head"]]["deployed"]
    low, high = card["scores"]["f1"]["interval"]
    assert low <= card["scores"]["f1"]["value"] <= high
    assert any("precision of" in text for text in card["limits"]) and card["data"]["source"] == "made in a test"
    assert set(meta["landslide_lens.normaliser"]) == {"fold_0", "fold_1", "fold_2"}


def test_nothing_of_this_machine_is_in_the_file(balanced_run, exported):
    content = exported.path.read_bytes()
    for place in (str(Path.home()), str(balanced_run.path.parent), str(Path(torch.__file__).parent), "site-packages"):
        assert place.encode() not in content
    onnx.checker.check_model(onnx.load(exported.path))
    assert not list(exported.path.parent.glob("*.data")) and not list(exported.path.parent.glob("*.partial"))


@pytest.mark.parametrize("head", ["fc", "stats_svm", "stats_blend"])
def test_every_form_of_head(trained_run, tmp_path, head):
    written = returned(export(trained_run, tmp_path / "m.onnx", head=head, fold=2))
    assert written.facts["largest_difference"] <= 1e-4 and written.facts["head"] == head


def test_boosted_trees_walk_as_they_do_here(trained_run):
    from core.heads.boosted import fit_boosted
    from core.predict.export.graph import _Boosted

    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    head = fit_boosted(x, (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int8), "lgbm")
    ours = _Boosted(head)(torch.as_tensor(x)).numpy()
    assert np.allclose(ours, head.decision(x), atol=1e-12)


def test_no_data_and_absurd_values_are_missing_in_the_graph_too(balanced_run):
    ensemble = Ensemble.of_folds(balanced_run, [0], "cpu")
    images = open_dataset(balanced_run.dataset_path()).images(np.arange(3))
    raw, marked = images.copy(), images.copy()
    raw[0, :, :9], marked[0, :, :9] = 7.0, np.nan
    raw[1, 0, :9], marked[1, 0, :9] = 1e30, np.nan
    raw[2], marked[2] = 7.0, np.nan
    bounds = np.array([[-1000, 1000], [np.nan, np.nan], [-1000, np.nan]])
    graph = Answers(ensemble, "fc", bounds, 7.0)
    with torch.no_grad():
        found = graph(torch.as_tensor(raw))[:, 0, 0, 0].numpy()
    assert np.isnan(found[2])
    with torch.no_grad():
        assert np.allclose(found, graph(torch.as_tensor(marked))[:, 0, 0, 0].numpy(), equal_nan=True)
    odds = ensemble.models[0].log_odds(marked[:2], ["fc"], ensemble.rules)["fc"]
    assert np.abs(found[:2] - 1 / (1 + np.exp(-odds))).max() < 1e-5


@pytest.mark.parametrize("rich", [False, True])
def test_band_statistics_are_those_that_the_heads_were_fitted_on(rich):
    from core.data.band_statistics import band_statistics, rich_statistics
    from core.predict.export.statistics import BandStatistics

    images = np.random.default_rng(0).normal(100, 30, (6, 4, 17, 20)).astype(np.float32)
    images[1, 0] = np.nan
    images[2, :, :5, 3:] = np.nan
    images[3, 1:3, 7, 7] = np.nan
    images[4] = 0
    names = ("red", "green", "blue", "nir")
    expected = rich_statistics(images, names) if rich else band_statistics(images)
    found = BandStatistics(names, rich)(torch.as_tensor(images), torch.isfinite(torch.as_tensor(images))).numpy()
    assert found.shape == expected.shape and np.abs(found - expected).max() < 2e-4


def test_a_blend_is_exported_whole(balanced_run, tmp_path):
    ensemble = Ensemble.of_folds(balanced_run, [0], "cpu")
    assert {"fc", "rich", "stats_blend"} <= set(exportable(ensemble))


@pytest.mark.fault(33)
def test_a_file_that_answers_otherwise_is_not_written(trained_run, known_graph, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(RunError, match="differs from the run by up to"):
        returned(export(trained_run, tmp_path / "m.onnx", head="fc", fold=1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(33)
def test_what_cannot_be_exported_is_a_sentence_and_leaves_the_run_alone(trained_run, tmp_path, monkeypatch):
    def broken(self, patches):
        raise ValueError("no such operator")

    monkeypatch.setattr(Answers, "forward", broken)
    before = facts_of(trained_run)
    with pytest.raises(RunError, match="cannot be written as ONNX: .*The run is as it was"):
        returned(export(trained_run, tmp_path / "m.onnx", head="fc", fold=1))
    assert facts_of(trained_run) == before and list(tmp_path.iterdir()) == []


def test_too_large_for_one_file_names_the_way_out(trained_run, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "LARGEST", 1000)
    with pytest.raises(RunError, match="Export one fold with --fold"):
        returned(export(trained_run, tmp_path / "m.onnx", head="fc"))


@pytest.mark.parametrize(
    "name, options, words",
    [
        ("m.pt", {}, "Accepted: .onnx and .safetensors"),
        ("m.onnx", {"fold": 9}, "There is no fold 9"),
        ("m.onnx", {"head": "magic"}, "no head 'magic'. It has: fc"),
    ],
)
def test_other_wishes_are_refused_in_words(trained_run, tmp_path, name, options, words):
    with pytest.raises(ConfigError, match=words):
        returned(export(trained_run, tmp_path / name, **options))
    assert list(tmp_path.iterdir()) == []


def test_safetensors_hold_every_array_and_the_card(balanced_run, tmp_path):
    written = returned(export(balanced_run, tmp_path / "m.safetensors"))
    with safe_open(written.path, "numpy") as file:
        card = json.loads(file.metadata()["card"])
        names = set(file.keys())
        ensemble = Ensemble.load(balanced_run, "cpu")
        for model in ensemble.models:
            for name, tensor in model.network.state_dict().items():
                assert np.array_equal(file.get_tensor(f"fold_{model.fold}.network.{name}"), tensor.numpy())
            assert np.array_equal(file.get_tensor(f"fold_{model.fold}.normaliser.center"), model.normaliser.center_)
    assert len(names) == written.facts["arrays"] and card["rules"][card["head"]]["deployed"] == card["threshold"]
    text = (tmp_path / "m.md").read_text(encoding="utf-8")
    assert "## Scores" in text and "## Limits" in text and "| f1 |" in text and "made in a test" in text
    for place in (str(balanced_run.path.parent), str(Path.home())):
        assert place.encode() not in written.path.read_bytes()


def test_a_run_without_its_dataset_is_compared_on_made_up_patches(trained_run_copy, known_graph, tmp_path):
    trained_run_copy.dataset_path().unlink()
    written = returned(export(trained_run_copy, tmp_path / "m.onnx", head="fc", fold=1))
    assert written.facts["n_compared"] == 256 and any("made-up patches" in note for note in written.notes)


def test_patches_that_are_compared_have_holes_but_none_is_blank(balanced_run):
    ensemble = Ensemble.load(balanced_run, "cpu")
    patches = compared_patches(open_dataset(balanced_run.dataset_path()), ensemble)
    assert patches.shape == (256, 3, 32, 32) and np.isnan(patches).any()
    assert np.isfinite(patches).any(axis=(1, 2, 3)).all() and "fc" in exportable(ensemble)
