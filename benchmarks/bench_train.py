"""Training at the speed of the network alone, against a usual training loop, and the time of paper A's protocol.

    python -m benchmarks.bench_train [--device cpu|cuda] [--out benchmarks/results/train.json]

Three loops train the same network and take turns; the best of the rounds counts, so that other work on the machine
disturbs all alike. `full`: the product's own (core.train.loop.fit): data, augmentation, optimiser. `fixed`: the same
network and optimiser on one batch that lies on the device: the most there is. `usual`: what a user would otherwise
write (benchmarks.usual_training), with the enlarging in its workers, and on a GPU also with it on the device.
CPU: mobilenetv4_conv_small, 64 px, 12 bands, batch 32. GPU: tf_efficientnetv2_l, 256 px from 64, batch 36, bfloat16.
All change patches alike: flips and quarter turns, affine, noise, brightness, MixUp.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import circumstances, keep, parser
from benchmarks.usual_training import UsualLoop, UsualPatches, usual_loader
from core.config import RunConfig, SmoteConfig
from core.data.bands import ZINDI_BANDS
from core.device import autocast_dtype, choose_device
from core.train.backbones import build_network
from core.train.inference import embed
from core.train.loop import fit
from core.train.losses import soft_kl
from core.train.optimiser import build_optimiser

ROUNDS = {"cpu": 6, "cuda": 2}
STEPS = {"cpu": 6, "cuda": 12}  # of one round
TURNS = {"cpu": 3, "cuda": 3}  # of the two quick loops in a round; the usual one takes twenty times as long on a GPU
WORKERS = {"cpu": 2, "cuda": 8}
ASKED = {"cpu": {"full_of_fixed": 0.85, "full_of_usual": 2.0}, "cuda": {"full_of_fixed": 0.95, "full_of_usual": 3.0}}
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
# Paper A: real patches and landslides, five synthetic patches a landslide, folds, epochs, size of an embedding.
REAL, POSITIVE, N_SYN, FOLDS, EPOCHS, FEATURES = 7147, 1255, 5, 5, 50, 1280


def settings(kind: str) -> RunConfig:
    common = ("model.pretrained=false", "train.epochs=1000", "train.schedule=none")
    return RunConfig().with_overrides([*common, *CHANGES, *NETWORKS[kind]])


def made_patches(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 12, 64, 64), np.float32), np.arange(n) % 2


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


class FixedBatch:
    """The same network, optimiser and precision, stepping on one batch that lies on the device."""

    def __init__(self, config: RunConfig, images: np.ndarray, labels: np.ndarray, device: torch.device) -> None:
        size = config.train.batch_size
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


def timed(work: Callable[[], object], device: torch.device) -> float:
    wait(device)
    began = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began


def compare(kind: str, device: torch.device) -> dict:
    """Seconds a step of each loop, its peak of device memory, and what an epoch's checkpoint costs."""
    config, steps = settings(kind), STEPS[kind]
    images, labels = made_patches(steps * config.train.batch_size)
    nobody = images[:0], labels[:0]
    ways: dict[str, Callable[[], float]] = {}
    fixed = FixedBatch(config, images, labels, device)
    ways["fixed"] = lambda: timed(lambda: fixed.steps(steps), device) / steps
    checkpoints: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        network = build_network(config.model, ZINDI_BANDS, (64, 64), 0, UNITS)[0]
        epochs = fit(network, images, labels, *nobody, config, device, 0, Path(folder))

        def full() -> float:
            began = time.perf_counter()
            result = next(epochs)
            checkpoints.append(time.perf_counter() - began - result.seconds)
            return len(images) / result.images_per_second / steps

        ways["full"] = full
        for name, enlarge in {"cpu": {"usual": False}, "cuda": {"usual": True, "usual_enlarged_on_device": False}}[
            kind
        ].items():
            patches = UsualPatches(images, labels, config, UNITS, 4, enlarge)
            loop = UsualLoop(usual_loader(patches, config, WORKERS[kind], device), config, 12, device)
            ways[name] = lambda loop=loop: timed(loop.epoch, device) / steps
        seconds, peak = take_turns(ways, kind, device)
        predict = timed(lambda: embed(network, images, device, config.train.batch_size), device)
        predict = min(predict, timed(lambda: embed(network, images, device, config.train.batch_size), device))
    return {
        "batch": config.train.batch_size, "steps_a_round": steps, "rounds": ROUNDS[kind],
        "seconds_per_step": {name: min(values) for name, values in seconds.items()},
        "peak_device_gib": peak,
        "checkpoint_seconds": sorted(checkpoints)[len(checkpoints) // 2],
        "seconds_per_patch_predicted": predict / len(images),
    }  # fmt: skip


def take_turns(
    ways: dict[str, Callable[[], float]], kind: str, device: torch.device
) -> tuple[dict[str, list[float]], dict[str, float]]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    peak: dict[str, float] = {}
    quick = [name for name in ways if not name.startswith("usual")]
    for i in range(ROUNDS[kind] + 1):
        for name in (*quick * TURNS[kind], *(name for name in ways if name not in quick)):
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            value = ways[name]()
            print(f"round {i}, {name}: {value:.4f} s a step", file=sys.stderr, flush=True)
            if i:  # the first round starts workers and tries algorithms
                seconds[name].append(value)
            if device.type == "cuda":
                peak[name] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    return seconds, peak


def beside_training(device: torch.device) -> dict[str, float]:
    """Seconds of one fold's SMOTE and heads at the paper's size, on drawn patches and embeddings."""
    from core.heads.fold import HeadSet, fit_on_embeddings
    from core.smote.methods import make

    parents = POSITIVE * (FOLDS - 1) // FOLDS
    patches, _ = made_patches(parents)
    smote = SmoteConfig(n_syn=N_SYN)
    spread = (patches.max(axis=(0, 2, 3)) - patches.min(axis=(0, 2, 3))).tolist()
    on = device if device.type == "cuda" else None
    seconds = {
        "smote": timed(lambda: make(patches, parents * N_SYN, smote, data_range=spread, seed=0, device=on), device)
    }
    rng = np.random.default_rng(0)
    labels = (np.arange(REAL) < POSITIVE).astype(np.int8)[rng.permutation(REAL)]
    # Classes half a standard deviation apart in 16 of the directions: an SVM errs on about one in six, as in the paper.
    embeddings = rng.standard_normal((REAL, FEATURES), np.float32)
    embeddings[:, :16] += 0.5 * labels[:, None]
    train = rng.permutation(REAL)[: REAL * (FOLDS - 1) // FOLDS]
    synthetic = rng.standard_normal((parents * N_SYN, FEATURES), np.float32)
    synthetic[:, :16] += 0.5
    wanted = HeadSet.of(RunConfig().heads)
    seconds["heads"] = timed(lambda: fit_on_embeddings(embeddings, train, synthetic, labels, wanted, device), device)
    return seconds


def protocol(measured: dict, beside: dict[str, float]) -> dict:
    """The time of paper A's whole protocol, and how it is reckoned."""
    batch, step = measured["batch"], measured["seconds_per_step"]["full"]
    synthetic = POSITIVE * (FOLDS - 1) / FOLDS * N_SYN
    training, judged = REAL * (FOLDS - 1) / FOLDS + synthetic, REAL / FOLDS
    predicted = measured["seconds_per_patch_predicted"]
    parts = {
        "steps": FOLDS * EPOCHS * np.ceil(training / batch) * step,
        "validation": FOLDS * EPOCHS * judged * predicted,
        "checkpoints": FOLDS * EPOCHS * measured["checkpoint_seconds"],
        "embeddings": FOLDS * (REAL + synthetic) * predicted,
        "smote": FOLDS * beside["smote"],
        "heads": FOLDS * beside["heads"],
    }
    formula = (
        f"{FOLDS} folds x ({EPOCHS} epochs x (ceil(({REAL} + {POSITIVE} x {N_SYN}) x {FOLDS - 1}/{FOLDS} / {batch}) "
        f"steps x {step:.4f} s + {REAL}/{FOLDS} validation patches x {predicted * 1e3:.3f} ms + checkpoint "
        f"{measured['checkpoint_seconds']:.2f} s) + ({REAL} + {synthetic:.0f}) embeddings x {predicted * 1e3:.3f} ms + "
        f"SMOTE {beside['smote']:.1f} s + heads {beside['heads']:.1f} s)"
    )
    hours = {name: round(value / 3600, 3) for name, value in parts.items()}
    return {"hours": round(sum(parts.values()) / 3600, 2), "hours_of": hours, "formula": formula,
            "left_out": "maps and explanations, which follow training; reading the dataset"}  # fmt: skip


def device_name(device: torch.device) -> str:
    return str(device) if device.type == "cpu" else torch.cuda.get_device_name(device)


def main() -> None:
    options = parser(__doc__, 0, "not used: rounds have a fixed number of steps")
    options.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options.add_argument("--no-protocol", action="store_true", help="leave out the time of paper A's protocol")
    given = options.parse_args()
    device = choose_device(given.device)
    kind = "cuda" if device.type == "cuda" else "cpu"
    began = time.perf_counter()
    measured = compare(kind, device)
    seconds, batch = measured["seconds_per_step"], measured["batch"]
    ratio = {"full_of_fixed": seconds["fixed"] / seconds["full"], "full_of_usual": seconds["usual"] / seconds["full"]}
    if "usual_enlarged_on_device" in seconds:
        ratio["full_of_usual_enlarged_on_device"] = seconds["usual_enlarged_on_device"] / seconds["full"]
    result = {
        "benchmark": "train", "settings": [*NETWORKS[kind], *CHANGES], **measured,
        "images_per_second": {name: round(batch / value, 1) for name, value in seconds.items()},
        "ratio": {name: round(value, 3) for name, value in ratio.items()}, "asked": ASKED[kind],
        "peer": f"DataLoader, {WORKERS[kind]} workers, numpy and scikit-image patch by patch, float32, Adam",
    }  # fmt: skip
    result |= {
        "device": device_name(device), "threads": torch.get_num_threads(),
        "seconds": round(time.perf_counter() - began, 1), **circumstances("numpy", "torch", "timm", "scikit-image"),
    }  # fmt: skip
    print("| loop | seconds a step | images a second | peak GiB |")
    print("|---|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.4f} | {batch / value:.0f} | {measured['peak_device_gib'].get(name, '')} |")
    keep(result, given.out)  # heads take minutes: what is measured already is not lost with them
    if kind == "cuda" and not given.no_protocol:
        keep(result | {"paper_a": protocol(measured, beside_training(device))}, given.out)


if __name__ == "__main__":
    main()
