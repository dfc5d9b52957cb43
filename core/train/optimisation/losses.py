"""Losses on soft labels, with or without class weights: the mean of a batch, in nats; and the F1 of a batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import TrainConfig
from core.train.targets import soft_kl

_TINY = 1e-6  # below the sum of probabilities of any batch that is worth a gradient
Loss = Callable[[Tensor, Tensor], Tensor]  # logits (N, K), soft labels (N, K) -> the mean over N


def loss_of(config: TrainConfig, targets: np.ndarray, device: torch.device) -> Loss:
    """The loss that ``config`` asks for; targets: (N, K) soft labels of the whole training part."""
    weights = None
    if config.class_weight == "balanced":
        weights = torch.from_numpy(class_weights(targets)).to(device)
    if config.loss == "bce":
        return lambda logits, target: soft_bce(logits, target, weights)
    if config.loss == "bce_f1":
        return lambda logits, target: (soft_bce(logits, target, weights) + smooth_f1_loss(logits, target)) / 2
    if config.loss == "focal":
        return lambda logits, target: soft_focal(logits, target, config.focal_gamma, weights)
    if weights is None:
        return soft_kl
    return lambda logits, target: weighted_kl(logits, target, weights)


def class_weights(targets: np.ndarray) -> np.ndarray:
    """(K,) float32: n / (K n_c) for each class c, from soft labels (N, K), each of which every class has some of.

    They are 1 where the classes are equally common, and scikit-learn's "balanced" for two hard classes.
    """
    mass = np.asarray(targets, np.float64).sum(axis=0)
    return (mass.sum() / (len(mass) * mass)).astype(np.float32)


def weighted_kl(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Batch mean of sum_k w_k t_k log(t_k / p_k): each class's share of the divergence times its weight."""
    parts = F.kl_div(F.log_softmax(logits.float(), dim=1), targets, reduction="none")  # (N, K)
    return (parts * weights).sum() / len(logits)


def soft_bce(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Batch mean of -w_1 t log(p) - w_0 (1 - t) log(1 - p), where the logit of p is the landslide's log-odds.

    The gradient is that of soft KL: the two differ by the entropy of the labels.
    """
    log_odds, t = logits[:, 1].float() - logits[:, 0].float(), targets[:, 1]
    other, landslide = (1.0, 1.0) if weights is None else weights.unbind()
    return (landslide * t * F.softplus(-log_odds) + other * (1.0 - t) * F.softplus(log_odds)).mean()


def smooth_f1_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """1 - F1 of landslide in a batch, with its counts made of probabilities p and soft labels t, in [0, 1].

    sum |p - t| / sum (p + t). With hard labels the numerator is FP + FN and the denominator 2 TP + FP + FN, so that it
    is 1 - 2 TP / (2 TP + FP + FN); with the mixed labels of MixUp it is 0 at p = t and nowhere else, which the usual
    product p t is not (Wang et al., Dice semimetric losses, MICCAI 2023). Class weights do not enter: F1 already counts
    landslides only.
    """
    p, t = (logits[:, 1].float() - logits[:, 0].float()).sigmoid(), targets[:, 1].float()
    return (p - t).abs().sum() / (p + t).sum().clamp(min=_TINY)


def soft_focal(logits: Tensor, targets: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Batch mean of -sum_k w_k t_k (1 - p_k)^gamma log(p_k) (Lin et al., 2017); cross-entropy where gamma is 0."""
    log_probs = F.log_softmax(logits.float(), dim=1)
    parts = -targets * (1.0 - log_probs.exp()).clamp(min=0.0).pow(gamma) * log_probs  # (N, K)
    return (parts if weights is None else parts * weights).sum() / len(logits)
