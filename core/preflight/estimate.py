"""What a run will take, before it is started: seconds and memory, measured on a few steps of that very training.

Comes in: a dataset file and the settings. Goes out: an :class:`Estimate`, and progress on the way. Nothing is kept: a
few patches are trained on by the loop that a run uses, on the device that it will use, and the rest is arithmetic. A
hub's weights are not fetched: they change no time. What is not measured (maps, explanations) is reckoned, and said so.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from core.config import RunConfig
from core.data.normalise import fit_normaliser
from core.data.selection import Selection, select
from core.data.store import Dataset, open_dataset
from core.device import autocast_dtype, choose_device, free_bytes
from core.errors import DataError
from core.flow.run_context import COPIES
from core.preflight.trial_steps import (
    STEPS,
    Sizes,
    TrainedSteps,
    measure_heads,
    measure_prediction,
    measure_smote,
    measure_training,
)  # fmt: skip
from core.progress import Progress, Steps
from core.train.batches import SHARE_FOR_DATA
from core.train.networks.model_scaling import model_scaling

PREDICTED_OF_CAM = 4  # a map costs about as much as so many predictions
MAP_S = 12.0  # of a fold's map, as seen with UMAP on two CPU cores
GROUP_SUBSETS = 16  # of the groups of bands that are occluded together


@dataclass(frozen=True)
class Estimate:
    """What was measured, and what follows. Times in seconds, memory and disk in bytes.

    ``seconds`` by part of the run; ``measured_parts`` names those that rest on a measurement, the others are reckoned.
    ``data_bytes``: the training part of a fold with its synthetic patches. ``placement``: whether it will lie on the
    device whole. ``pieces``: parts that a batch had to be cut into. ``device_bytes`` is None on a CPU.
    """

    device: str
    precision: str
    steps_measured: int
    seconds_per_step: float
    images_per_second: float
    steps_per_epoch: int
    seconds_per_epoch: float
    epochs: int
    folds: int
    n_train: int
    n_synthetic: int
    seconds: dict[str, float]
    measured_parts: tuple[str, ...]
    process_bytes: int
    process_free_bytes: int
    device_bytes: int | None
    device_free_bytes: int | None
    data_bytes: int
    placement: str
    pieces: int
    disk_bytes: int
    disk_free_bytes: int

    @property
    def total_seconds(self) -> float:
        """The whole run."""
        return sum(self.seconds.values())

    @property
    def fits(self) -> bool:
        """Whether memory and disk suffice for what is reckoned."""
        on_device = self.device_bytes is None or self.device_bytes <= self.device_free_bytes
        return on_device and self.process_bytes <= self.process_free_bytes and self.disk_bytes <= self.disk_free_bytes

    def sentences(self) -> list[str]:
        """What was measured and what follows from it, for people."""
        said = [
            f"Measured on {self.steps_measured} training steps of this dataset on {self.device} ({self.precision}), "
            f"augmentation and optimiser included: {self.seconds_per_step:.3g} s a step, {self.images_per_second:,.0f} "
            "patches a second.",
            f"A fold learns from {self.n_train:,} patches and {self.n_synthetic:,} synthetic ones: "
            f"{self.steps_per_epoch:,} steps an epoch, {_time(self.seconds_per_epoch)} with judging and checkpoint.",
            f"The whole run, {self.folds} folds of {self.epochs} epochs: about {_time(self.total_seconds)} ("
            + ", ".join(f"{part} {_time(value)}" for part, value in self.seconds.items())
            + "). Maps and explanations are reckoned, the rest is measured on a sample.",
            f"Memory: about {_size(self.process_bytes)} of {_size(self.process_free_bytes)} that are free.",
        ]
        if self.device_bytes is not None:
            lies = "fit on it whole" if self.placement == "device" else "do not fit on it and are streamed"
            said.append(
                f"Device memory: about {_size(self.device_bytes)} of {_size(self.device_free_bytes)}; the patches of a "
                f"fold ({_size(self.data_bytes)}) {lies}."
            )
        if self.pieces > 1:
            said.append(f"A batch does not fit into memory at once: it is cut into {self.pieces} pieces.")
        said.append(f"Disk: about {_size(self.disk_bytes)} of {_size(self.disk_free_bytes)} that are free.")
        if not self.fits:
            said.append("That does not fit. Choose fewer bands, smaller batches, or a machine with more room.")
        return said

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        more = {"total_seconds": self.total_seconds, "fits": self.fits, "sentences": self.sentences()}
        return asdict(self) | more


def estimate(path: Path, config: RunConfig, disk: Path | None = None) -> Steps[Estimate]:
    """Measure and reckon; ``disk`` is a folder on the disk that the run will be kept on (the dataset's otherwise).

    Raises ConfigError, DataError or TrainingError in the words of the run that would fail.
    """
    yield Progress(0.0, "Reading a few patches.")
    dataset = open_dataset(path)
    selection, device = select(dataset, config.data), choose_device(config.device)
    sizes = Sizes.of(selection.labels, config)
    images, labels = _sample(dataset, selection, config)
    names = tuple(band.name for band in selection.bands)
    given = model_scaling(config.model, selection.bands)
    normaliser = fit_normaliser(images, config.normalise.method, names, dataset.nodata, given)
    patches = normaliser.transform(images)
    before = psutil.Process().memory_info().rss
    free = free_bytes(device)
    yield Progress(0.1, f"Training {STEPS} steps at a time on {_device_name(device)}.")
    trained = measure_training(patches, labels, config, normaliser, selection.bands, device)
    yield Progress(0.6, "Predicting, balancing and fitting heads on a sample.")
    predicted = measure_prediction(trained.network, patches, config, device)
    smote_s = measure_smote(patches[labels == 1], sizes, config, device)
    heads_s = measure_heads(trained.network.n_features, sizes, config, device)
    yield Progress(1.0, "Done.")

    steps = ceil((sizes.learnt + sizes.synthetic) / config.train.batch_size)
    n = int((selection.labels >= 0).sum())
    looks = 1 + (sizes.held > 0)
    judged_s = (sizes.judged + (looks - 1) * sizes.held) * predicted.plain
    epoch_s = steps * trained.seconds_per_step + judged_s + trained.checkpoint_s
    folds, epochs = config.folds.n_splits, config.train.epochs
    occluded = 1 + len(names) * len(config.explain.occlusion_baselines) + GROUP_SUBSETS * sizes.positive / sizes.learnt
    seconds = {
        "training": folds * epochs * epoch_s,
        "balancing": folds * smote_s,
        "embedding": folds * (len(dataset) + sizes.synthetic) * predicted.judged,
        "heads": folds * heads_s,
        "maps": folds * MAP_S,
        "explanations": n * (occluded * predicted.judged + PREDICTED_OF_CAM * predicted.plain),
    }
    patch_bytes = images[0].nbytes
    data_bytes = (sizes.learnt + sizes.synthetic) * patch_bytes
    placement = "streamed" if free is not None and data_bytes > SHARE_FOR_DATA * free else "device"
    on_device = data_bytes if placement == "device" else 0
    where = disk or dataset.path.parent
    return Estimate(
        device=_device_name(device),
        precision="float32" if autocast_dtype(device, config.precision) is None else "bfloat16",
        steps_measured=trained.steps,
        seconds_per_step=trained.seconds_per_step,
        images_per_second=trained.images_per_second,
        steps_per_epoch=steps,
        seconds_per_epoch=epoch_s,
        epochs=epochs,
        folds=folds,
        n_train=sizes.learnt,
        n_synthetic=sizes.synthetic,
        seconds=seconds,
        measured_parts=("training", "balancing", "embedding", "heads"),
        process_bytes=max(before, trained.process_bytes) + COPIES * len(dataset) * patch_bytes,
        process_free_bytes=before + psutil.virtual_memory().available,
        device_bytes=None if free is None else trained.device_bytes + on_device,
        device_free_bytes=free,
        data_bytes=data_bytes,
        placement=placement,
        pieces=trained.pieces,
        disk_bytes=_disk_bytes(trained, len(dataset), sizes, config),
        disk_free_bytes=shutil.disk_usage(where).free,
    )


def _sample(dataset: Dataset, selection: Selection, config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """A few batches of patches with their labels, both classes among them; repeated where the dataset is small."""
    generator = np.random.default_rng(config.seed)
    by_class = [generator.permutation(np.flatnonzero(selection.labels == kind)) for kind in (0, 1)]
    if min(map(len, by_class)) == 0:
        raise DataError(f"'{dataset.name}' needs labelled patches of both classes to train on.")
    n = STEPS * config.train.batch_size
    n_positive = max(2, round(n * len(by_class[1]) / sum(map(len, by_class))))
    rows = np.concatenate([np.resize(by_class[0], n - n_positive), np.resize(by_class[1], n_positive)])
    distinct, back = np.unique(rows, return_inverse=True)
    images = dataset.images(distinct, bands=[band.name for band in selection.bands])[back]
    return images, selection.labels[rows]


def _disk_bytes(trained: TrainedSteps, n: int, sizes: Sizes, config: RunConfig) -> int:
    """Networks, embeddings and heads of all folds, and the checkpoints of the one that is being trained."""
    weights = sum(value.nbytes for value in trained.network.state_dict().values())
    rows, features = sizes.learnt + sizes.synthetic, trained.network.n_features
    embeddings = 4 * features * (n + sizes.synthetic)
    svms = 4 * features * rows * len(config.heads.svm_C) // 2  # about half of the patches support an SVM
    return config.folds.n_splits * (weights + embeddings + svms) + 3 * trained.checkpoint_bytes


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(n: int) -> str:
    return f"{n / 2**20:,.0f} MiB" if n < 2**30 else f"{n / 2**30:,.1f} GiB"
