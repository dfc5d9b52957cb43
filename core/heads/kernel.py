"""The Gaussian kernel between standardised embeddings, from one matrix product on the device.

Comes in: rows (n, D) and (m, D) float64. Goes out: exp(-gamma |a - b|^2), (n, m) float64. Squared distances are kept
apart from gamma, so that several gammas share the product. Everything is float64: |a|^2 + |b|^2 - 2 a.b loses digits
where rows are near each other, which in float32 would show in a decision value.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def squared_distances(a: np.ndarray, b: np.ndarray | None, device: Any = None) -> Any:
    """(n, m) float64 of rows ``a`` (n, D) and ``b`` (m, D).

    None for ``b`` means ``a`` itself: the diagonal is then exactly 0. The answer is left where it was computed: a
    tensor on a GPU, a numpy array otherwise (a device without float64 is passed over).
    """
    if not _on_gpu(device):
        other = a if b is None else b
        out = a @ other.T  # numpy multiplies only one half when both are the same rows
        out *= -2.0
        out += (a**2).sum(1)[:, None]
        out += (other**2).sum(1)
        np.maximum(out, 0.0, out=out)
        if b is None:
            np.fill_diagonal(out, 0.0)
        return out
    import torch

    left = on_device(a, device)
    right = left if b is None else on_device(b, device)
    out = torch.addmm(left.square().sum(1, keepdim=True), left, right.T, alpha=-2.0)
    out += right.square().sum(1)
    out.clamp_(min=0.0)
    return out.fill_diagonal_(0.0) if b is None else out


def gaussian(squared: Any, gamma: float, reuse: bool) -> Any:
    """exp(-gamma ``squared``), where ``squared`` is; ``reuse`` writes over it, when no other gamma needs it."""
    if isinstance(squared, np.ndarray):
        out = np.multiply(squared, -gamma, out=squared if reuse else None)
        return np.exp(out, out=out)
    return squared.mul_(-gamma).exp_() if reuse else (squared * -gamma).exp_()


def on_device(rows: Any, device: Any) -> Any:
    """``rows`` where :func:`squared_distances` computes: a tensor on a GPU, as they are otherwise."""
    if not _on_gpu(device):
        return rows
    import torch

    return torch.as_tensor(rows, device=device)


def to_numpy(values: Any) -> np.ndarray:
    """A numpy array of what :func:`gaussian` left on a device."""
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _on_gpu(device: Any) -> bool:
    """Whether ``device`` (a torch device, its name, or none) computes float64 better than the processor does."""
    return device is not None and str(device).startswith("cuda")
