"""The mask head: its truth is moved and mixed with the pixels, it learns where, and it comes back as it was."""

import numpy as np
import pytest
import torch

from core.config import AugmentConfig, RunConfig
from core.data.bands import RGB_BANDS
from core.errors import ConfigError, TrainingError
from core.train.augmentation.augment import augment, cutmix, mixup
from core.train.inference import embed, turned_back, views
from core.train.loop import fit
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.outlines import UNKNOWN, outline_loss, training_masks, with_planes, without_planes
from tests.builders import TRAIN_SIDE, TRAIN_TINY

N = 64
SETTINGS = (*TRAIN_TINY, "model.backbone=unet_test_resnet", "model.masks=true")


def squares(n=N, seed=0):
    """Patches with a bright square in every second one, their labels, and the squares' masks."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, 3, TRAIN_SIDE, TRAIN_SIDE)).astype(np.float32)
    labels, masks = (np.arange(n) % 2).astype(np.int8), np.zeros((n, TRAIN_SIDE, TRAIN_SIDE), np.uint8)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, TRAIN_SIDE - 8, 2)
        images[i, 0, y : y + 8, x : x + 8] += 3
        masks[i, y : y + 8, x : x + 8] = 1
    return images, labels, masks


def built(config):
    return build_network(config.model, RGB_BANDS, (TRAIN_SIDE, TRAIN_SIDE), 0)[0]


def trained(config, folder=None, stop_after=None):
    images, labels, masks = squares()
    network = built(config)
    steps = fit(network, images, labels, images[:8], labels[:8], config, "cpu", 0, folder, masks=masks)
    results = []
    for result in steps:
        results.append(result)
        if len(results) == stop_after:
            steps.close()
    return network, results


# ------------------------------------------------------------------------------------------------------ the truth


def test_what_has_no_mask_is_unknown_and_other_ground_is_known_to_be_none():
    masks = np.zeros((3, 2, 2), np.uint8)
    masks[0, 0, 0] = 255  # any value but 0 is landslide
    found = training_masks(masks, np.array([1, 1, 0]), n_synthetic=2)
    assert found[0].tolist() == [[1, 0], [0, 0]] and (found[1] == UNKNOWN).all()
    assert (found[2] == 0).all() and (found[3:] == UNKNOWN).all() and found.shape == (5, 2, 2)


def test_planes_say_nothing_where_nothing_is_known():
    masks = torch.tensor([[[1, 0], [UNKNOWN, 0]]], dtype=torch.uint8)
    bands, planes = without_planes(with_planes(torch.ones(1, 3, 2, 2), masks))
    assert bands.shape == (1, 3, 2, 2) and (bands == 1).all()
    assert planes[0, 0].tolist() == [[1, 0], [0, 0]] and planes[0, 1].tolist() == [[0, 1], [0, 1]]


def test_the_loss_is_the_mean_over_known_pixels_by_hand():
    planes = torch.tensor([[[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]]])  # landslide, none, unknown
    logits = torch.tensor([[[2.0, -1.0, 9.0]]])
    expected = (np.log1p(np.exp(-2)) + np.log1p(np.exp(-1))) / 2
    assert float(outline_loss(logits, planes)) == pytest.approx(expected, rel=1e-6)
    assert float(outline_loss(logits, torch.zeros_like(planes))) == 0.0
    mixed = torch.tensor([[[[0.3, 0.5, 0.0]], [[0.7, 0.3, 0.0]]]])  # mixed of known ones; partly unknown; unknown
    expected = 0.3 * np.log1p(np.exp(-2)) + 0.7 * np.log1p(np.exp(2))
    assert float(outline_loss(logits, mixed)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("moved", [{}, {"rotation": 40.0, "shear": 10.0, "translation": 0.2, "crop": 0.7}])
@pytest.mark.parametrize("fill", ["zeros", "border", "reflection"])
def test_the_mask_moves_with_the_pixels(moved, fill):
    """A band that is the mask itself stays the landslide plane to the bit, whatever is done to both."""
    _, _, masks = squares(16)
    truth = torch.from_numpy(masks)
    bands = truth[:, None].float().repeat(1, 3, 1, 1)
    config = AugmentConfig(mix_prob=1.0, fill=fill, **moved)
    targets = torch.eye(2)[torch.arange(16) % 2]
    for seed in range(4):
        images, _ = augment(with_planes(bands, truth), targets, config, np.random.default_rng(seed), planes=2)
        seen, planes = without_planes(images)
        assert torch.equal(seen[:, 0], planes[:, 0])
        assert fill == "zeros" or torch.allclose(planes.sum(dim=1), torch.ones(()), atol=1e-4)
        plain, _ = augment(bands, targets, config, np.random.default_rng(seed))
        assert torch.equal(seen, plain)  # the same draws with and without masks


def test_mixing_with_a_patch_without_a_mask_leaves_only_what_is_known():
    masks = torch.zeros(2, 4, 4, dtype=torch.uint8)
    masks[0] = 1
    masks[1] = UNKNOWN
    images, targets = with_planes(torch.zeros(2, 1, 4, 4), masks), torch.eye(2)
    pasted = without_planes(cutmix(images, targets, (0, 2, 0, 4), torch.tensor([1, 0]))[0])[1]
    assert (pasted[0].sum(0)[2:] == 1).all() and (pasted[0].sum(0)[:2] == 0).all()
    blended = without_planes(mixup(images, targets, 0.7, torch.tensor([1, 0]))[0])[1]
    assert float(outline_loss(torch.full((2, 4, 4), 5.0), blended)) == 0.0  # partly unknown everywhere


# ------------------------------------------------------------------------------------------------------ the network


def test_it_learns_where_and_still_answers_whether():
    network, _ = trained(
        RunConfig().with_overrides([*SETTINGS, "train.epochs=8", "train.lr=0.01", "augment.mix_prob=0"])
    )
    images, labels, masks = squares(40, seed=1)
    found = embed(network, images, "cpu", 16, outlines=True)
    assert found.outlines.shape == masks.shape and found.outlines.dtype == np.float32
    assert 0 <= found.outlines.min() and found.outlines.max() <= 1
    slides = labels == 1
    peaks = found.outlines[slides].reshape(slides.sum(), -1).argmax(1)
    assert masks[slides].reshape(slides.sum(), -1)[np.arange(slides.sum()), peaks].mean() > 0.9
    called = found.outlines > 0.5
    assert (called & (masks == 1)).sum() / (called | (masks == 1)).sum() > 0.5
    assert ((found.probs > 0.5) == labels).mean() > 0.9
    assert np.array_equal(embed(network, images, "cpu", 16).logits, found.logits)


def test_a_broken_off_fit_goes_on_bit_for_bit_and_is_kept_whole(tmp_path):
    config = RunConfig().with_overrides([*SETTINGS, "train.epochs=2", "train.ema_decay=0.9"])
    whole, _ = trained(config)
    trained(config, tmp_path / "resume", stop_after=1)
    again, results = trained(config, tmp_path / "resume")
    assert [result.epoch for result in results] == [2]
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in again.state_dict().items())
    save_network(again, tmp_path / "kept")
    images = squares(6)[0]
    before, after = (
        embed(one, images, "cpu", 4, tta=True, outlines=True) for one in (again, load_network(tmp_path / "kept"))
    )
    assert np.array_equal(before.outlines, after.outlines) and np.array_equal(before.logits, after.logits)


def test_a_checkpoint_of_other_masks_is_refused(tmp_path):
    config = RunConfig().with_overrides([*SETTINGS, "train.epochs=2"])
    trained(config, tmp_path, stop_after=1)
    images, labels, masks = squares()
    with pytest.raises(TrainingError, match="other settings or other patches"):
        next(fit(built(config), images, labels, images, labels, config, "cpu", 0, tmp_path, masks=1 - masks))


def test_views_turn_back_to_where_they_were():
    maps = torch.randn(2, 6, 6)
    assert torch.allclose(turned_back([view[:, 0] for view in views(maps[:, None])]), maps)
    wide = torch.randn(2, 4, 6)
    assert torch.allclose(turned_back([view[:, 0] for view in views(wide[:, None])]), wide)


def test_without_masks_the_weights_are_those_of_before():
    plain = RunConfig().with_overrides([*TRAIN_TINY, "model.backbone=unet_test_resnet"])
    one, two = built(plain).state_dict(), built(RunConfig().with_overrides(SETTINGS)).state_dict()
    assert set(two) - set(one) == {"mask_head.weight", "mask_head.bias"}
    assert all(torch.equal(value, two[name]) for name, value in one.items())


def test_a_backbone_without_a_decoder_is_refused_in_plain_words():
    with pytest.raises(ConfigError, match="masks needs a U-Net.*test_resnet.*unet_"):
        RunConfig().with_overrides([*TRAIN_TINY, "model.masks=true"])
    with pytest.raises(ConfigError, match="one encoder"):
        RunConfig().with_overrides([*SETTINGS, "model.branches=optical_sar"])
