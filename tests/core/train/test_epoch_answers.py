"""What training said of its patches is written down where they are, and of mixed batches nothing."""

import numpy as np
import pytest
import torch

from core.data.bands import RGB_BANDS
from core.train.epoch_answers import EpochAnswers
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network

SIDE = 24  # pixels, of made_patches


def test_answers_find_their_patches_and_mixed_ones_stay_unknown():
    answers = EpochAnswers(7, torch.device("cpu"))
    said = torch.arange(6, dtype=torch.float32)
    batches = [(np.array([5, 0]), False), (np.array([1]), True), (np.array([3, 6, 2]), False)]
    answers.note(batches, [said[:1], said[1:4], said[4:]])  # pieces need not be batches
    np.testing.assert_array_equal(answers.log_odds.numpy(), [1, np.nan, 5, 3, np.nan, 0, 4])


def fitted(config, x, y):
    network = build_network(config.model, RGB_BANDS, (SIDE, SIDE), 0)[0]
    return network, list(fit(network, x, y, x[:0], y[:0], config, "cpu", 0))


@pytest.mark.parametrize(("share", "known"), [(0, 1.0), (1, 0.0)])
def test_only_patches_that_were_not_mixed_are_answered_for(config, made_patches, share, known):
    config = config.with_overrides(["train.epochs=1", f"augment.mix_prob={share}", "augment.mixup_alpha=0.3"])
    x, y = made_patches(40)
    assert np.isfinite(fitted(config, x, y)[1][0].train_log_odds).mean() == known


@pytest.mark.parametrize("accumulate", [1, 2])
def test_they_are_the_networks_answers_for_these_patches(config, made_patches, accumulate):
    """Learnt by heart, each patch's own label is what is answered; in any order, also where steps take two batches."""
    plain = ["augment.mix_prob=0", "augment.flips=false", "augment.quarter_turns=false"]
    config = config.with_overrides([*plain, "train.epochs=12", f"train.accumulate={accumulate}"])
    x, y = made_patches(60)
    network, results = fitted(config, x, y)
    last = results[-1].train_log_odds
    assert ((last > 0) == (y == 1)).mean() > 0.95
    assert np.corrcoef(last, np.diff(embed(network, x, "cpu", 32).logits)[:, 0])[0, 1] > 0.9
    assert "train_log_odds" not in results[-1].to_dict()
