"""What only a GPU can show: the loop in bfloat16, its memory, its placement of data, and its numbers beside a CPU's."""

import numpy as np
import pytest
import torch

from core.config import RunConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.device import choose_device, memory_bytes
from core.evaluate.metrics import metrics
from core.train import batches
from core.train.augmentation.augment import augment, mix
from core.train.augmentation.colour import BandUnits
from core.train.batches import place
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network
from core.train.optimisation.gradients import Gradients
from core.train.optimisation.losses import soft_kl

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

SIDE = 24  # pixels, of made_patches
CPU = torch.device("cpu")
CHANGES = [
    "augment.rotation=30", "augment.shear=10", "augment.translation=0.2", "augment.shift=3", "augment.crop=0.8",
    "augment.brightness=0.3", "augment.contrast=0.3", "augment.saturation=0.3", "augment.jitter=0.1",
    "augment.grayscale=0.3", "augment.sar_offset=2", "augment.affine_prob=0.7", "augment.mix_prob=1",
]  # fmt: skip


@pytest.fixture
def cuda():
    return choose_device("cuda")


@pytest.fixture
def config(config):
    return config.with_overrides(["device=cuda"])


def fresh(config, seed=0):
    return build_network(config.model, RGB_BANDS, (SIDE, SIDE), seed)[0]


def trained(config, x, y, device, val=None, folder=None):
    network = fresh(config)
    val_x, val_y = val or (x[:0], y[:0])
    return network, list(fit(network, x, y, val_x, val_y, config, device, 0, folder))


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("layout", ["true", "false"])
def test_a_task_that_can_be_learnt_is_learnt(config, made_patches, cuda, precision, layout):
    config = config.with_overrides(
        ["train.epochs=10", f"precision={precision}", f"train.channels_last={layout}", "augment.mix_prob=0.2"]
    )
    x, y = made_patches(160)
    val = made_patches(60, seed=1)
    network, results = trained(config, x, y, cuda, val)
    assert results[-1].train_loss < results[0].train_loss and results[-1].val_auc >= 0.95
    assert next(network.parameters()).dtype == torch.float32, "the weights themselves stay in float32"
    assert results[-1].placement == "device" and results[-1].memory_mib > 0


@pytest.mark.parametrize("settings", [CHANGES, [*CHANGES, "augment.cutmix_alpha=0"], ["augment.mix_prob=0"]])
@pytest.mark.parametrize("fill", ["zeros", "border", "reflection"])
def test_a_batch_is_changed_as_on_a_cpu(cuda, settings, fill):
    """Speckle and noise, whose draws differ between devices, are left out."""
    config = RunConfig().with_overrides([*settings, f"augment.fill={fill}"]).augment
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(33, 12, 32, 32)).astype(np.float32))
    targets = torch.eye(2)[torch.arange(33) % 2]
    center, scale = np.full(12, 1500.0), np.full(12, 900.0)
    found = [
        augment(
            images.to(device), targets.to(device), config, np.random.default_rng(7),
            BandUnits(ZINDI_BANDS, center, scale, device),
        )
        for device in (CPU, cuda)
    ]  # fmt: skip
    for one, other in zip(*found, strict=True):
        assert (one - other.cpu()).abs().max() <= 1e-4


def test_noise_and_speckle_have_their_strength(cuda):
    config = RunConfig().with_overrides(["augment.noise=0.02", "augment.speckle_looks=4", "augment.mix_prob=0"]).augment
    config = config.model_copy(update={"flips": False, "quarter_turns": False})
    center, scale = np.full(12, 5000.0), np.full(12, 10000.0)  # reflectance 0.5; normalised values count as reflectance
    images = torch.zeros(16, 12, 32, 32, device=cuda)
    targets = torch.eye(2, device=cuda)[torch.arange(16, device=cuda) % 2]
    units = BandUnits(ZINDI_BANDS, center, scale, cuda)
    changed = augment(images, targets, config, np.random.default_rng(0), units)[0]
    assert float(changed[:, :4].std()) == pytest.approx(0.02, rel=0.05)
    intensity = 10 ** (changed[:, 4:6] * 1000)  # dB / 10, undone
    assert float(intensity.mean()) == pytest.approx(1.0, abs=0.05)
    assert float(intensity.var()) == pytest.approx(1 / 4, abs=0.05)  # 1 / looks


def test_streamed_patches_give_the_batches_of_those_on_the_device(made_patches, cuda, monkeypatch):
    x, y = made_patches(64)
    targets = np.eye(2, dtype=np.float32)[y]
    whole = place(x, targets, cuda)
    monkeypatch.setattr(batches, "SHARE_FOR_DATA", 0.0)
    streamed = place(x, targets, cuda)
    assert (whole.placement, streamed.placement) == ("device", "streamed")
    index = np.random.default_rng(0).permutation(64)[:33]
    for one, other in zip(whole.take(index), streamed.take(index), strict=True):
        assert one.device.type == other.device.type == "cuda" and torch.equal(one, other)
    assert np.array_equal(streamed.take(index)[0].cpu().numpy(), x[index])


