import copy

import numpy as np
import torch
from torch import nn

from core.train.batches import place
from core.train.optimisation.batchnorm import update_bn

X = np.random.default_rng(0).normal(3, 2, size=(12, 3, 4, 4)).astype(np.float32)
DATA = place(X, np.eye(2, dtype=np.float32)[np.arange(12) % 2], torch.device("cpu"))


def test_running_statistics_become_those_of_the_whole_training_part():
    norm = nn.BatchNorm2d(3)
    settled = update_bn(nn.Sequential(norm), DATA, batch_size=12)
    assert torch.allclose(norm.running_mean, torch.from_numpy(X.mean((0, 2, 3))), atol=1e-5)
    assert torch.allclose(norm.running_var, torch.from_numpy(X.var((0, 2, 3), ddof=1)), atol=1e-4)
    assert norm.momentum == 0.1 and not settled.training and not norm.training


def test_batches_are_averaged_with_equal_weight():
    norm = nn.BatchNorm2d(3)
    update_bn(nn.Sequential(norm), DATA, batch_size=5)  # 3 batches of 4: every third patch
    means = [X[i::3].mean((0, 2, 3)) for i in range(3)]
    assert torch.allclose(norm.running_mean, torch.from_numpy(np.mean(means, axis=0)), atol=1e-5)


def test_no_weight_changes_and_dropout_stays_off(network):
    before = copy.deepcopy(network.state_dict())
    network.dropout.p = 0.9
    one = copy.deepcopy(update_bn(network, DATA, 4).state_dict())
    two = update_bn(network, DATA, 4).state_dict()
    for name, value in two.items():
        assert torch.equal(value, one[name])
        assert torch.equal(value, before[name]) or "running" in name or "num_batches" in name


def test_a_network_without_batch_normalisation_comes_back_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.LayerNorm([2, 4, 4]))
    before = copy.deepcopy(network.state_dict())
    update_bn(network, DATA, 4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_two_patches_and_one_batch_are_enough():
    norm = nn.BatchNorm2d(3)
    update_bn(nn.Sequential(norm), place(X[:2], np.eye(2, dtype=np.float32), torch.device("cpu")), 32)
    assert norm.running_mean.isfinite().all() and norm.running_var.isfinite().all()
