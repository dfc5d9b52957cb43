"""What a run will take, before it is started: seconds and memory, measured on a few steps of that very training.

The loop that a run uses trains on a few patches, on the device that the run will use; the rest is arithmetic.
Pretrained weights are not downloaded: they do not change the time. What is not measured (maps, explanations) is
extrapolated, and marked so.
"""

from __future__ import annotations

import shutil
from math import ceil
from pathlib import Path

import numpy as np
import psutil
import torch

from core.config import RunConfig
from core.data.normalise import fit_normaliser
from core.data.regions.leave_one_out import resolved
from core.data.selection import Selection, select
from core.data.store import Dataset, open_dataset
from core.device import autocast_dtype, choose_device, free_bytes
from core.errors import DataError
from core.flow.run_context import COPIES
from core.preflight.time_estimate import PhaseEstimate, TimeEstimate
from core.preflight.trial_steps import (
    REST,
    STEPS,
    Sizes,
    TrainedSteps,
    epochs_of_phases,
    measure_heads,
    measure_prediction,
    measure_smote,
    measure_training,
)  # fmt: skip
from core.progress import Progress, Steps
from core.train.batches import SHARE_FOR_DATA
from core.train.networks.model_scaling import model_scaling

PREDICTED_OF_CAM = 4  # a Grad-CAM map costs about as much as this many predictions
MAP_S = 12.0  # of a fold's embedding map: UMAP on two CPU cores
OPEN = {"all": "whole network", "head": "last layer", "layers": "open layers", "blocks": "open blocks"}  # trainable
GROUP_SUBSETS = 16  # subsets of band groups that are occluded together


def estimate(path: Path, config: RunConfig, disk: Path | None = None) -> Steps[TimeEstimate]:
    """Measure, and calculate the rest; ``disk``: a folder on the disk where the run will be kept, else the dataset's.

    Raises ConfigError, DataError or TrainingError in the words of the run that would fail.
    """
    yield Progress(0.0, "Reading a few patches.")
    dataset = open_dataset(path)
    selection, device = select(dataset, config.data, config.folds), choose_device(config.device)
    config = resolved(dataset, selection.labels, config)
    sizes = Sizes.of(selection.labels, config)
    images, labels = _sample(dataset, selection, config)
    names = tuple(band.name for band in selection.bands)
    given = model_scaling(config.model, selection.bands)
    normaliser = fit_normaliser(images, config.normalise.method, names, given)
    patches = normaliser.transform(images)
    before = psutil.Process().memory_info().rss
    free = free_bytes(device)
    yield Progress(0.1, f"Training {STEPS} steps at a time on {_device_name(device)}.")
    planned = epochs_of_phases(config.train)
    trained = {
        phase: measure_training(patches, labels, config, normaliser, selection.bands, device, phase, 1 / len(planned))
        for phase in planned
    }
    main = list(trained.values())[-1]
    yield Progress(0.6, "Predicting, balancing and fitting heads on a sample.")
    predicted = measure_prediction(main.network, patches, config, device)
    smote_s = measure_smote(patches[labels == 1], sizes, config, device)
    heads_s = measure_heads(main.network.n_features, sizes, config, device)
    yield Progress(1.0, "Done.")

    steps = ceil((sizes.learnt + sizes.synthetic) / config.train.batch_size)
    n = int((selection.labels >= 0).sum())
    phases = tuple(
        _phase(name, epochs, trained[name], steps, sizes, predicted.plain, config) for name, epochs in planned.items()
    )
    folds, epochs = config.folds.n_splits, config.train.epochs
    occluded = 1 + len(names) * len(config.explain.occlusion_baselines) + GROUP_SUBSETS * sizes.positive / sizes.learnt
    seconds = {
        "training": folds * sum(phase.seconds for phase in phases),
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
    process = max(one.process_bytes for one in trained.values())
    return TimeEstimate(
        device=_device_name(device),
        precision="float32" if autocast_dtype(device, config.precision) is None else "bfloat16",
        steps_measured=sum(one.steps for one in trained.values()),
        seconds_per_step=main.seconds_per_step,
        images_per_second=main.images_per_second,
        steps_per_epoch=steps,
        seconds_per_epoch=phases[-1].seconds_per_epoch,
        epochs=epochs,
        folds=folds,
        n_train=sizes.learnt,
        n_synthetic=sizes.synthetic,
        seconds=seconds,
        measured_parts=("training", "balancing", "embedding", "heads"),
        process_bytes=max(before, process) + COPIES * len(dataset) * patch_bytes,
        process_free_bytes=before + psutil.virtual_memory().available,
        device_bytes=None if free is None else max(one.device_bytes for one in trained.values()) + on_device,
        device_free_bytes=free,
        data_bytes=data_bytes,
        placement=placement,
        pieces=max(one.pieces for one in trained.values()),
        disk_bytes=_disk_bytes(main, len(dataset), sizes, config),
        disk_free_bytes=shutil.disk_usage(where).free,
        phases=phases,
    )


def _phase(
    name: str, epochs: int, trained: TrainedSteps, steps: int, sizes: Sizes, predict_s: float, config: RunConfig
) -> PhaseEstimate:
    """One phase of a fold. predict_s: seconds in which a patch is answered.

    Where a frozen backbone reads its patches once, so does it those that are judged after each epoch.
    """
    name = OPEN[config.train.trainable] if name == REST else name
    epoch_s, judged = steps * trained.seconds_per_step + trained.checkpoint_s, sizes.judged + sizes.held
    if trained.read_s is None:
        return PhaseEstimate(name, epochs, epoch_s + judged * predict_s, 0.0)
    views = config.train.frozen_views or 1
    once_s = (sizes.learnt + sizes.synthetic + judged / views) * trained.read_s
    return PhaseEstimate(name, epochs, epoch_s, once_s)


def _sample(dataset: Dataset, selection: Selection, config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """A few batches of patches with their labels, of both classes; repeated where the dataset is small."""
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
