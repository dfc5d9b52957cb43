"""A map of what the network needs beats chance, a map of something else does not; forgetting changes real maps."""

import numpy as np
import pytest
import torch
from torch import nn

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.explain.cam.gradcam import gradcam
from core.explain.checks.faithfulness import N_RANDOM, RIVALS, SHARES, faithfulness
from core.explain.checks.randomisation import cascade, likeness, randomise
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


def test_a_map_of_what_is_needed_beats_random_and_moved_ones():
    images, maps = patches()
    found = faithfulness(BrightestSquare(), images, maps)
    scores = found.scores()
    assert found.after["road_most"].shape == (len(RIVALS), 12, len(SHARES))
    for name, way in (("road", 1), ("deletion", -1), ("insertion", 1)):
        for rivals in (slice(1, 1 + N_RANDOM), slice(1 + N_RANDOM, None)):
            gain = way * (scores[name][0] - scores[name][rivals].mean(axis=0))
            assert gain.mean() > 0.1 and greater_than_zero(gain) < 0.01, name


@pytest.mark.parametrize("kind", ["elsewhere", "dead"])
def test_a_map_of_something_else_does_not(kind):
    images, maps = patches()
    wrong = np.roll(maps, 4, axis=(1, 2)) if kind == "elsewhere" else np.zeros_like(maps)
    road = faithfulness(BrightestSquare(), images, wrong).scores()["road"]
    assert greater_than_zero(road[0] - road[1 : 1 + N_RANDOM].mean(axis=0)) > 0.01


def test_the_same_seed_gives_the_same_curves():
    images, maps = patches(4)
    one, two = (faithfulness(BrightestSquare(), images, maps, seed=5) for _ in range(2))
    for kind in one.after:
        np.testing.assert_array_equal(one.after[kind], two.after[kind])


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
