"""Two moments read by the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.config import ModelConfig, RunConfig
from core.data.bands import bands_named
from core.errors import ConfigError
from core.explain.cam.gradcam import gradcam
from core.explain.cam.library import library_cam
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.networks.branches import BeforeAfter, moments_of
from core.train.optimisation.unfreezing import opening_at
from tests.builders import TRAIN_SIDE, TRAIN_TINY

BANDS = bands_named(["red", "green", "red_pre", "green_pre"])
N = 48


def configured(*more):
    return RunConfig().with_overrides([*TRAIN_TINY, "model.branches=before_after", "augment.mix_prob=0", *more])


def built(config, bands=BANDS):
    return build_network(config.model, bands, (TRAIN_SIDE, TRAIN_SIDE), 0)[0]


@pytest.fixture
def pairs():
    """What is before says nothing, nor what is after: only whether they differ."""
    rng = np.random.default_rng(0)
    labels = (np.arange(N) % 2).astype(np.int8)
    before = rng.normal(size=(N, 2, 1, 1)) + 0.1 * rng.normal(size=(N, 2, TRAIN_SIDE, TRAIN_SIDE))
    after = before + 2.0 * labels[:, None, None, None] * rng.choice([-1, 1], (N, 1, 1, 1))
    return np.concatenate([after, before], axis=1).astype(np.float32), labels


def test_the_weights_are_held_once_and_stay_shared_in_training(pairs):
    images, labels = pairs
    config = configured("train.epochs=2")
    network, one = built(config), built(configured("model.branches=one"), BANDS[:2])
    count = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    assert isinstance(network.backbone, BeforeAfter) and count(network.backbone) == count(one.backbone)
    assert network.n_features == 3 * one.n_features
    list(fit(network, images, labels, images, labels, config, "cpu", 0))
    after, before = network.backbone.branches().values()
    assert all(a is b for a, b in zip(after.parameters(), before.parameters(), strict=True))


def test_equal_moments_have_no_difference_and_a_change_is_learnt(pairs):
    images, labels = pairs
    config = configured("train.epochs=8", "train.lr=0.02")
    network = built(config)
    same = np.concatenate([images[:, 2:], images[:, 2:]], axis=1)
    width = network.n_features // 3
    embedded = embed(network, same, "cpu", 16).embeddings
    assert np.allclose(embedded[:, :width], embedded[:, width : 2 * width]) and not embedded[:, 2 * width :].any()
    list(fit(network, images, labels, images, labels, config, "cpu", 0))
    assert ((embed(network, images, "cpu", 16).probs >= 0.5) == labels).mean() > 0.85


def test_it_is_kept_and_goes_on_after_an_interruption(pairs, tmp_path):
    images, labels = pairs
    config = configured("train.epochs=2", "train.ema_decay=0.9")
    whole = built(config)
    list(fit(whole, images, labels, images, labels, config, "cpu", 0))
    steps = fit(built(config), images, labels, images, labels, config, "cpu", 0, tmp_path / "resume")
    next(steps)
    steps.close()
    again = built(config)
    list(fit(again, images, labels, images, labels, config, "cpu", 0, tmp_path / "resume"))
    assert np.array_equal(embed(again, images, "cpu", 16).logits, embed(whole, images, "cpu", 16).logits)
    save_network(whole, tmp_path / "kept")
    loaded = load_network(tmp_path / "kept")
    assert np.array_equal(embed(loaded, images, "cpu", 16).logits, embed(whole, images, "cpu", 16).logits)


def test_weights_of_a_run_on_one_moment_start_both(tmp_path):
    one = built(configured("model.branches=one"), BANDS[:2])
    save_network(one, tmp_path)
    network = built(configured(f"model.weights={tmp_path / 'model.safetensors'}"))
    for encoder in network.backbone.branches().values():
        own = encoder.state_dict()
        assert all(torch.equal(own[name], value) for name, value in one.backbone.state_dict().items())


def test_each_moment_has_maps_of_its_own(pairs):
    images, _ = pairs
    network = built(configured())
    names = [layer.name for layer in network.cam_layers()]
    for moment in ("after", "before"):
        layer = next(name for name in names if name.startswith(f"backbone.{moment}."))
        maps, used = gradcam(network, images[:4], layer=layer, method="layercam")
        assert used == layer and maps.shape[0] == 4
        one, _ = library_cam(network, images[0], "layercam", layer=layer)
        assert np.allclose(one, maps[0], atol=1e-5)
    _, own = gradcam(network, images[:2])
    assert own.startswith("backbone.after.")


def test_shared_weights_are_opened_and_frozen_together():
    config = configured("train.trainable=layers", "train.top_layers=12", "train.batch_norm=train")
    network = built(config)
    opening = opening_at(1, network, config.train)
    names = {name for name, _ in network.named_parameters()}
    assert opening.parameters <= names and any(name.startswith("backbone.after.") for name in opening.parameters)
    for name in opening.frozen_norms:
        twin = name.replace("backbone.before.", "backbone.after.") if ".before." in name else name
        assert twin in opening.frozen_norms, "both moments' normalisation alike"


def test_bands_of_one_moment_alone_are_read_with_both_or_refused():
    channels = moments_of(["red", "elevation", "red_pre"])
    assert channels == {"after": [0, 1], "before": [2, 1]}
    with pytest.raises(ConfigError, match="needs bands of both moments"):
        moments_of(["red", "green"])
    with pytest.raises(ConfigError, match="nir_pre have no band of the same name after"):
        moments_of(["red", "red_pre", "nir_pre"])
    with pytest.raises(ValidationError, match="indices have no moment"):
        ModelConfig(branches="before_after", indices="auto")
