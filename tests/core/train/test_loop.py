import math

import numpy as np
import pytest
import torch
from torch import nn

from core.data.bands import RGB_BANDS
from core.errors import TrainingError
from core.train.loop import embed, fit, newest_checkpoint
from core.train.networks.backbones import build_network

SIDE = 24  # pixels, of made_patches


def fresh(config, seed=0):
    return build_network(config.model, RGB_BANDS, (SIDE, SIDE), seed)[0]


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def run(config, network, x, y, val=(None, None), seed=0, folder=None):
    val_x, val_y = (x[:0], y[:0]) if val[0] is None else val
    return list(fit(network, x, y, val_x, val_y, config, "cpu", seed, folder))


# -------------------------------------------------------------------------------------------------- what is learnt


def test_a_task_that_can_be_learnt_is_learnt(config, made_patches):
    config = config.with_overrides(["train.epochs=8", "train.ema_decay=0.9", "augment.mix_prob=0.2"])
    x, y = made_patches(160)
    val_x, val_y = made_patches(60, seed=1)
    network = fresh(config)
    results = run(config, network, x, y, (val_x, val_y))
    assert ((embed(network, val_x, "cpu", 32).probs > 0.5) == val_y).mean() >= 0.95
    assert results[-1].val_auc >= 0.98 and results[-1].val_f1 >= 0.95
    assert results[-1].train_loss < results[0].train_loss


def test_noise_stays_at_chance(config, made_patches):
    x, _ = made_patches(160, signal=0)
    y = np.random.default_rng(5).integers(0, 2, 160)
    val_x, _ = made_patches(200, seed=1, signal=0)
    val_y = np.random.default_rng(6).integers(0, 2, 200)
    assert 0.38 < run(config, fresh(config), x, y, (val_x, val_y))[-1].val_auc < 0.62


def test_the_statistics_branch_is_fitted_on_the_training_part(config, made_patches):
    config = config.with_overrides(["model.statistics_branch=true", "train.epochs=1"])
    x, y = made_patches(32)
    network = fresh(config)
    run(config, network, 7 + 3 * x, y)
    assert network.statistics(torch.from_numpy(7 + 3 * x)).mean(0).abs().max() < 1e-3


# ---------------------------------------------------------------------------------------------------- what it tells


def test_each_epoch_is_told_once_with_plain_numbers(config, made_patches):
    x, y = made_patches(40)
    results = run(config.with_overrides(["train.schedule=none"]), fresh(config), x, y, (x[:8], y[:8]))
    assert [r.epoch for r in results] == [1, 2, 3, 4] and {r.epochs for r in results} == {4}
    plain = [value for r in results for name, value in r.to_dict().items() if name != "select_f1"]
    assert all(math.isfinite(value) for value in plain if isinstance(value, float))
    assert all(math.isnan(r.select_f1) and r.best_epoch == 0 for r in results)  # no epoch is chosen by its F1
    assert {r.lr for r in results} == {0.003} and results[0].placement == "device" and results[0].pieces == 1


def test_accuracy_is_kept_of_both_parts_for_every_epoch(config, made_patches):
    """Of what the network answered while it learnt, and of the validation part (paper B's Figure 8)."""
    x, y = made_patches(48)
    plain = config.with_overrides(["augment.mix_prob=0", "train.epochs=2", "train.accumulate=2"])
    for result in run(plain, fresh(plain), x, y, (x[:16], y[:16])):
        assert result.train_accuracy == ((result.train_log_odds > 0) == y).mean()
        assert result.val_accuracy == ((result.val_probs >= 0.5) == y[:16]).mean()
    mixed = config.with_overrides(["augment.mix_prob=1", "augment.cutmix_alpha=0", "train.epochs=1"])
    assert 0.0 <= run(mixed, fresh(mixed), x, y)[0].train_accuracy <= 1.0


@pytest.mark.parametrize("val_y", [np.full(6, -1), np.zeros(0, int)])
def test_without_labelled_validation_patches_its_numbers_are_undefined(config, made_patches, val_y):
    x, y = made_patches(16)
    last = run(config.with_overrides(["train.epochs=1"]), fresh(config), x, y, (x[: len(val_y)], val_y))[-1]
    assert math.isnan(last.val_loss) and math.isnan(last.val_f1) and math.isnan(last.val_auc)


