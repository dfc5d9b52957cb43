"""The three loops of ``bench_train``, each in a process of its own that waits for its turn.

    python -m benchmarks.speed.training_loops fixed|full|usual|usual_enlarged_on_device cpu|cuda

Each line on standard input is a turn, answered by one line of JSON: seconds a step, and what else the loop knows.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.speed.reference_loop import UsualLoop, UsualPatches, usual_loader
from core.config import RunConfig
from core.data.bands import ZINDI_BANDS
from core.device import autocast_dtype
from core.train.inference import embed
from core.train.loop import fit
from core.train.networks.backbones import build_network
from core.train.optimisation.losses import soft_kl
from core.train.optimisation.optimiser import build_optimiser

STEPS = {"cpu": 6, "cuda": 12}  # of one turn
WORKERS = {"cpu": 2, "cuda": 8}
CHANGES = (
    "augment.rotation=15", "augment.shear=5", "augment.translation=0.1", "augment.noise=0.005",
    "augment.brightness=0.2", "augment.mixup_alpha=0.2", "augment.cutmix_alpha=0", "augment.mix_prob=1",
)  # fmt: skip
NETWORKS = {
    "cpu": ("model.backbone=mobilenetv4_conv_small", "train.batch_size=32", "device=cpu"),
    "cuda": ("model.backbone=tf_efficientnetv2_l", "model.image_size=256", "train.batch_size=36", "device=cuda"),
}
# Means and standard deviations of the Zindi patches (FACTS), in the bands' units.
UNITS = (
    np.array([1832, 1919, 1858, 3151, -10.41, -18.56, -0.88, -0.71, -11.26, -19.87, 0.52, -0.27]),
    np.array([1331, 1261, 1266, 1453, 8.13, 10.41, 4.17, 4.95, 6.35, 9.74, 2.91, 4.42]),
)
Turn = Callable[[], dict[str, float]]


def settings(kind: str) -> RunConfig:
    common = ("model.pretrained=false", "train.epochs=1000", "train.schedule=none")
    return RunConfig().with_overrides([*common, *CHANGES, *NETWORKS[kind]])


def made_patches(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 12, 64, 64), np.float32), np.arange(n) % 2


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that ``work`` takes, the device's part included."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    wait()
    began = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - began


class FixedBatch:
    """The same network, optimiser and precision, stepping on one batch that lies on the device."""

    def __init__(self, config: RunConfig, images: np.ndarray, labels: np.ndarray, device: torch.device) -> None:
        size = config.train.batch_size
        torch.backends.cudnn.benchmark = True  # as the product's loop does
        self.network = build_network(config.model, ZINDI_BANDS, images.shape[2:], 0)[0].to(device).train()
        self.optimiser, self.device = build_optimiser(self.network, config.train), device
        self.images = torch.from_numpy(images[:size]).to(device)
        self.target = torch.eye(2)[torch.from_numpy(labels[:size])].to(device)
        self.dtype = autocast_dtype(device, config.precision)

    def steps(self, n: int) -> None:
        for _ in range(n):
            self.network.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None):
                logits = self.network(self.images)
            soft_kl(logits, self.target).backward()
            self.optimiser.step()


def fixed(kind: str, device: torch.device) -> Turn:
    batch = FixedBatch(settings(kind), *made_patches(settings(kind).train.batch_size), device)
    return lambda: {"seconds": timed(lambda: batch.steps(STEPS[kind]), device) / STEPS[kind]}


def full(kind: str, device: torch.device) -> Turn:
    """The product's own loop; each turn is an epoch, and tells too what its checkpoint and its predictions take."""
    config, folder = settings(kind), tempfile.TemporaryDirectory()
    images, labels = made_patches(STEPS[kind] * config.train.batch_size)
    network = build_network(config.model, ZINDI_BANDS, (64, 64), 0, UNITS)[0]
    epochs = fit(network, images, labels, images[:0], labels[:0], config, device, 0, Path(folder.name))

    def turn(folder: tempfile.TemporaryDirectory = folder) -> dict[str, float]:  # it goes when the loop does
        began = time.perf_counter()
        result = next(epochs)
        checkpoint = time.perf_counter() - began - result.seconds
        predict = timed(lambda: embed(network, images, device, config.train.batch_size), device)
        return {"seconds": 1 / result.images_per_second * config.train.batch_size, "checkpoint_seconds": checkpoint,
                "seconds_per_patch_predicted": predict / len(images)}  # fmt: skip

    return turn


def usual(kind: str, device: torch.device, enlarge: bool = True) -> Turn:
    """What a user would otherwise write; ``enlarge``: in its workers, where the network wants larger patches."""
    config = settings(kind)
    patches = UsualPatches(*made_patches(STEPS[kind] * config.train.batch_size), config, UNITS, 4, enlarge)
    loop = UsualLoop(usual_loader(patches, config, WORKERS[kind], device), config, 12, device)
    return lambda: {"seconds": timed(loop.epoch, device) / STEPS[kind]}


def main(way: str, kind: str) -> None:
    ways = {"fixed": fixed, "full": full, "usual": usual,
            "usual_enlarged_on_device": lambda *of: usual(*of, enlarge=False)}  # fmt: skip
    turn = ways[way](kind, torch.device(kind))
    for _ in sys.stdin:
        if kind == "cuda":
            torch.cuda.reset_peak_memory_stats()
        told = turn()
        if kind == "cuda":
            told["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
