"""Features of a frozen backbone, computed once: as the backbone says them, resumed to the bit, left out where unfit."""

import numpy as np
import pytest
import torch

from core.config import AugmentConfig, TrainConfig
from core.data.bands import RGB_BANDS
from core.train import frozen_features
from core.train.batches import place
from core.train.frozen_features import FrozenFeatures, alone, can_be_kept, embed_frozen, frozen_part
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network
from core.train.networks.tabular import Known, TabularInputs
from core.train.optimisation.unfreezing import opening_at

SIDE = 24  # pixels, of made_patches
PLAIN = (
    "augment.flips=false", "augment.quarter_turns=false", "augment.mix_prob=0", "augment.label_smoothing=0.1",
    "model.drop_rate=0.3", "train.trainable=head", "train.epochs=3", "train.ema_decay=0.9",
)  # fmt: skip


def fresh(config):
    return build_network(config.model, RGB_BANDS, (SIDE, SIDE), 0)[0]


def trained(config, made_patches, epochs=None, folder=None):
    """The network and its results; stopped after ``epochs``."""
    network, (x, y), (val_x, val_y) = fresh(config), made_patches(40), made_patches(20, seed=1)
    found = []
    for result in fit(network, x, y, val_x, val_y, config, "cpu", 0, folder):
        found.append(result)
        if result.epoch == epochs:
            break
    return network, found


def state(network):
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("select", ["last", "inner_is_the_fold"])
def test_without_augmentation_kept_features_teach_what_the_backbone_would(config, made_patches, select):
    more = ["train.select=fold_best", "train.judge_steps=1"] if select != "last" else []
    config = config.with_overrides([*PLAIN, *more])
    slow, slow_results = trained(config, made_patches)
    fast, fast_results = trained(config.with_overrides(["train.frozen_views=1"]), made_patches)
    for name, value in state(slow).items():
        np.testing.assert_allclose(state(fast)[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    for slow_one, fast_one in zip(slow_results, fast_results, strict=True):
        assert fast_one.train_loss == pytest.approx(slow_one.train_loss, rel=1e-4)
        assert fast_one.val_loss == pytest.approx(slow_one.val_loss, rel=1e-4)
        assert fast_one.best_epoch == slow_one.best_epoch
        np.testing.assert_allclose(fast_one.val_probs, slow_one.val_probs, rtol=1e-4)
        np.testing.assert_allclose(fast_one.train_log_odds, slow_one.train_log_odds, rtol=1e-3, atol=1e-4)


def test_a_second_head_learns_from_kept_features_too(config, made_patches):
    config = config.with_overrides([*PLAIN, "train.ema_decay=none"])
    (x, y), found = made_patches(40), []
    known = Known((), ("a", "b"), None, np.eye(2, dtype=np.float32)[np.arange(40) % 2])
    for views in ("none", "1"):
        network, _ = build_network(config.model, RGB_BANDS, (SIDE, SIDE), 0, second_classes=("a", "b"))
        one = config.with_overrides([f"train.frozen_views={views}"])
        before = state(network)["second_head.weight"]
        list(fit(network, x, y, x[:0], y[:0], one, "cpu", 0, tabular=TabularInputs(known)))
        found.append(state(network))
        assert not np.array_equal(before, found[-1]["second_head.weight"])
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("stopped", [1, 2, 3])
def test_an_interrupted_training_ends_with_the_same_bits(config, made_patches, tmp_path, stopped):
    config = config.with_overrides(
        ["train.epochs=4", "train.head_epochs=2", "train.top_epochs=1", "train.top_layers=6", "train.frozen_views=3"]
    )
    whole, _ = trained(config, made_patches)
    trained(config, made_patches, stopped, tmp_path)
    resumed, results = trained(config, made_patches, None, tmp_path)
    assert [result.epoch for result in results] == list(range(stopped + 1, 5))
    assert all(np.array_equal(value, state(resumed)[name]) for name, value in state(whole).items())


def test_the_backbone_reads_each_patch_once_a_view_however_many_epochs(config, made_patches, monkeypatch):
    read = []
    features_of = frozen_features.features_of
    monkeypatch.setattr(
        frozen_features, "features_of", lambda *given: (read.append(len(given[1])), features_of(*given))[1]
    )
    config = config.with_overrides(["train.trainable=head", "train.epochs=6", "train.frozen_views=2"])
    trained(config, made_patches)
    assert sum(read) == 2 * 40 + 20  # the training part in two views, the validation part as it is


def test_views_are_the_patch_and_its_augmented_copies(config, made_patches):
    network, (x, y) = fresh(config).eval(), made_patches(12)
    data = place(x, np.eye(2, dtype=np.float32)[y], torch.device("cpu"))
    features = FrozenFeatures(network, data, AugmentConfig(quarter_turns=False), 40, 0, None, None)
    flips = np.stack([embed(network, np.ascontiguousarray(view), "cpu", 12).embeddings
                      for view in (x, x[..., ::-1], x[..., ::-1, :], x[..., ::-1, ::-1])])  # fmt: skip
    index, generator, seen = np.arange(12)[::-1].copy(), np.random.default_rng(0), set()
    for _ in range(60):
        rows, targets = features.take(index, generator)
        np.testing.assert_array_equal(targets.numpy(), np.eye(2)[y[index]])
        far = np.abs(flips[:, index] - rows.numpy()).max(axis=2)  # (4, 12)
        assert far.min(axis=0).max() < 1e-4
        seen |= set(far.argmin(axis=0).tolist())
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ([], True),
        (["model.statistics_branch=true"], True),
        (["model.indices=auto"], True),
        (["train.trainable=blocks", "train.top_blocks=1"], False),
        (["train.trainable=all"], False),
    ],
)
def test_features_are_kept_only_while_nothing_before_the_last_layer_learns(config, settings, kept):
    config = config.with_overrides(["train.trainable=head", *settings])
    network = fresh(config)
    assert can_be_kept(network, opening_at(1, network, config.train)) is kept


