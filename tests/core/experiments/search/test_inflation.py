"""The best of many scores is too high; on patches that nobody chose by it is not, and the difference says so."""

import numpy as np
import pandas as pd
import pytest

from core.evaluate.metrics import metrics
from core.experiments.search.inflation import Answers, judged


def table(labels, probs, start=0, networks=2, spread=0.0, rng=None):
    ids = [f"p{start + i}" for i in range(len(labels))]
    found = pd.DataFrame({"id": ids, "label": labels, "group": [f"g{(start + i) // 2}" for i in range(len(labels))]})
    found["prob"], found["pred"] = probs, (np.asarray(probs) >= 0.5).astype(int)
    for k in range(networks):
        own = np.clip(probs + (0 if rng is None else rng.normal(0, spread, len(labels))), 0, 1)
        found[f"prob_{k}"], found[f"pred_{k}"] = own, (own >= 0.5).astype(int)
    return found


def noise(rng, n):
    return rng.integers(0, 2, n), rng.random(n)


def test_the_best_of_many_noise_classifiers_is_inflated_and_its_judgement_is_not():
    rng = np.random.default_rng(0)
    labels, outer_labels = rng.integers(0, 2, 120), rng.integers(0, 2, 400)
    tries = [rng.random(120) for _ in range(60)]
    scores = [metrics(labels, one, pred=(one >= 0.5).astype(int))["auc"] for one in tries]
    best, first = tries[int(np.argmax(scores))], tries[0]
    found = judged(
        Answers([table(labels, best)], table(outer_labels, rng.random(400), 200)),
        Answers([table(labels, first)], table(outer_labels, rng.random(400), 200)), "auc",
    )  # fmt: skip
    assert found["inner"] > 0.58 and found["outer"]["lo"] < 0.5 < found["outer"]["hi"]
    assert found["inflation"]["value"] > 0.05 and found["inflation"]["lo"] > 0
    assert found["promised"]["value"] > found["kept"]["value"] and found["kept"]["lo"] < 0 < found["kept"]["hi"]


def test_the_numbers_are_the_metrics_and_one_network_at_a_time():
    rng = np.random.default_rng(1)
    labels, probs = noise(rng, 80)
    outer_labels, outer = noise(rng, 60)
    outside = table(outer_labels, outer, 100, spread=0.3, rng=rng)
    base = Answers([table(labels, rng.random(80))], table(outer_labels, rng.random(60), 100))
    found = judged(Answers([table(labels, probs)], outside), base, "f1")
    single = [metrics(outer_labels, outside[f"prob_{k}"].to_numpy(), pred=outside[f"pred_{k}"].to_numpy())["f1"]
              for k in range(2)]  # fmt: skip
    assert found["outer"]["value"] == pytest.approx(np.mean(single)) and found["networks"] == 2
    assert found["deployed"]["value"] == pytest.approx(metrics(outer_labels, outer, pred=(outer >= 0.5) * 1)["f1"])
    assert found["inflation"]["value"] == pytest.approx(found["inner"] - found["outer"]["value"])
    lost = found["promised"]["value"] - found["kept"]["value"]
    assert found["lost"]["value"] == pytest.approx(lost)
    assert found["outer"]["lo"] < found["outer"]["value"] < found["outer"]["hi"]


def test_a_winner_that_is_what_was_there_promised_nothing():
    rng = np.random.default_rng(2)
    one = Answers([table(*noise(rng, 80))], table(*noise(rng, 60), 100))
    found = judged(one, one, "auc")
    assert found["promised"]["value"] == found["kept"]["value"] == 0 and found["kept"]["lo"] == found["kept"]["hi"] == 0


def test_nested_searches_are_judged_on_the_same_patches_and_so_drawn_together():
    """Where inner and outer answers are the same on the same patches, their difference has no spread at all."""
    rng = np.random.default_rng(3)
    labels, probs = noise(rng, 100)
    halves = [table(labels[:50], probs[:50]), table(labels[50:], probs[50:], 50)]
    same = Answers([table(labels, probs)], pd.concat(halves, ignore_index=True))
    found = judged(same, same, "auc")
    assert found["inflation"]["value"] == pytest.approx(0) and abs(found["inflation"]["hi"]) < 1e-9
