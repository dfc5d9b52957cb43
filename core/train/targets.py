"""What a network is asked to answer: soft labels (N, 2) whose rows sum to 1, the loss, and checks before training."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from core.errors import TrainingError

CLASSES = 2  # column 0 the other class, column 1 landslide


def soft_targets(labels: np.ndarray) -> np.ndarray:
    """(N, 2) float32 soft labels from (N,) 0/1, or from (N, 2) as they are. Raises TrainingError for anything else."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == CLASSES:
        return labels.astype(np.float32)
    if labels.ndim != 1 or not np.isin(labels, (0, 1)).all():
        raise TrainingError("Training labels must be 0 or 1 for each patch; leave unlabelled patches out.")
    return np.eye(CLASSES, dtype=np.float32)[labels.astype(np.int64)]


def soft_kl(logits: Tensor, targets: Tensor) -> Tensor:
    """Batch mean of KL(target || softmax(logits)): soft cross-entropy minus the target's entropy (paper A)."""
    return F.kl_div(F.log_softmax(logits.float(), dim=1), targets, reduction="batchmean")


def check_training(images: np.ndarray, targets: np.ndarray) -> None:
    """Raises TrainingError unless there are as many targets as patches, of both classes, and all values are finite."""
    if len(images) != len(targets):
        raise TrainingError(f"There are {len(images)} training patches but {len(targets)} labels.")
    mass = targets.sum(axis=0)
    if len(images) and (mass == 0).any():
        raise TrainingError(
            f"The training part holds one class only ({int(mass[0])} of class 0, {int(mass[1])} of class 1). "
            "Both are needed: add labelled patches or use fewer folds."
        )
    parts = np.array_split(images, 1 + len(images) // 256)  # in parts: the mask of all is a quarter of the data
    bad = sum(int((~np.isfinite(part)).any(axis=(1, 2, 3)).sum()) for part in parts)
    if bad:
        raise TrainingError(f"{bad} training patches hold values that are not finite. Normalise them first.")