def test_one_class_in_validation_leaves_auc_undefined_and_the_loss_defined(config, made_patches):
    x, y = made_patches(16)
    last = run(config.with_overrides(["train.epochs=1"]), fresh(config), x, y, (x[:6], np.zeros(6, int)))[-1]
    assert math.isnan(last.val_auc) and math.isfinite(last.val_loss)


def test_validation_never_changes_the_weights(config, made_patches):
    x, y = made_patches(24)
    one, two = fresh(config), fresh(config)
    run(config, one, x, y)
    run(config, two, x, y, made_patches(10, seed=3))
    assert same(state(one), state(two))


def test_with_an_average_the_network_ends_with_the_averaged_weights(config, made_patches):
    x, y = made_patches(32)
    plain, averaged = fresh(config), fresh(config)
    run(config, plain, x, y)
    results = run(config.with_overrides(["train.ema_decay=0.9"]), averaged, x, y, (x, y))
    assert not same(state(plain), state(averaged)) and not averaged.training
    found = embed(averaged, x, "cpu", 16)
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(found.logits), torch.from_numpy(y))
    assert results[-1].val_loss == pytest.approx(float(loss), abs=1e-5)


# ------------------------------------------------------------------------------------------ repeating and resuming

VARIANTS = [
    ["train.ema_decay=0.9", "model.drop_rate=0.3"],
    ["train.optimizer=adam", "model.statistics_branch=true"],
    ["model.backbone=test_vit2", "model.image_size=32"],
]


@pytest.mark.fault(1)
@pytest.mark.parametrize("overrides", VARIANTS)
def test_a_fit_that_was_broken_off_ends_with_the_same_bits(config, made_patches, overrides, tmp_path):
    config = config.with_overrides(overrides)
    x, y = made_patches(37)
    whole = fresh(config)
    unbroken = run(config, whole, x, y, (x, y))

    first = fit(fresh(config), x, y, x, y, config, "cpu", 0, tmp_path)
    begun = [next(first), next(first)]
    first.close()  # epoch 2 of 4 is done
    torch.manual_seed(99)  # a new process has other global random numbers
    again = fresh(config)
    ended = run(config, again, x, y, (x, y), folder=tmp_path)

    assert [r.epoch for r in begun + ended] == [1, 2, 3, 4]
    assert same(state(whole), state(again))
    assert [r.train_loss for r in unbroken] == [r.train_loss for r in begun + ended]
    assert [r.val_loss for r in unbroken] == [r.val_loss for r in begun + ended]


@pytest.mark.fault(22)
def test_equal_seeds_give_equal_bits_and_other_seeds_do_not(config, made_patches):
    config = config.with_overrides(["train.epochs=1"])
    x, y = made_patches(24)
    networks = [fresh(config) for _ in range(3)]
    for network, seed in zip(networks, (1, 1, 2), strict=True):
        run(config, network, x, y, seed=seed)
    assert same(state(networks[0]), state(networks[1])) and not same(state(networks[0]), state(networks[2]))


@pytest.mark.fault(1)
def test_a_fit_that_was_done_yields_nothing_more_and_gives_its_weights(config, made_patches, tmp_path):
    config = config.with_overrides(["train.epochs=2", "train.ema_decay=0.9"])
    x, y = made_patches(24)
    one, two = fresh(config), fresh(config)
    run(config, one, x, y, folder=tmp_path)
    assert run(config, two, x, y, folder=tmp_path) == []
    assert same(state(one), state(two))


@pytest.mark.fault(2)
def test_a_damaged_newest_checkpoint_costs_one_epoch_and_no_bit(config, made_patches, tmp_path):
    x, y = made_patches(24)
    whole, again = fresh(config), fresh(config)
    run(config, whole, x, y)
    broken = fit(fresh(config), x, y, x, y, config, "cpu", 0, tmp_path)
    for _ in range(3):
        next(broken)
    (tmp_path / "epoch_0003.safetensors").write_bytes(b"cut short")
    assert newest_checkpoint(tmp_path).damaged == ("epoch_0003",)
    assert [r.epoch for r in run(config, again, x, y, folder=tmp_path)] == [3, 4]
    assert same(state(whole), state(again))


