"""How a network answers for patches with known labels: loss, F1, accuracy, AUC, and each patch's probability.

Also draws the few patches whose probabilities are kept for every epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from core.config import RunConfig
from core.evaluate.metrics import metrics
from core.train.frozen_features import answered
from core.train.inference import embed
from core.train.networks.network import Network

WATCHED = 8  # patches of a fold whose probability is kept for every epoch


@dataclass(frozen=True)
class Judgement:
    """``loss`` in nats (cross-entropy of hard labels, which KL equals), ``f1`` and ``accuracy`` at 0.5, ``auc``.

    Each is nan where it is undefined.

    probs: (N,) float64, the network's own probability of landslide; nan where a patch has no label.
    """

    loss: float = float("nan")
    f1: float = float("nan")
    auc: float = float("nan")
    probs: np.ndarray = field(default_factory=lambda: np.zeros(0))
    accuracy: float = float("nan")


def judge(
    network: Network,
    images: np.ndarray,
    labels: np.ndarray,
    config: RunConfig,
    device: torch.device,
    table: np.ndarray | None = None,
    features: torch.Tensor | None = None,
) -> Judgement:
    """images: (N, C, H, W) float32, normalised. labels: (N,) 0/1, -1 where unlabelled: those are left out.

    table: (N, P) of the columns that the network reads, if any. features: (N, D) of the images on the device, where a
    frozen backbone need not read them again.
    """
    labels = np.asarray(labels)
    labelled = np.flatnonzero(labels >= 0)
    probs = np.full(len(labels), np.nan)
    if labelled.size == 0:
        return Judgement(probs=probs)
    target = labels[labelled].astype(np.int64)
    if features is None:
        patches = images if labelled.size == len(labels) else np.asarray(images)[labelled]
        rows = None if table is None else table[labelled]
        answers = embed(network, patches, device, config.train.batch_size, precision=config.precision, table=rows)
    else:
        answers = answered(network, features[torch.from_numpy(labelled).to(features.device)])
    loss = F.cross_entropy(torch.from_numpy(answers.logits), torch.from_numpy(target))
    values = metrics(target, answers.probs, 0.5)
    probs[labelled] = answers.probs
    return Judgement(float(loss), float(values["f1"]), float(values["auc"]), probs, float(values["accuracy"]))


def watched(labels: np.ndarray, seed: int, most: int = WATCHED) -> np.ndarray:
    """Positions of up to ``most`` labelled patches, half of them landslides where there are enough, drawn by ``seed``.

    Landslides come first. labels: (N,) 0/1, -1 where unlabelled.
    """
    generator = np.random.default_rng(seed)
    positive, other = (generator.permutation(np.flatnonzero(np.asarray(labels) == kind)) for kind in (1, 0))
    n_positive = min(len(positive), max(most // 2, most - len(other)))
    return np.concatenate([positive[:n_positive], other[: most - n_positive]]).astype(np.int64)
