"""Columns joined to the embedding, a second head for a column of classes, and the answer without any column."""

import json

import numpy as np
import pytest
import torch

from core.config import ModelConfig, RunConfig
from core.data.bands import RGB_BANDS
from core.data.tabular.columns import encode
from core.errors import ConfigError
from core.io import safetensors_file
from core.train.augmentation.augment import augment
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.networks.tabular import Known, Layout, TabularBranch, TabularInputs, second_loss
from core.train.targets import soft_targets
from tests.builders import TRAIN_SIDE, TRAIN_TINY

N = 64


@pytest.fixture
def told():
    """Labels that only the columns know: noise images; slope and cover speak, sizes of landslides follow the slope."""
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 2
    slope = 10 + 20 * labels + rng.normal(0, 2, N)
    slope[::9] = np.nan
    columns = {"slope": slope, "cover": np.where(labels == 1, "rock", "forest")}
    columns["size"] = np.where(labels == 0, "", np.where(np.nan_to_num(slope, nan=30.0) > 30, "large", "small"))
    return rng.normal(size=(N, 3, TRAIN_SIDE, TRAIN_SIDE)).astype(np.float32), labels.astype(np.int8), columns


def configured(*more):
    return RunConfig().with_overrides([*TRAIN_TINY, "model.columns=slope,cover", "augment.mix_prob=0", *more])


def trained(config, images, labels, columns, resume=None):
    rows = np.arange(N)
    known = Known.learn(config.model, columns, labels, rows)
    network, _ = build_network(
        config.model, RGB_BANDS, (TRAIN_SIDE, TRAIN_SIDE), 0, columns=known.columns, second_classes=known.second_classes
    )
    tabular = TabularInputs(known, known.table, known.table)
    results = list(fit(network, images, labels, images, labels, config, "cpu", 0, resume, None, tabular))
    return network, known, results


def test_columns_decide_where_pixels_say_nothing_and_their_absence_is_survived(told):
    images, labels, columns = told
    network, known, _ = trained(configured("train.epochs=12", "train.lr=0.01"), images, labels, columns)
    unseen = np.random.default_rng(9).normal(size=images.shape).astype(np.float32)
    with_them = embed(network, unseen, "cpu", 32, table=known.table).probs
    without = embed(network, unseen, "cpu", 32).probs
    assert ((with_them >= 0.5) == labels).mean() > 0.95 and abs(((without >= 0.5) == labels).mean() - 0.5) < 0.25
    assert np.isfinite(without).all()
    assert np.array_equal(without, embed(network, unseen, "cpu", 32, table=encode(known.columns, None, N)).probs)


def test_it_is_kept_with_its_columns_and_its_second_head(told, tmp_path):
    images, labels, columns = told
    config = configured("model.second_column=size", "train.epochs=1")
    network, known, _ = trained(config, images, labels, columns)
    save_network(network, tmp_path)
    loaded = load_network(tmp_path)
    assert loaded.columns == known.columns and loaded.second_classes == ("large", "small")
    before, after = (embed(one, images, "cpu", 32, tta=True, table=known.table) for one in (network, loaded))
    assert np.array_equal(before.logits, after.logits) and np.array_equal(before.second_logits, after.second_logits)
    assert before.embeddings.shape[1] == network.n_features == network.classifier.in_features


def test_the_second_head_learns_sizes_of_landslides_alone(told):
    images, labels, columns = told
    settings = ("model.second_column=size", "model.second_of=landslides", "model.second_weight=1")
    config = configured(*settings, "train.epochs=25", "train.lr=0.01")
    network, known, _ = trained(config, images, labels, columns)
    assert not known.second[labels == 0].any() and known.second[labels == 1].sum(axis=1).all()
    slides = (labels == 1) & np.isfinite(columns["slope"])
    answered = embed(network, images, "cpu", 32, table=known.table).second_logits.argmax(axis=1)
    truth = known.second.argmax(axis=1)
    assert (answered == truth)[slides].mean() > 0.85


def test_a_share_of_patches_loses_all_its_columns_and_only_in_training(told):
    _, labels, columns = told
    known = Known.learn(ModelConfig(columns=("slope", "cover")), columns, labels, np.arange(N))
    branch = TabularBranch(known.columns, dropped=0.5)
    table = torch.from_numpy(known.table).repeat(50, 1)
    torch.manual_seed(0)
    found, blank = branch(table, len(table)), branch(None, 1)
    lost = (found == blank).all(dim=1)
    assert abs(lost.float().mean() - 0.5) < 0.03
    whole = branch.eval()(table, len(table))
    assert torch.equal(found[~lost], whole[~lost])


