"""The Gaussian kernel between standardised embeddings, from one matrix product on the device.

Rows (n, D) and (m, D) float64 give exp(-gamma |a - b|^2), (n, m) float64 on the device. Squared distances are computed
apart from gamma, so that several gammas share the product. Everything is float64: |a|^2 + |b|^2 - 2 a.b loses digits
where rows are close to each other, which in float32 would show in a decision value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def rows_on(rows: np.ndarray, device: Any) -> Tensor:
    """``rows`` (n, D) float64 where the kernel is computed: on ``device``, or the processor where that has no float64.

    device: a torch device, its name, or none for the processor.
    """
    import torch

    place = torch.device("cpu" if device is None else device)
    return torch.as_tensor(rows, dtype=torch.float64, device="cpu" if place.type == "mps" else place)


def squared_distances(a: Tensor, b: Tensor | None = None) -> Tensor:
    """(n, m) float64 of rows ``a`` (n, D) and ``b`` (m, D); none for ``b`` means ``a`` and an exact 0 diagonal."""
    import torch

    other = a if b is None else b
    if b is None and a.device.type == "cpu":  # numpy multiplies only one half when both are the same rows
        out = torch.from_numpy(a.numpy() @ a.numpy().T)
    else:  # numpy's threads would wait in a loop for more, and take the cores from a network that answers next
        out = a @ other.T
    out.mul_(-2.0).add_(a.square().sum(1, keepdim=True)).add_(other.square().sum(1)).clamp_(min=0.0)
    return out.fill_diagonal_(0.0) if b is None else out


def gaussian(squared: Tensor, gamma: float, reuse: bool) -> Tensor:
    """exp(-gamma ``squared``); ``reuse`` writes over it, when no other gamma needs it."""
    return squared.mul_(-gamma).exp_() if reuse else squared.mul(-gamma).exp_()


def weighted(kernel: Tensor, dual: np.ndarray) -> np.ndarray:
    """``kernel`` (n, S) times ``dual`` (S, K): (n, K) float64."""
    return (kernel @ rows_on(dual, kernel.device)).cpu().numpy()
