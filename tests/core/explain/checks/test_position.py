"""Shares by place by hand; a planted watermark is flagged, a clean network and a wandering object are not."""

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.explain.cam.gradcam import gradcam
from core.explain.checks.group_tests import beneath_corners, corner_verdicts, correlations, movement, movement_summary
from core.explain.checks.position import CORNERS, place_shares, place_summary, places, wrong_against_right
from core.train.networks.backbones import build_network

SIDE = 32


def test_uniform_attention_is_one_everywhere():
    shares = place_shares(np.ones((2, 8, 8)))
    np.testing.assert_allclose(shares.to_numpy(), 1.0)
    assert place_shares(np.zeros((1, 8, 8))).isna().all(axis=None)


def test_attention_in_one_corner_is_its_area_over():
    maps = np.zeros((1, 10, 10))
    maps[0, :2, 8:] = 1  # the top right fifth
    shares = place_shares(maps, corner=0.2, border=0.1).iloc[0]
    assert shares["top_right"] == pytest.approx(25) and shares["corners"] == pytest.approx(6.25)
    assert shares["top_left"] == shares["bottom_right"] == 0
    assert shares["border"] == pytest.approx(0.75 / 0.36)  # three of its four cells lie in the frame


def test_a_cell_that_is_covered_in_part_counts_in_part():
    covers = places((5, 8), corner=0.25, border=0.1)
    for corner in CORNERS:
        assert covers[corner].mean() == pytest.approx(0.25**2)
    assert covers["border"].mean() == pytest.approx(1 - 0.8**2)


def test_summary_by_outcome_and_wrong_against_right():
    rng = np.random.default_rng(0)
    maps = rng.random((80, 8, 8))
    outcome = np.repeat(["tp", "fp", "fn", "tn"], 20)
    maps[20:60, :2, :2] += 5  # errors look into the top left
    shares = place_shares(maps)
    table = place_summary(shares, outcome).set_index(["outcome", "place"])
    assert table.loc[("tp", "top_left"), "hi"] < 2 < table.loc[("wrong", "top_left"), "lo"]
    assert table.loc[("all", "corners"), "n"] == 80
    rows = {row["place"]: row for row in wrong_against_right(shares, outcome)}
    assert rows["top_left"]["p"] < 0.01 and rows["top_left"]["difference"] > 1
    whole = {row["place"]: row for row in wrong_against_right(shares, outcome, np.arange(80) // 2)}
    assert whole["top_left"]["p"] < 0.01
    assert rows["bottom_right"]["difference"] < 0  # shares: what one corner has, the others lack


def trained(images, labels, seed=0):
    """A tiny network that tells the two kinds apart, and its raw maps."""
    network, _ = build_network(ModelConfig(backbone="test_resnet", pretrained=False), RGB_BANDS, (SIDE, SIDE), seed)
    x, y = torch.as_tensor(images), torch.as_tensor(labels)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.005)
    order = torch.Generator().manual_seed(seed)
    network.train()
    for _ in range(8):
        for rows in torch.randperm(len(x), generator=order).split(32):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
    with torch.no_grad():
        assert ((network.eval()(x)[:, 1] > 0).float().mean(dim=0) - y.float().mean()).abs() < 0.1
    return lambda patches: gradcam(network, patches, min_map=8, method="xgradcam")[0]


def made(place, n=256, seed=0):
    """Noise; every second patch, a landslide, has a bright square: in the bottom right corner, or anywhere."""
    rng = np.random.default_rng(seed)
    images, labels = rng.normal(size=(n, 3, SIDE, SIDE)).astype(np.float32), np.arange(n) % 2
    for i in np.flatnonzero(labels):
        y, x = (SIDE - 6, SIDE - 6) if place == "corner" else rng.integers(0, SIDE - 6, 2)
        images[i, :, y : y + 6, x : x + 6] += 3
    return images, labels


@pytest.mark.parametrize("place", ["corner", "anywhere"])
def test_a_planted_watermark_is_flagged_and_a_clean_network_is_not(place):
    images, labels = made(place)
    maps_of = trained(images, labels)
    chosen = images[labels == 1][:60]
    table = movement(maps_of, chosen, maps_of(chosen))
    rows = corner_verdicts(table, np.full(len(chosen), "tp"))
    flagged = {row["corner"]: row for row in rows if row["flagged"] and row["outcome"] == "tp"}
    if place == "anywhere":
        assert not flagged
        return
    assert set(flagged) == {"bottom_right"}
    mark = flagged["bottom_right"]
    assert mark["ratio"] > 3 and mark["lo"] > 3 and mark["kept"] > 0.5
    # Moved with its corner the attention goes along, for it is in the pixels; that is what rolling alone would show.
    assert mark["cause"] == "mark" and mark["along"] > mark["same"]
    assert movement_summary(table)[0]["follows"] == "content"


def test_attention_that_never_leaves_a_corner_is_of_the_place():
    def maps_of(patches):
        maps = np.random.default_rng(len(patches)).random((len(patches), 8, 8)) * 0.1
        maps[:, 0, 0] += 3
        return maps

    images = made("anywhere", 40)[0]
    table = movement(maps_of, images, maps_of(images))
    (flagged,) = [row for row in corner_verdicts(table, np.full(40, "fp")) if row["flagged"] and row["outcome"] == "fp"]
    assert flagged["corner"] == "top_left" and flagged["cause"] == "position"
    assert {row["follows"] for row in movement_summary(table)} == {"position"}


def test_few_patches_are_not_judged():
    maps = np.zeros((4, 8, 8))
    maps[:, 0, 0] = 1
    table = movement(lambda patches: maps, made("anywhere", 4)[0], maps)
    assert not any(row["hot"] for row in corner_verdicts(table, np.full(4, "tp")))


def test_corners_stay_and_everything_else_is_rolled_beneath_them():
    images = np.arange(100, dtype=np.float32).reshape(1, 1, 10, 10)
    found = beneath_corners(images, corner=0.2)[0, 0]
    np.testing.assert_array_equal(found[:2, :2], images[0, 0, :2, :2])
    np.testing.assert_array_equal(found[8:, 8:], images[0, 0, 8:, 8:])
    assert found[5, 5] == images[0, 0, 5, 5]  # where a second copy of the corner would arrive
    assert found[2, 0] == images[0, 0, 7, 5] and found[0, 5] == images[0, 0, 5, 0]


def test_correlation_says_nothing_of_dead_and_constant_maps():
    a = np.random.default_rng(0).random((3, 4, 4))
    b = a.copy()
    b[1], b[2] = 0, 1
    found = correlations(a, b)
    assert found[0] == pytest.approx(1) and np.isnan(found[1:]).all()
