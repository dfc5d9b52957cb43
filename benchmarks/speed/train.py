"""Training at the speed of the network alone, against a usual training loop, and the time of paper A's protocol.

    python -m benchmarks.speed.train [--device cpu|cuda] [--out benchmarks/results/train.json]

Three loops train the same network, each in a process of its own, and take turns, so that other work on the machine
disturbs all alike; medians count. `full`: the product's own (core.train.loop.fit): data, augmentation, optimiser.
`fixed`: the same network and optimiser on one batch that lies on the device: the most there is. Both run in the
environment that the product gives its training processes. `usual`: what a user would otherwise write
(benchmarks.speed.reference_loop), in the environment this benchmark was started in; on a CPU also in the product's, to
tell how much of the gain is the environment's; on a GPU also with the enlarging on the device.
CPU: mobilenetv4_conv_small, 64 px, 12 bands, batch 32. GPU: tf_efficientnetv2_l, 256 px from 64, batch 36, bfloat16.
All change patches alike: flips and quarter turns, affine, noise, brightness, MixUp.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median

import numpy as np
import torch

from benchmarks.report import circumstances, keep, parser
from benchmarks.speed.training_loops import CHANGES, NETWORKS, STEPS, WORKERS, made_patches, settings, timed
from core.config import RunConfig, SmoteConfig
from core.device import choose_device
from core.jobs.processes import ROOT, child_environment

ROUNDS = {"cpu": 16, "cuda": 6}
ASKED = {"cpu": {"full_of_fixed": 0.85, "full_of_usual": 2.0}, "cuda": {"full_of_fixed": 0.95, "full_of_usual": 3.0}}
OURS, PLAIN = child_environment(), dict(os.environ)
# What is compared: its loop (benchmarks.speed.training_loops) and the environment of its process.
WAYS = {
    "cpu": {"fixed": ("fixed", OURS), "full": ("full", OURS), "usual": ("usual", PLAIN),
            "usual_in_our_environment": ("usual", OURS)},
    "cuda": {"fixed": ("fixed", OURS), "full": ("full", OURS), "usual": ("usual", PLAIN),
             "usual_enlarged_on_device": ("usual_enlarged_on_device", PLAIN)},
}  # fmt: skip
# Paper A: real patches and landslides, five synthetic patches a landslide, folds, epochs, size of an embedding.
REAL, POSITIVE, N_SYN, FOLDS, EPOCHS, FEATURES = 7147, 1255, 5, 5, 50, 1280


class Loop:
    """One of the loops, waiting in its own process for its turn."""

    def __init__(self, way: str, kind: str, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "benchmarks.speed.training_loops", way, kind]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def turn(self) -> dict[str, float]:
        print("", file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The loop's process ended with status {self.process.wait()}; its error stands above.")
        return json.loads(answer)

    def end(self) -> None:
        """No more turns: it tidies up and ends."""
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def compare(kind: str) -> dict:
    """Seconds a step of each loop, its peak of device memory, and what an epoch's checkpoint and a prediction cost."""
    loops = {name: Loop(way, kind, environment) for name, (way, environment) in WAYS[kind].items()}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in loops}
    try:
        for i in range(ROUNDS[kind] + 1):
            for name, loop in loops.items():
                told = loop.turn()
                print(f"round {i}, {name}: {told['seconds']:.4f} s a step", file=sys.stderr, flush=True)
                if i:  # the first round starts workers and tries algorithms
                    turns[name].append(told)
    finally:
        for loop in loops.values():
            loop.end()

    def middle(name: str, key: str) -> float:
        return median(told[key] for told in turns[name])

    def ratio(name: str) -> float:  # turns of one round lie next to each other: the least disturbed comparison
        return median(a["seconds"] / b["seconds"] for a, b in zip(turns[name], turns["full"], strict=True))

    return {
        "batch": settings(kind).train.batch_size, "steps_a_round": STEPS[kind], "rounds": ROUNDS[kind],
        "seconds_per_step": {name: middle(name, "seconds") for name in loops},
        "least_seconds_per_step": {name: min(told["seconds"] for told in of) for name, of in turns.items()},
        "ratio": {f"full_of_{name}": round(ratio(name), 3) for name in loops if name != "full"},
        "peak_device_gib": {name: max(told["peak_gib"] for told in of) for name, of in turns.items() if kind == "cuda"},
        "checkpoint_seconds": middle("full", "checkpoint_seconds"),
        "seconds_per_patch_predicted": middle("full", "seconds_per_patch_predicted"),
    }  # fmt: skip


def beside_training(device: torch.device) -> dict[str, float]:
    """Seconds of one fold's SMOTE and heads at the paper's size, on drawn patches and embeddings."""
    from core.heads.fold import HeadSet, fit_on_embeddings
    from core.smote.methods import oversample

    parents = POSITIVE * (FOLDS - 1) // FOLDS
    patches, _ = made_patches(parents)
    smote = SmoteConfig(n_syn=N_SYN)
    spread = (patches.max(axis=(0, 2, 3)) - patches.min(axis=(0, 2, 3))).tolist()
    on = device if device.type == "cuda" else None
    seconds = {
        "smote": timed(
            lambda: oversample(patches, parents * N_SYN, smote, data_range=spread, seed=0, device=on), device
        )
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


def main() -> None:
    options = parser(__doc__, 0, "not used: rounds have a fixed number of steps")
    options.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options.add_argument("--no-protocol", action="store_true", help="leave out the time of paper A's protocol")
    given = options.parse_args()
    device = choose_device(given.device)
    kind = "cuda" if device.type == "cuda" else "cpu"
    began = time.perf_counter()
    measured = compare(kind)
    seconds, batch = measured["seconds_per_step"], measured["batch"]
    result = {
        "benchmark": "train", "settings": [*NETWORKS[kind], *CHANGES], **measured,
        "images_per_second": {name: round(batch / value, 1) for name, value in seconds.items()},
        "asked": ASKED[kind],
        "peer": f"DataLoader, {WORKERS[kind]} workers, numpy and scikit-image patch by patch, float32, Adam",
        "environment": {key: OURS[key] for key in OURS if PLAIN.get(key) != OURS[key] and not key.startswith("PYTHON")},
    }  # fmt: skip
    result |= {
        "device": "cpu" if kind == "cpu" else torch.cuda.get_device_name(device), "threads": torch.get_num_threads(),
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
