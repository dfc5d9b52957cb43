"""Which epoch is kept, when training stops, and that all of it goes on bit for bit after a break."""

import numpy as np
import pytest
import torch

from core.data.bands import RGB_BANDS
from core.errors import TrainingError
from core.evaluate.metrics import metrics
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network

SIDE = 24  # pixels, of made_patches


def fresh(config):
    return build_network(config.model, RGB_BANDS, (SIDE, SIDE), 0)[0]


def same(one, two):
    return all(torch.equal(one.state_dict()[name], value) for name, value in two.state_dict().items())


def f1_of(network, x, y):
    return metrics(y, embed(network, x, "cpu", 16).probs, 0.5)["f1"]


@pytest.fixture
def parts(made_patches):
    """Training, held back, validation."""
    return made_patches(32), made_patches(16, seed=1), made_patches(16, seed=2)


def run(config, network, parts, folder=None, n=None):
    (x, y), inner, (val_x, val_y) = parts
    epochs = fit(network, x, y, val_x, val_y, config, "cpu", 0, folder, inner)
    if n is None:
        return list(epochs)
    begun = [next(epochs) for _ in range(n)]
    epochs.close()
    return begun


@pytest.mark.parametrize(("select", "part"), [("inner", 1), ("fold_best", 2)])
def test_the_epoch_of_the_best_f1_is_kept_as_it_was_judged(config, parts, select, part):
    config = config.with_overrides([f"train.select={select}", "train.epochs=6", "train.lr=0.006"])
    network = fresh(config)
    results = run(config, network, parts)
    best = max(r.select_f1 for r in results)
    assert f1_of(network, *parts[part]) == best
    assert results[results[-1].best_epoch - 1].select_f1 == best and not network.training


def test_with_inner_the_validation_part_changes_nothing(config, parts, made_patches):
    config = config.with_overrides(["train.select=inner", "train.epochs=3"])
    one, two = fresh(config), fresh(config)
    run(config, one, parts)
    run(config, two, (parts[0], parts[1], made_patches(10, seed=9)))
    assert same(one, two)


def test_inner_without_patches_held_back_is_refused(config, parts):
    with pytest.raises(TrainingError, match="held back"):
        run(config.with_overrides(["train.select=inner"]), fresh(config), (parts[0], None, parts[2]))


def test_training_stops_when_nothing_gets_better_and_stays_stopped(config, parts, tmp_path):
    """At a rate that moves no weight every epoch is as good as the first."""
    settings = ["train.select=inner", "train.epochs=9", "train.patience=2", "train.lr=1e-12", "train.weight_decay=0"]
    config = config.with_overrides([*settings, "model.backbone=test_vit2", "model.image_size=32"])
    one, two = fresh(config), fresh(config)
    results = run(config, one, parts, tmp_path)
    assert [r.epoch for r in results] == [1, 2, 3] and results[-1].best_epoch == 1
    assert run(config, two, parts, tmp_path) == [] and same(one, two)


def test_looking_every_few_steps_finds_at_least_as_good_an_epoch(config, parts):
    often = config.with_overrides(["train.select=inner", "train.epochs=3", "train.judge_steps=1", "train.batch_size=8"])
    network = fresh(often)
    results = run(often, network, parts)
    assert f1_of(network, *parts[1]) >= max(r.select_f1 for r in results)
    plain = fresh(often)
    seldom = run(often.with_overrides(["train.judge_steps=none"]), plain, parts)
    assert [r.train_loss for r in seldom] == [r.train_loss for r in results]  # looking changes nothing else


def test_gradients_of_several_batches_make_the_step_of_the_large_one(config, parts):
    """test_vit2 has no batch normalisation, so that the small batches together are the large one."""
    plain = ["model.backbone=test_vit2", "model.image_size=32", "train.epochs=1", "augment.mix_prob=0"]
    config = config.with_overrides([*plain, "augment.flips=false", "augment.quarter_turns=false"])
    # SGD: Adam would blow up the rounding of a gradient that is all but zero to a whole step.
    config = config.with_overrides(["train.optimizer=sgd", "train.momentum=0", "train.schedule=none", "train.lr=0.1"])
    large, summed, small = fresh(config), fresh(config), fresh(config)
    run(config, large, parts)
    eights = config.with_overrides(["train.batch_size=8"])
    run(eights.with_overrides(["train.accumulate=2"]), summed, parts)
    run(eights, small, parts)
    pairs = list(zip(large.parameters(), summed.parameters(), strict=True))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)
    assert not all(torch.allclose(a, b, atol=1e-5) for a, b in zip(large.parameters(), small.parameters(), strict=True))


def test_the_layout_in_memory_changes_nothing_but_rounding(config, parts):
    config = config.with_overrides(["train.epochs=1", "train.optimizer=sgd"])
    one, two = fresh(config), fresh(config)
    a = run(config, one, parts)[0]
    b = run(config.with_overrides(["train.channels_last=false"]), two, parts)[0]
    assert a.train_loss == pytest.approx(b.train_loss, rel=1e-4)
    conv = next(p for p in two.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1)
    assert conv.is_contiguous() and not conv.is_contiguous(memory_format=torch.channels_last)


EVERY_SETTING = [
    *(f"train.optimizer={name}" for name in ("adam", "sgd", "rmsprop", "nadam")),
    *("train.loss=bce", "train.loss=focal", "train.class_weight=balanced", "train.schedule=step train.step_epochs=1"),
    *("train.select=inner", "train.select=fold_best train.judge_steps=1 train.ema_decay=0.9"),
    "augment.rotation=20 augment.crop=0.8 augment.brightness=0.2 augment.noise=0.01 augment.cutmix_box=corners",
    *("train.accumulate=2 train.batch_size=8", "train.channels_last=false"),
    *("train.head_epochs=1 train.top_epochs=1 train.top_layers=8", "train.trainable=head", "train.layer_decay=0.5"),
]


@pytest.mark.parametrize("settings", EVERY_SETTING)
def test_a_broken_fit_goes_on_to_the_same_bits(config, made_patches, tmp_path, settings):
    config = config.with_overrides(["train.epochs=3", "model.drop_rate=0.3", *settings.split()])
    parts = made_patches(24), made_patches(8, seed=1), made_patches(8, seed=2)
    whole, again = fresh(config), fresh(config)
    unbroken = run(config, whole, parts)
    begun = run(config, fresh(config), parts, tmp_path, n=2)
    torch.manual_seed(99)
    ended = run(config, again, parts, tmp_path)
    assert same(whole, again)
    assert [r.train_loss for r in unbroken] == [r.train_loss for r in begun + ended]
    assert np.array_equal([r.best_epoch for r in unbroken], [r.best_epoch for r in begun + ended])