@pytest.mark.fault(1)
def test_a_fit_that_was_broken_off_ends_with_nearly_the_same_f1(config, made_patches, cuda, tmp_path):
    config = config.with_overrides(["train.epochs=8", "train.ema_decay=0.9", "augment.mix_prob=0.2"])
    x, y = made_patches(160)
    val_x, val_y = made_patches(400, seed=1)
    whole, _ = trained(config, x, y, cuda)
    first = fit(fresh(config), x, y, x[:0], y[:0], config, cuda, 0, tmp_path)
    next(first), next(first)
    first.close()
    again, results = trained(config, x, y, cuda, folder=tmp_path)
    assert [r.epoch for r in results] == list(range(3, 9))
    f1 = [metrics(val_y, embed(network, val_x, cuda, 64).probs, 0.5)["f1"] for network in (whole, again)]
    assert abs(f1[0] - f1[1]) <= 0.005, f1


@pytest.mark.fault(8)
def test_when_memory_runs_out_the_batch_is_cut_and_training_goes_on(cuda):
    """Memory is really taken: all but what half a batch needs."""
    network = torch.nn.Sequential(
        *(layer for _ in range(4) for layer in (torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.ReLU()))
    )
    network = torch.nn.Sequential(network, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    network.to(cuda)
    x, y = torch.randn(64, 8, 256, 256, device=cuda), torch.eye(2, device=cuda)[torch.arange(64, device=cuda) % 2]
    gradients = Gradients(soft_kl, None)
    gradients.of(network, [(x, y)])  # cuDNN tries its algorithms once, with more memory than a step takes
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    gradients.of(network, [(x, y)])
    whole = [p.grad.clone() for p in network.parameters()]
    assert gradients.pieces == 1
    needed = memory_bytes(cuda) - held
    total = torch.cuda.get_device_properties(cuda).total_memory
    torch.cuda.empty_cache()
    room = torch.cuda.memory_allocated() + 0.6 * needed
    try:
        torch.cuda.set_per_process_memory_fraction(room / total)
        gradients.of(network, [(x, y)])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert gradients.pieces in (2, 4, 8)
    for one, other in zip(whole, (p.grad for p in network.parameters()), strict=True):
        assert (one - other).norm() <= 0.05 * one.norm() + 1e-6, "convolutions round to ten bits (TF32)"


def test_a_compiled_network_learns(config, made_patches, cuda):
    config = config.with_overrides(["train.compile=true", "train.epochs=6", "augment.mix_prob=0"])
    x, y = made_patches(96)
    network, results = trained(config, x, y, cuda, made_patches(60, seed=1))
    assert results[-1].train_loss < results[0].train_loss
    assert all(not name.startswith("_orig_mod") for name in network.state_dict()), "names stay those of the network"


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "rmsprop", "nadam"])
@pytest.mark.parametrize("loss", ["kl", "bce", "focal"])
def test_every_optimiser_and_loss_lowers_the_loss(config, made_patches, cuda, optimiser, loss):
    lr = 0.02 if optimiser == "sgd" else 0.002
    config = config.with_overrides(
        [f"train.optimizer={optimiser}", f"train.loss={loss}", f"train.lr={lr}", "train.class_weight=balanced",
         "augment.mix_prob=0", "train.epochs=5"]
    )  # fmt: skip
    x, y = made_patches(96)
    _, results = trained(config, x, y, cuda)
    assert results[-1].train_loss < results[0].train_loss


def test_a_step_waits_for_nothing(config, made_patches, cuda):
    """Data, augmentation and mixing put work into the queue of the GPU without a single wait for it."""
    settings = RunConfig().with_overrides([*CHANGES, "augment.noise=0.01", "augment.speckle_looks=4"]).augment
    rng = np.random.default_rng(0)
    images = rng.normal(size=(64, 12, 32, 32)).astype(np.float32)
    data = place(images, np.eye(2, dtype=np.float32)[np.arange(64) % 2], cuda)
    units = BandUnits(ZINDI_BANDS, np.full(12, 1500.0), np.full(12, 900.0), cuda)
    augment(*data.take(np.arange(36)), settings, rng, units)  # what is loaded once
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(8):
            mix(*augment(*data.take(rng.permutation(64)[:36]), settings, rng, units), settings, rng)
    finally:
        torch.cuda.set_sync_debug_mode("default")
