"""A few steps of a run that has not started: training, prediction, balancing and heads, timed on a sample.

Everything is measured on normalised patches; ``core.preflight.estimate`` extrapolates to the whole run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from core.config import RunConfig, TrainConfig
from core.data.bands import Band
from core.data.normalise import Normaliser
from core.device import autocast_dtype, memory_bytes
from core.heads.fold import HeadSet, fit_on_embeddings
from core.smote.methods import oversample
from core.smote.resample import n_synthetic, normalised_range
from core.train.augmentation.colour import BandUnits
from core.train.batches import place
from core.train.frozen_features import FrozenFeatures, can_be_kept
from core.train.inference import embed
from core.train.loop import fit
from core.train.networks.arguments import fitting_arguments
from core.train.networks.backbones import build_network
from core.train.networks.network import Network
from core.train.optimisation.unfreezing import opening_at
from core.train.targets import soft_targets

STEPS = 4  # of an epoch that is measured
MEASURE_S = 8.0  # epochs are measured for this long, at least two of them
MOST_EPOCHS = 12
PHASES = HEAD, TOP, REST = "last layer", "top layers", "rest"  # of a training; the rest: what is `trainable`
PARENTS, ROWS = 60, 1000  # at most, of the SMOTE and of the heads that are measured


@dataclass(frozen=True)
class Sizes:
    """How many patches a fold trains on (real and synthetic), is validated on, and selects its epoch by."""

    learnt: int
    positive: int
    synthetic: int
    judged: int
    held: int

    @classmethod
    def of(cls, labels: np.ndarray, config: RunConfig) -> Sizes:
        """Sizes of an average fold. labels: (N,), -1 where unlabelled."""
        n, positive = int((labels >= 0).sum()), int((labels == 1).sum())
        judged = config.folds.judged_share
        share = 1 - judged
        inner = config.train.inner_share if config.train.select == "inner" else 0.0
        learnt, parents = round(n * share * (1 - inner)), round(positive * share * (1 - inner))
        synthetic = n_synthetic(parents, learnt - parents, config.smote)
        return cls(learnt, parents, synthetic, round(n * judged), round(n * share * inner))


@dataclass(frozen=True)
class TrainedSteps:
    """A network after ``steps`` measured steps of a phase, and what they took; device bytes do not include the sample.

    ``read_s``: seconds in which a frozen backbone reads one patch for all epochs of the phase, all its views together
    (``train.frozen_views``); None where every step reads its patches.
    """

    network: Any
    steps: int
    seconds_per_step: float
    images_per_second: float
    checkpoint_s: float
    checkpoint_bytes: int
    process_bytes: int
    device_bytes: int
    pieces: int
    read_s: float | None = None


def epochs_of_phases(train: TrainConfig) -> dict[str, int]:
    """How many epochs each phase has: the last layer, the top layers, then what is ``trainable``; only those it has."""
    head = min(train.head_epochs, train.epochs)
    top = min(train.top_epochs, train.epochs - head)
    phases = {HEAD: head, TOP: top, REST: train.epochs - head - top}
    return {phase: epochs for phase, epochs in phases.items() if epochs}


def measure_training(
    patches: np.ndarray,
    labels: np.ndarray,
    config: RunConfig,
    normaliser: Normaliser,
    bands: Sequence[Band],
    device: torch.device,
    phase: str = REST,
    share: float = 1.0,
) -> TrainedSteps:
    """A few epochs of ``STEPS`` steps by the training loop itself; the first one warms up and is not counted.

    phase: one of ``PHASES``. share: of ``MEASURE_S``, in which at least two epochs are measured.
    """
    model = fitting_arguments(config.model)[0].model_copy(
        update={"pretrained": False, "weights": None, "sar_weights": None}
    )
    alone = {"head_epochs": MOST_EPOCHS * (phase == HEAD), "top_epochs": MOST_EPOCHS * (phase == TOP)}
    train = config.train.model_copy(
        update={"epochs": MOST_EPOCHS, "select": "last", "patience": None, "judge_steps": None} | alone
    )
    trial = config.model_copy(update={"model": model, "train": train})
    network, _ = build_network(model, bands, patches.shape[2:], config.seed, normaliser.units)
    speeds, saves, began = [], [], None
    with tempfile.TemporaryDirectory() as folder:
        masks = np.zeros(patches[:, 0].shape, np.uint8) if model.masks else None  # what they show takes no time
        epochs = fit(
            network, patches, labels, patches[:0], labels[:0], trial, device, config.seed, Path(folder), masks=masks
        )
        while True:
            start = time.perf_counter()
            result = next(epochs)
            saves.append(time.perf_counter() - start - result.seconds)
            if began is None:
                began = time.perf_counter()
                continue
            speeds.append(result.images_per_second)
            enough = len(speeds) >= 2 and time.perf_counter() - began > share * MEASURE_S
            if enough or result.epoch >= MOST_EPOCHS - 1:  # the last epoch does more than the others
                break
        epochs.close()
        files = sorted(Path(folder).glob("*.safetensors"))
        checkpoint_bytes = files[-1].stat().st_size
        process, held = psutil.Process().memory_info().rss, memory_bytes(device)
    speed = float(np.median(speeds))
    sample_bytes = patches.nbytes if device.type == "cuda" else 0
    keeps = train.frozen_views is not None and can_be_kept(network, opening_at(1, network, train))
    read_s = _reading(network, patches, labels, config, device) / len(patches) if keeps else None
    return TrainedSteps(
        network, len(speeds) * STEPS, config.train.batch_size / speed, speed, float(np.median(saves)), checkpoint_bytes,
        process, max(0, held - sample_bytes), result.pieces, read_s,
    )  # fmt: skip


def _reading(
    network: Network, patches: np.ndarray, labels: np.ndarray, config: RunConfig, device: torch.device
) -> float:
    """Seconds in which a frozen backbone reads these patches in all their views."""
    data, dtype = place(patches, soft_targets(labels), device), autocast_dtype(device, config.precision)
    units = BandUnits(network.bands, *network.units, device) if network.units else None
    n_views = config.train.frozen_views or 1
    return _best_of(2, lambda: FrozenFeatures(network, data, config.augment, n_views, config.seed, units, dtype))


@dataclass(frozen=True)
class Predicted:
    """Seconds per patch: ``plain``, and ``judged`` with test-time augmentation where the settings have it."""

    plain: float
    judged: float


def measure_prediction(network: Any, patches: np.ndarray, config: RunConfig, device: torch.device) -> Predicted:
    """Seconds per patch of embedding and prediction, on two batches."""
    size, precision = config.train.batch_size, config.precision
    some = patches[: max(2, min(len(patches), 2 * size))]

    def once(tta: bool) -> float:
        return _best_of(2, lambda: embed(network, some, device, size, tta=tta, precision=precision)) / len(some)

    plain = once(False)
    return Predicted(plain, once(True) if config.train.tta else plain)


def measure_smote(minority: np.ndarray, sizes: Sizes, config: RunConfig, device: torch.device) -> float:
    """Seconds of a fold's SMOTE: those of a few parents, scaled by the square of their number."""
    n = min(PARENTS, len(minority), sizes.positive)
    if not sizes.synthetic or n < 3:
        return 0.0
    some = minority[:n]
    spread = normalised_range(config.normalise.method, some)
    on = device if device.type == "cuda" else None
    taken = _best_of(2, lambda: oversample(some, n, config.smote, data_range=spread, seed=0, device=on))
    return taken * (sizes.positive / n) ** 2 + sizes.synthetic * taken / n / 10


def measure_heads(n_features: int, sizes: Sizes, config: RunConfig, device: torch.device) -> float:
    """Seconds of a fold's heads on random embeddings, scaled by the square of the patches as an SVM's fit is."""
    rows = sizes.learnt + sizes.synthetic
    n = max(20, min(ROWS, rows))
    generator = np.random.default_rng(0)
    labels = (np.arange(n) % 2).astype(np.int8)
    embeddings = generator.standard_normal((n, n_features), np.float32) + 0.1 * labels[:, None].astype(np.float32)
    wanted, nothing = HeadSet.of(config.heads), embeddings[:0]
    taken = _best_of(1, lambda: fit_on_embeddings(embeddings, np.arange(n), nothing, labels, wanted, device))
    return taken * (rows / n) ** 2


def _best_of(times: int, work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)
