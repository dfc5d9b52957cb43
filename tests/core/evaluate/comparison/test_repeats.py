"""Luck of a training is not taken for a better recipe; a true difference is found; what is not known is said."""

import math

import numpy as np
import pytest

from core.evaluate.comparison.repeats import compare_repeats
from core.evaluate.comparison.significance import compare

N = 600
LABELS = np.arange(N) % 3 == 0


def training(rng, quality, luck=0.25):
    """One training: probabilities whose quality is the recipe's plus its own luck."""
    own = quality + luck * rng.normal()
    odds = own * (2 * LABELS - 1) + rng.normal(size=N)
    probs = 1 / (1 + np.exp(-2 * odds))
    return (probs >= 0.5).astype(np.int8), probs


def trainings(seed, n, quality=1.0, luck=0.25):
    rng = np.random.default_rng(seed)
    return [training(rng, quality, luck) for _ in range(n)]


def test_two_trainings_of_one_recipe_are_no_better_than_each_other():
    """By patches alone one in two pairs of equal recipes was "better"."""
    naive, ours = [], []
    for seed in range(60):
        a, b = trainings(seed, 3), trainings(1000 + seed, 3)
        naive.append(compare(LABELS, *a[0], *b[0], names=("auc",), n_boot=200).differences["auc"].p < 0.05)
        ours.append(compare_repeats(LABELS, a, b, metric="auc", n_boot=200).settled)
    assert np.mean(naive) > 0.3 and np.mean(ours) <= 0.05


def test_a_true_difference_survives_patches_and_trainings():
    found = compare_repeats(LABELS, trainings(1, 4, 1.6, 0.05), trainings(2, 4, 0.9, 0.05), metric="auc", n_boot=200)
    assert found.settled and found.patches.survives and found.trainings.survives
    assert found.both.lo < found.patches.lo < found.difference and "is better than" in found.sentence("A", "B", "AUC")
    assert found.to_dict()["settled"] is True


def test_one_training_of_each_is_no_verdict():
    found = compare_repeats(LABELS, trainings(1, 1, 2.0), trainings(2, 1, 0.5), metric="f1", n_boot=200)
    text = found.sentence("A", "B", "F1")
    assert found.patches.survives and found.trainings.survives is None and not found.settled
    assert "better" not in text and "--repeats" in text and "one training of each" in text
    assert math.isnan(found.sd_a) and math.isnan(found.both.p)


def test_it_says_which_of_the_two_a_difference_survives():
    rng = np.random.default_rng(0)
    a, b = ([training(rng, quality, luck=0) for quality in side] for side in ((1.6, 0.8, 1.3), (1.0, 1.1, 0.6)))
    lucky = compare_repeats(LABELS, a, b, metric="auc", n_boot=200)
    text = lucky.sentence("A", "B", "AUC")
    assert lucky.patches.survives and not lucky.trainings.survives
    assert "survives other patches alone" in text and "is better" not in text


def test_means_and_spreads_are_those_of_the_trainings():
    a = trainings(3, 3)
    found = compare_repeats(LABELS, a, a, metric="accuracy", n_boot=100)
    values = [float((pred == LABELS).mean()) for pred, _ in a]
    assert found.a == found.b == pytest.approx(np.mean(values)) and found.sd_a == pytest.approx(np.std(values, ddof=1))
    assert found.difference == 0 and found.patches.p == 1 and not found.settled


def test_an_undefined_metric_is_said():
    one = [(np.zeros(4, np.int8), np.full(4, 0.5))]
    found = compare_repeats(np.zeros(4, int), one, one, metric="auc", n_boot=50)
    assert "undefined" in found.sentence("A", "B", "AUC") and not found.settled


def test_two_heads_share_the_luck_of_their_trainings():
    """Networks of very different quality, each with a head that is a little better than its other one."""
    rng, a, b = np.random.default_rng(3), [], []
    for luck in (0.6, 1.0, 1.5, 0.8):
        odds = luck * (2 * LABELS - 1) + rng.normal(size=N)
        for side, more in ((a, 0.25), (b, 0.0)):
            probs = 1 / (1 + np.exp(-2 * (odds + more * (2 * LABELS - 1))))
            side.append(((probs >= 0.5).astype(np.int8), probs))
    apart, together = (compare_repeats(LABELS, a, b, None, "auc", 200, paired=paired) for paired in (False, True))
    assert together.difference == apart.difference and not apart.trainings.survives and together.trainings.survives
    text = together.sentence("A", "B", "AUC")
    assert "A is better than B" in text and "(4 trainings, n = 600)" in text
    once = compare_repeats(LABELS, a[:1], b[:1], None, "auc", 200, paired=True).sentence("A", "B", "AUC")
    assert "not known from one training. Train it again (train --repeats 3)" in once
    with pytest.raises(ValueError, match="no pairs"):
        compare_repeats(LABELS, a, b[:3], paired=True)
