"""Pointing, energy and overlap by hand; random maps reach chance and no more."""

import numpy as np
import pytest

from core.explain.checks.mask_overlap import mask_agreement, summarise_agreement


def test_measures_by_hand():
    masks = np.zeros((3, 4, 4), np.uint8)
    masks[:, :2, :2] = 1  # a quarter
    maps = np.zeros((3, 4, 4), np.float32)
    maps[0, 0, 0], maps[0, 3, 3] = 3, 1  # points inside; 3/4 of the energy
    maps[1, 3, 3] = 2  # points outside; the third is dead
    table = mask_agreement(maps, masks)
    assert table["pointing"].tolist() == [1, 0, 0]
    assert table["energy"].tolist() == [0.75, 0, 0]
    assert table["iou"].tolist() == [0.25, 0, 0]  # one hot pixel in a mask of four
    assert table["chance_pointing"].tolist() == [0.25] * 3
    assert table["silent"].tolist() == [False, False, True]
    assert table["chance_iou"][0] == pytest.approx((1 / 64) / (1 / 16 + 1 / 4 - 1 / 64))


def test_patches_without_a_mask_do_not_count():
    masks, maps = np.zeros((2, 4, 4), np.uint8), np.random.default_rng(0).random((2, 2, 2))
    masks[1, 0, 0] = 1
    table = mask_agreement(maps, masks)
    assert np.isnan(table["pointing"][0]) and np.isfinite(table["pointing"][1])
    assert summarise_agreement(table)["pointing"]["found"]["n"] == 1


def test_random_maps_reach_chance_and_planted_ones_more():
    rng = np.random.default_rng(0)
    n, masks = 300, np.zeros((300, 32, 32), np.uint8)
    maps = rng.random((n, 8, 8)).astype(np.float32)
    planted = 0.2 * maps
    for i, (y, x) in enumerate(rng.integers(0, 5, (n, 2))):
        masks[i, 4 * y : 4 * y + 16, 4 * x : 4 * x + 16] = 1
        planted[i, y + 1, x + 1] = 1
    groups = np.repeat(np.arange(100), 3)
    for name, summary in summarise_agreement(mask_agreement(maps, masks), groups).items():
        assert summary["gain"]["lo"] < 0.02 and abs(summary["gain"]["value"]) < 0.05, name
        assert summary["p"] > 1e-3
    good = summarise_agreement(mask_agreement(planted, masks), groups)["pointing"]
    assert good["found"]["value"] == 1.0 and good["gain"]["lo"] > 0.5 and good["p"] < 0.01
