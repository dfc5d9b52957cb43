"""A map of what the network needs beats chance, a map of something else does not; forgetting changes real maps."""

import numpy as np
import pytest
import torch
from torch import nn

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.explain.cam.gradcam import gradcam
from core.explain.checks.faithfulness import BLIND, RIVALS, SHARES, by_rival, faithfulness, mean_of_others
from core.explain.checks.randomisation import cascade, likeness, likeness_to_others, randomise
from core.stats.grouped_means import greater_than_zero
from core.train.networks.backbones import build_network


class BrightestSquare(nn.Module):
    """Probability of landslide grows with the brightest 8 x 8 square of the first band."""

    def forward(self, x):
        strength = nn.functional.max_pool2d(nn.functional.avg_pool2d(x[:, :1], 8, 4), 100, ceil_mode=True).flatten(1)
        return torch.cat([torch.zeros_like(strength), 4 * strength - 4], dim=1)


def patches(n=12, side=32, seed=0):
    """Noise with a bright square; and the map (n, 8, 8) that is 1 on its cells."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.1, (n, 3, side, side)).astype(np.float32)
    maps = rng.random((n, 8, 8)).astype(np.float32) * 0.01
    for i in range(n):
        y, x = rng.integers(0, 6, 2)
        images[i, 0, 4 * y : 4 * y + 8, 4 * x : 4 * x + 8] += 3
        maps[i, y : y + 2, x : x + 2] = 1
    return images, maps


def scores_of(images, maps, **options):
    return faithfulness(BrightestSquare(), images, maps, mean_of_others(maps), **options).scores()


def test_a_map_of_what_is_needed_beats_every_rival_that_knows_nothing_of_the_patch():
    images, maps = patches()
    found = faithfulness(BrightestSquare(), images, maps, mean_of_others(maps))
    assert found.after["road_most"].shape == (len(RIVALS), 12, len(SHARES))
    for name, way in (("road", 1), ("deletion", -1), ("insertion", 1)):
        scores = by_rival(found.scores()[name])
        for rival in BLIND:
            gain = way * (scores["map"] - scores[rival])
            assert gain.mean() > 0.1 and greater_than_zero(gain) < 0.01, (name, rival)


@pytest.mark.parametrize("kind", ["elsewhere", "dead"])
def test_a_map_of_something_else_does_not(kind):
    images, maps = patches()
    wrong = np.roll(maps, 4, axis=(1, 2)) if kind == "elsewhere" else np.zeros_like(maps)
    road = by_rival(scores_of(images, wrong)["road"])
    assert greater_than_zero(road["map"] - road["random"]) > 0.01


def in_the_middle(n=12, side=32):
    """Patches whose bright square always lies in the middle, as where patches are cut around landslides."""
    images = np.random.default_rng(0).normal(0, 0.1, (n, 3, side, side)).astype(np.float32)
    images[:, 0, 12:20, 12:20] += 3
    return images


@pytest.mark.parametrize("kind", ["blob", "mean"])
def test_a_map_that_knows_nothing_of_the_patch_beats_random_maps_but_not_its_own_kind(kind):
    """Against random maps alone one blob for all patches passed with p = 1e-9."""
    images = in_the_middle()
    y, x = np.mgrid[:8, :8]
    blob = np.exp(-((y - 3.5) ** 2 + (x - 3.5) ** 2) / (8 if kind == "blob" else 20)).astype(np.float32)
    road = by_rival(scores_of(images, np.broadcast_to(blob, (len(images), 8, 8)))["road"])
    assert greater_than_zero(road["map"] - road["random"]) < 0.01
    strongest = min(BLIND, key=lambda rival: (road["map"] - road[rival]).mean())
    assert greater_than_zero(road["map"] - road[strongest]) > 0.01


def test_edges_and_unusual_pixels_are_rivals_of_their_own():
    images, maps = patches()
    plain = faithfulness(BrightestSquare(), images, maps, mean_of_others(maps))
    scores = by_rival(plain.scores()["road"])
    for rival in ("edges", "unusual"):  # the square is bright and has edges: both point at it
        assert (scores[rival] - scores["random"]).mean() > 0.1
    unusual = torch.nn.functional.adaptive_avg_pool2d(torch.as_tensor(images**2).mean(dim=1), (8, 8)).numpy()
    as_map = by_rival(scores_of(images, unusual)["road"])
    np.testing.assert_allclose(as_map["map"], as_map["unusual"], atol=0.02)


def test_the_mean_of_others_leaves_the_patch_out_and_dead_maps_add_nothing():
    maps = np.zeros((4, 2, 2), np.float32)
    maps[0, 0, 0], maps[1, 1, 1], maps[2, 1, 1] = 5, 1, 3
    found = mean_of_others(maps)
    np.testing.assert_allclose(found[0], [[0, 0], [0, 1]])
    np.testing.assert_allclose(found[1], [[0.5, 0], [0, 0.5]])
    np.testing.assert_allclose(found[3], [[1 / 3, 0], [0, 2 / 3]])


def test_the_same_seed_gives_the_same_curves():
    images, maps = patches(4)
    one, two = (faithfulness(BrightestSquare(), images, maps, mean_of_others(maps), seed=5) for _ in range(2))
    for kind in one.after:
        np.testing.assert_array_equal(one.after[kind], two.after[kind])


def test_the_level_of_other_patches_is_that_of_what_maps_have_in_common():
    rng = np.random.default_rng(0)
    own = rng.random((6, 8, 8)).astype(np.float32)
    common = np.linspace(0, 3, 64, dtype=np.float32).reshape(8, 8)
    assert abs(np.mean(likeness_to_others(own)[1])) < 0.15
    assert np.mean(likeness_to_others(own + common)[1]) > 0.8
    assert np.isnan(likeness_to_others(own[:1])[0]).all()


def test_likeness_is_one_with_itself_and_nothing_with_a_dead_map():
    maps = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)
    ssim, spearman = likeness(maps, 5 * maps)
    np.testing.assert_allclose(ssim, 1, atol=1e-6)
    np.testing.assert_allclose(spearman, 1, atol=1e-6)
    dead = maps.copy()
    dead[1] = 0
    assert np.isnan(likeness(maps, dead)[0]).tolist() == [False, True, False]


def test_forgetting_goes_from_the_classifier_down_in_a_copy():
    network, _ = build_network(ModelConfig(backbone="test_resnet", pretrained=False), RGB_BANDS, (32, 32), 0)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = patches(3)[0]
    maps, _ = gradcam(network, images, min_map=4, target="predicted")
    stages = list(cascade(network, images, maps, min_map=4, target="predicted", seed=1))
    assert [one.stage for one in stages] == list(range(stages[0].stages))
    assert stages[0].layers.startswith("classifier") and stages[-1].layers.endswith("backbone.conv1.0")
    assert all(len(one.ssim) == len(one.spearman) == 3 for one in stages)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "test_efficientnet"])
def test_every_weight_is_drawn_anew_and_answers_stay_finite(backbone):
    network, _ = build_network(ModelConfig(backbone=backbone, pretrained=False), RGB_BANDS, (32, 32), 0)
    before = {name: value.clone() for name, value in network.named_parameters()}
    for module in network.modules():
        randomise(module, torch.Generator().manual_seed(0))
    for name, value in network.named_parameters():
        if value.ndim > 1 and value.std() > 0:
            assert not torch.equal(before[name], value), name
    assert torch.isfinite(network.eval()(torch.as_tensor(patches(2)[0]))).all()