@pytest.mark.parametrize("change", [["train.lr=0.1"], ["train.epochs=9"], ["augment.flips=false"]])
def test_a_checkpoint_of_other_settings_is_refused(config, made_patches, tmp_path, change):
    x, y = made_patches(24)
    next(fit(fresh(config), x, y, x, y, config, "cpu", 0, tmp_path))
    with pytest.raises(TrainingError, match="other settings or other patches"):
        run(config.with_overrides(change), fresh(config), x, y, folder=tmp_path)
    with pytest.raises(TrainingError, match="other settings or other patches"):
        run(config, fresh(config), x[:-2], y[:-2], folder=tmp_path)


# ---------------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.fault(9)
def test_a_loss_that_is_no_number_stops_and_puts_the_last_good_weights_back(config, made_patches):
    config = config.with_overrides(["train.schedule=none"])
    x, y = made_patches(24)

    class Poisoned(nn.Module):
        """The real backbone until ``armed``, then not a number."""

        def __init__(self, inner):
            super().__init__()
            self.inner, self.armed = inner, False

        def forward(self, images):
            return self.inner(images) * (float("nan") if self.armed else 1.0)

    network = fresh(config)
    network.backbone = Poisoned(network.backbone)
    epochs = fit(network, x, y, x, y, config, "cpu", 0)
    next(epochs)
    good = state(network)
    network.backbone.armed = True
    with pytest.raises(TrainingError, match="no longer a number in epoch 2, step 1 .* end of epoch 1.*train.lr"):
        next(epochs)
    assert same(state(network), good)


@pytest.mark.fault(9)
def test_a_loss_that_explodes_is_called_so(config, made_patches):
    x, y = made_patches(24)
    with pytest.raises(TrainingError, match="(rose to|no longer a number).*Lower train.lr"):
        run(config.with_overrides(["train.lr=1", "train.optimizer=adam"]), _huge(fresh(config)), x, y)


def _huge(network):
    with torch.no_grad():
        network.classifier.weight.mul_(1e4)
    return network


@pytest.mark.fault(12)
def test_patches_that_are_not_finite_are_counted(config, made_patches):
    x, y = made_patches(8)
    x[2, 0, 3, 3], x[5, 1, 0, 0] = np.nan, np.inf
    with pytest.raises(TrainingError, match="2 training patches hold values that are not finite"):
        run(config, fresh(config), x, y)


@pytest.mark.fault(20)
@pytest.mark.parametrize("labels", [np.zeros(8, int), np.ones(8, int)])
def test_one_class_only_is_refused_with_the_counts(config, made_patches, labels):
    with pytest.raises(TrainingError, match="one class only"):
        run(config, fresh(config), made_patches(8)[0], labels)


def test_two_patches_are_enough_to_run(config, made_patches):
    x, y = made_patches(2)
    assert len(run(config, fresh(config), x, y)) == 4


class Small(nn.Module):
    """A device with room for ``limit`` patches at once."""

    def __init__(self, inner, limit):
        super().__init__()
        self.inner, self.limit = inner, limit

    def forward(self, images):
        if self.training and len(images) > self.limit:
            raise torch.OutOfMemoryError("no room")
        return self.inner(images)


@pytest.mark.fault(8)
def test_a_batch_that_does_not_fit_is_cut_and_its_gradients_add_up(config, made_patches):
    """test_vit2 has no batch normalisation, so that the pieces together are the whole batch."""
    config = config.with_overrides(["model.backbone=test_vit2", "model.image_size=32", "train.epochs=1"])
    x, y = made_patches(32)
    whole, cut = fresh(config), fresh(config)
    run(config, whole, x, y)
    cut.backbone = Small(cut.backbone, 5)
    assert run(config, cut, x, y)[-1].pieces == 4
    for (_, a), (_, b) in zip(whole.named_parameters(), cut.named_parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-3)


@pytest.mark.fault(8)
def test_when_no_piece_fits_the_way_out_is_named(config, made_patches):
    x, y = made_patches(32)
    network = fresh(config)
    network.backbone = Small(network.backbone, 1)
    with pytest.raises(TrainingError, match="in 8 pieces. Set train.batch_size"):
        run(config, network, x, y)
