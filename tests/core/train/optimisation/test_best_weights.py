import json

import numpy as np
import pytest
import torch
from torch import nn

from core.train.optimisation.best_weights import BestWeights


def network(value):
    made = nn.Linear(1, 1, bias=False)
    nn.init.constant_(made.weight, value)
    return made


def test_the_highest_f1_is_kept_then_the_lowest_loss_then_the_earliest():
    kept = BestWeights()
    for epoch, (f1, loss) in enumerate([(0.5, 1.0), (0.7, 0.9), (0.7, 0.8), (0.7, 0.8), (0.6, 0.1)], 1):
        kept.offer(epoch, f1, loss, network(epoch))
    assert (kept.epoch, kept.f1, kept.loss) == (3, 0.7, 0.8) and kept.weights["weight"].item() == 3


def test_an_undefined_f1_is_never_kept():
    kept = BestWeights(patience=1)
    kept.offer(1, float("nan"), 0.1, network(1))
    assert not kept.weights and kept.facts() == {} and not kept.is_enough(9)


def test_what_is_kept_does_not_change_with_the_network():
    kept, trained = BestWeights(), network(1)
    kept.offer(1, 0.5, 1.0, trained)
    nn.init.constant_(trained.weight, 9)
    assert kept.weights["weight"].item() == 1


@pytest.mark.parametrize(("epoch", "enough"), [(2, False), (3, False), (4, True), (7, True)])
def test_patience_ends_after_so_many_epochs_without_a_better_one(epoch, enough):
    kept = BestWeights(patience=2)
    kept.offer(2, 0.5, 1.0, network(1))
    assert kept.is_enough(epoch) is enough


def test_it_goes_on_from_its_plain_values_and_arrays():
    kept, again = BestWeights(patience=2), BestWeights(patience=2)
    kept.offer(3, 0.1 + 0.2, 1 / 3, network(4))
    again.unpack(json.loads(json.dumps(kept.facts())), {**kept.pack(), "network.weight": np.zeros(1)})
    assert (again.epoch, again.f1, again.loss) == (kept.epoch, kept.f1, kept.loss)
    assert torch.equal(again.weights["weight"], kept.weights["weight"]) and set(again.weights) == {"weight"}
