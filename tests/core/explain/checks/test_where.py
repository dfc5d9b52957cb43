"""Highest points, overlaps and thresholds by hand; every fold's threshold is chosen by the others."""

import numpy as np
import pytest

from core.explain.checks.where import THRESHOLDS, ious, pooled_iou, random_point, scored, summarised


def square(row, col, side=2, hw=(8, 8)):
    mask = np.zeros(hw, np.uint8)
    mask[row : row + side, col : col + side] = 1
    return mask


def test_overlap_by_hand():
    maps = np.zeros((1, 8, 8), np.float32)
    maps[0, 0, :4] = 0.5  # four pixels, two of them in the mask of four
    masks = square(0, 2)[None]
    assert ious(maps, masks > 0)[0, THRESHOLDS <= 0.5].tolist() == [pytest.approx(2 / 6)] * int(
        (THRESHOLDS <= 0.5).sum()
    )
    assert (ious(maps, masks > 0)[0, THRESHOLDS > 0.5] == 0).all()  # nothing is called


def test_a_fold_s_threshold_is_that_of_the_others():
    masks = np.stack([square(2, 2)] * 4)
    maps = np.zeros((4, 8, 8), np.float32)
    maps[:2] = masks[:2] * 0.9 + 0.05  # fold 0: good above 0.06 and up to 0.94
    maps[2:] = masks[2:] * 0.3 + 0.02  # fold 1: good above 0.02 and up to 0.32
    found = scored(maps, masks, np.array([0, 0, 1, 1]))
    assert found.thresholds[0] <= 0.32 and 0.06 <= found.thresholds[1] <= 0.94
    assert found.table["pointing"].tolist() == [1.0] * 4 and found.table["off_px"].tolist() == [0.0] * 4
    moved = maps.copy()
    moved[:2] = 0.7  # whatever fold 0 says, its own threshold stays
    assert scored(moved, masks, np.array([0, 0, 1, 1])).thresholds[0] == found.thresholds[0]
    assert np.isnan(scored(maps, masks, np.zeros(4, int)).table["iou"]).all()  # no other fold to choose by


def test_a_map_that_says_nothing_points_as_a_random_point_does():
    masks = np.stack([square(0, 0), square(3, 3, 4)])
    found, chance = scored(np.zeros((2, 8, 8)), masks, np.array([0, 1])).table, random_point(masks)
    assert found["pointing"].tolist() == pytest.approx([4 / 64, 16 / 64])
    assert chance["pointing"].tolist() == pytest.approx([4 / 64, 16 / 64])
    assert found["off_px"].tolist() == pytest.approx(chance["off_px"].tolist())
    assert found["iou"].tolist() == [0.0, 0.0]


def test_distance_to_the_landslide_is_of_the_highest_pixel():
    maps = np.zeros((1, 8, 8))
    maps[0, 7, 0] = 1.0
    assert scored(maps, square(0, 0)[None], np.zeros(1, int)).table["off_px"][0] == 6.0


def test_pooled_overlap_counts_pixels_and_its_interval_groups():
    both, either = np.array([10, 0, 30]), np.array([20, 20, 40])
    found = pooled_iou(both, either, np.array(["a", "b", "c"]))
    assert found.value == pytest.approx(40 / 80) and 0 <= found.lo < found.value < found.hi <= 1
    assert np.isnan(pooled_iou(both, either, np.array(["a", "a", "a"])).lo)


def test_only_what_beats_every_rival_for_certain_is_better():
    rng = np.random.default_rng(0)
    masks = np.stack([square(*rng.integers(0, 6, 2)) for _ in range(40)])
    fold = np.arange(40) % 2
    noise = rng.random((40, 8, 8))
    tables = {
        "good": scored(masks * 0.8 + 0.1 * noise, masks, fold).table,
        "noise": scored(noise, masks, fold).table,
        "random": random_point(masks),
    }
    found = summarised(tables, None, ("random",))
    assert found["good"]["better"] and not found["noise"]["better"] and not found["random"]["better"]
    assert found["good"]["gain"]["random"]["iou"]["lo"] > 0 and found["good"]["within_px"] == 0.0
