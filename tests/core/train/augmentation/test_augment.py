import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import AugmentConfig
from core.train.augmentation import augment as A

OFF = AugmentConfig(flips=False, quarter_turns=False, mixup_alpha=0, cutmix_alpha=0)


def batch(n=6, bands=2, h=8, w=8):
    images = torch.randn(n, bands, h, w, generator=torch.Generator().manual_seed(0))
    return images, torch.eye(2)[torch.arange(n) % 2]


def symmetries(patch):
    turned = [torch.rot90(patch, k, (-2, -1)) for k in range(4)]
    return [*turned, *(t.flip(-1) for t in turned)]


def test_everything_off_changes_nothing():
    images, targets = batch()
    x, y = A.augment(images, targets, OFF, np.random.default_rng(0))
    assert torch.equal(x, images) and torch.equal(y, targets)


@pytest.mark.parametrize(
    ("flips", "turns", "allowed"), [(True, True, range(8)), (False, True, range(4)), (True, False, (0, 2, 4, 6))]
)
def test_each_orientation_that_is_allowed_comes_up_equally_often(flips, turns, allowed):
    patch = torch.arange(9.0).reshape(1, 1, 3, 3)
    views = symmetries(patch[0])
    ways = A.orientations((4000, 1, 3, 3), flips, turns, np.random.default_rng(0))
    turned = A.oriented(patch.expand(4000, 1, 3, 3), *ways)
    counts = [int((turned == view).flatten(1).all(1).sum()) for view in views]
    assert {i for i, count in enumerate(counts) if count} == set(allowed)
    assert min(counts[i] for i in allowed) > 0.8 * 4000 / len(list(allowed))


def test_patches_that_are_not_square_keep_their_shape():
    images, _ = batch(n=40, h=4, w=6)
    turned = A.oriented(images, *A.orientations(images.shape, True, True, np.random.default_rng(1)))
    for before, after in zip(images, turned, strict=True):
        assert any(torch.equal(after, before.flip(dims)) for dims in ([], [-1], [-2], [-1, -2]))


def test_the_batch_that_was_given_is_left_alone():
    images, targets = batch()
    before = images.clone(), targets.clone()
    for seed in range(20):
        A.augment(images, targets, AugmentConfig(mix_prob=1), np.random.default_rng(seed))
    assert torch.equal(images, before[0]) and torch.equal(targets, before[1])


@pytest.mark.parametrize("mode", ["mixup", "cutmix"])
def test_mixing_equals_timm_for_the_same_draw(mode):
    """timm mixes with the batch in reverse order and draws from numpy's global generator."""
    from timm.data import Mixup

    images, targets = batch(n=4, h=16, w=16)
    partner = torch.arange(4).flip(0)
    alphas = {"mixup_alpha": 0.4 * (mode == "mixup"), "cutmix_alpha": 0.4 * (mode == "cutmix")}
    for seed in range(10):
        np.random.seed(seed)
        expected_x, expected_y = Mixup(**alphas, label_smoothing=0.1, num_classes=2)(images.clone(), targets.argmax(1))
        np.random.seed(seed)
        np.random.rand()
        weight = np.random.beta(0.4, 0.4)
        smoothed = A.smooth(targets, 0.1)
        if mode == "mixup":
            x, y = A.mixup(images, smoothed, weight, partner)
        else:
            from timm.data.mixup import rand_bbox

            x, y = A.cutmix(images, smoothed, rand_bbox(images.shape, weight), partner)
        assert torch.allclose(x, expected_x, atol=1e-6)
        assert torch.allclose(y, expected_y, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 1000))
def test_labels_are_mixed_by_the_exact_share_of_pixels(h, w, weight, seed):
    images = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 1, h, w)
    targets = torch.eye(3)
    box = A.draw_box((h, w), weight, np.random.default_rng(seed))
    x, y = A.cutmix(images, targets, box, torch.arange(3).roll(1))
    for i in range(3):
        for label in range(3):
            assert y[i, label] == pytest.approx(float((x[i] == label).float().mean()), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(0, 10_000), st.floats(0, 0.4))
def test_labels_stay_a_distribution_for_any_batch_size(n, seed, smoothing):
    images, targets = batch(n)
    config = AugmentConfig(mix_prob=1, label_smoothing=smoothing)
    x, y = A.augment(images, targets, config, np.random.default_rng(seed))
    assert x.shape == images.shape and x.isfinite().all()
    assert torch.allclose(y.sum(1), torch.ones(n)) and (y >= 0).all()


def test_equal_generators_give_equal_batches():
    images, targets = batch()
    one, two = (A.augment(images, targets, AugmentConfig(), np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])


def test_about_the_set_share_of_batches_is_mixed():
    images, targets = batch()
    config = AugmentConfig(flips=False, quarter_turns=False, mix_prob=0.3)
    mixed = [not torch.equal(A.mix(images, targets, config, np.random.default_rng(s))[0], images) for s in range(400)]
    assert 0.2 < np.mean(mixed) < 0.4


def test_smoothing_spreads_its_share_over_both_classes():
    assert torch.allclose(A.smooth(torch.tensor([[0.0, 1.0]]), 0.1), torch.tensor([[0.05, 0.95]]))


def test_two_different_corners_make_a_box_that_is_never_empty():
    generator = np.random.default_rng(0)
    boxes = np.array([A.draw_corners((30, 60), generator) for _ in range(4000)])
    sides = np.stack([boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]], 1) / (30, 60)
    assert (boxes >= 0).all() and (boxes[:, 1] <= 30).all() and (boxes[:, 3] <= 60).all() and (sides > 0).all()
    assert np.allclose(sides.mean(0), ((30 + 2) / 90, (60 + 2) / 180), atol=0.01)  # two different lines of n + 1
    assert all(A.draw_corners((1, 1), generator) == (0, 1, 0, 1) for _ in range(5))


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_labels_follow_the_share_of_a_box_between_corners(n):
    images = torch.arange(float(n)).reshape(n, 1, 1, 1).expand(n, 2, 9, 11)
    config = AugmentConfig(flips=False, quarter_turns=False, mixup_alpha=0, mix_prob=1, cutmix_box="corners")
    for seed in range(10):
        x, y = A.augment(images, torch.eye(n), config, np.random.default_rng(seed))
        shares = torch.stack([(x[:, 0] == k).float().mean((1, 2)) for k in range(n)], 1)
        assert torch.allclose(shares, y, atol=1e-6)