@pytest.mark.parametrize("branch", ["tabular", "modality_dropout", "mask_head"])
def test_a_network_that_draws_or_reads_more_than_patches_is_read_anew(config, branch):
    network = fresh(config)
    setattr(network, branch, torch.nn.Identity())
    assert not can_be_kept(network, opening_at(1, network, TrainConfig(trainable="head")))


def test_a_backbone_that_is_frozen_whole_answers_as_in_evaluation(config):
    """Stochastic depth in a part that does not learn would only blur what the last layer is shown."""
    network = fresh(config)
    opening_at(1, network, TrainConfig(trainable="head")).train(network)
    assert network.training and not any(module.training for module in network.backbone.modules())
    opening_at(1, network, TrainConfig(trainable="blocks", top_blocks=1)).train(network)
    assert network.backbone.training


class Recorded:
    """What several runs share, and which results had to be made."""

    def __init__(self):
        self.kept, self.made = {}, []

    def __call__(self, kind, key, make, n_bytes):
        if (kind, key) not in self.kept:
            self.made.append(kind)
            self.kept[kind, key] = make()
            assert self.kept[kind, key].nbytes == n_bytes
        return self.kept[kind, key]


def shared_fit(config, made_patches, share, seed=0, n=40):
    network, (x, y), (val_x, val_y) = fresh(config), made_patches(n), made_patches(20, seed=1)
    results = list(fit(network, x, y, val_x, val_y, config, "cpu", seed, share=share))
    return state(network), [result.val_probs for result in results]


def test_a_second_run_takes_the_first_ones_features_and_ends_with_its_own_bits(config, made_patches):
    config = config.with_overrides(["train.trainable=head", "train.frozen_views=2"])
    share = Recorded()
    shared_fit(config, made_patches, share)
    assert share.made == ["features", "judged_features"]
    for setting in ("train.lr=0.01", "model.drop_rate=0.4", "augment.label_smoothing=0.1", "train.epochs=2"):
        other = config.with_overrides([setting])
        with_others, by_itself = shared_fit(other, made_patches, share), shared_fit(other, made_patches, alone)
        for name, value in by_itself[0].items():
            np.testing.assert_array_equal(with_others[0][name], value, err_msg=f"{setting}: {name}")
        np.testing.assert_array_equal(with_others[1], by_itself[1])
    assert share.made == ["features", "judged_features"]


@pytest.mark.parametrize(
    ("settings", "more", "made"),
    [
        (["augment.flips=false"], {}, ["features"]),
        ([], {"seed": 1}, ["features"]),
        (["train.frozen_views=1"], {}, ["features"]),
        ([], {"n": 41}, ["features"]),
        (["model.image_size=32"], {}, ["features", "judged_features"]),
        (["train.channels_last=false"], {}, ["features", "judged_features"]),
    ],
)
def test_features_that_would_differ_are_computed_anew(config, made_patches, settings, more, made):
    config = config.with_overrides(["train.trainable=head", "train.frozen_views=2", "train.epochs=1"])
    share = Recorded()
    shared_fit(config, made_patches, share)
    shared_fit(config.with_overrides(settings), made_patches, share, **more)
    assert share.made[2:] == made


def test_other_weights_have_another_name(config):
    first, second = fresh(config), fresh(config)
    assert frozen_part(first, "cpu") == frozen_part(second, "cpu")
    with torch.no_grad():
        second.classifier.weight += 1  # behind the features
    assert frozen_part(first, "cpu") == frozen_part(second, "cpu")
    with torch.no_grad():
        next(second.backbone.parameters())[0] += 1e-6
    assert frozen_part(first, "cpu") != frozen_part(second, "cpu")


@pytest.mark.parametrize("tta", [False, True])
def test_embeddings_are_shared_and_each_last_layer_answers_for_itself(config, made_patches, tta):
    share, (x, _) = Recorded(), made_patches(13)
    for seed in (0, 1):
        network = fresh(config)
        torch.manual_seed(seed)
        torch.nn.init.normal_(network.classifier.weight)
        found, own = embed_frozen(network, x, "cpu", 4, tta, share), embed(network, x, "cpu", 4, tta=tta)
        np.testing.assert_array_equal(found.embeddings, own.embeddings)
        np.testing.assert_array_equal(found.logits, own.logits)
    assert share.made == ["embeddings"]