def test_mixup_mixes_columns_and_sizes_with_the_weight_of_the_labels(told):
    images, labels, columns = told
    model = ModelConfig(columns=("slope", "cover"), second_column="size")
    known = Known.learn(model, columns, labels, np.arange(N))
    rows = known.append_to(soft_targets(labels))
    settings = configured("augment.mix_prob=1", "augment.cutmix_alpha=0", "augment.label_smoothing=0.2").augment
    x, y = torch.from_numpy(images), torch.from_numpy(rows)
    _, mixed = augment(x, y, settings, np.random.default_rng(0))
    partner = torch.arange(N).roll(1)
    got_labels, got_second, got_table = known.layout.split(mixed)
    # labels are smoothed first: their distance from 0.5 shrinks to 80 %; the weight is read from a pair that differs
    weight = ((got_labels[:, 1] - 0.1) / 0.8 - y[partner, 1]) / (y[:, 1] - y[partner, 1])
    w = weight.mean()
    assert torch.allclose(weight, w.expand(N), atol=1e-5) and 0 < w < 1
    _, second, table = known.layout.split(y)
    assert torch.allclose(got_table, w * table + (1 - w) * table[partner], atol=1e-5)
    assert torch.allclose(got_second, w * second + (1 - w) * second[partner], atol=1e-5)


def test_a_broken_off_fit_goes_on_bit_for_bit(told, tmp_path):
    images, labels, columns = told
    config = configured("model.second_column=size", "train.epochs=2")
    whole, known, _ = trained(config, images, labels, columns)
    network, _ = build_network(
        config.model, RGB_BANDS, (TRAIN_SIDE, TRAIN_SIDE), 0, columns=known.columns, second_classes=known.second_classes
    )
    tabular = TabularInputs(known, known.table)
    steps = fit(network, images, labels, images, labels, config, "cpu", 0, tmp_path, None, tabular)
    next(steps)
    steps.close()
    again, _, results = trained(config, images, labels, columns, resume=tmp_path)
    assert [r.epoch for r in results] == [2]
    assert all(torch.equal(v, whole.state_dict()[k]) for k, v in again.state_dict().items())


def test_loss_of_the_second_head_by_hand():
    logits = torch.tensor([[0.0, 0.0], [3.0, 1.0], [9.0, -9.0]])
    second = torch.tensor([[1.0, 0.0], [0.0, 0.5], [0.0, 0.0]])  # known, known by half, unknown
    expected = (np.log(2) + 0.5 * np.log1p(np.exp(2.0))) / 1.5
    assert second_loss(logits, second).item() == pytest.approx(expected, rel=1e-5)
    assert second_loss(logits, torch.zeros(3, 2)).item() == 0.0


def test_a_network_of_an_earlier_version_is_read_with_its_head_of_sizes(told, tmp_path):
    images, labels, columns = told
    network, known, _ = trained(configured("model.size_column=size", "train.epochs=1"), images, labels, columns)
    save_network(network, tmp_path)
    arrays = safetensors_file.load_arrays(tmp_path / "model.safetensors")
    earlier = {name.replace("second_head.", "size_head."): array for name, array in arrays.items()}
    card = json.loads((tmp_path / "model.json").read_text())
    card["size_classes"], model = card.pop("second_classes"), card["model"]
    model["size_column"], model["size_weight"] = model.pop("second_column"), model.pop("second_weight")
    del model["second_of"]
    card["sha256"] = safetensors_file.save_arrays(tmp_path / "model.safetensors", earlier)
    (tmp_path / "model.json").write_text(json.dumps(card))
    loaded = load_network(tmp_path)
    assert loaded.second_classes == ("large", "small") and loaded.model.second_of == "landslides"
    before, after = (embed(one, images, "cpu", 32).second_logits for one in (network, loaded))
    assert np.array_equal(before, after)


def test_one_class_is_refused_and_no_columns_change_nothing():
    columns = {"size": np.array(["small", "small", "unknown"])}
    with pytest.raises(ConfigError, match="has one class"):
        Known.learn(ModelConfig(second_column="size"), columns, np.array([1, 1, 0]), np.arange(3))
    targets = soft_targets(np.array([0, 1]))
    assert np.array_equal(Known().append_to(targets), targets) and Known().layout == Layout()
