"""Grad-CAM: where in a patch the network sees evidence for the landslide class (Selvaraju et al. 2017).

Comes in: a network and normalised patches. Goes out: one raw map a patch, not rescaled, so that magnitudes can be
compared between patches and averaged over groups. It knows nothing of backbones (the network names its own layer),
of colours or of files; what the dashboard does with maps stands in ``core.explain.maps`` and needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

Reshape = Callable[[Tensor], Tensor]


class HasCamLayer(Protocol):
    """What Grad-CAM asks of a network, beside being an ``nn.Module`` that gives (N, K) logits."""

    def cam_layer(self, min_map: int) -> tuple[str, nn.Module, Reshape | None]:
        """Name, module and conversion to (N, C, h, w) of the deepest layer with a map of min_map or more a side."""


def gradcam(
    network: HasCamLayer,
    images: np.ndarray,
    device: torch.device | str = "cpu",
    min_map: int = 8,
    target: int = 1,
    batch_size: int = 64,
) -> tuple[np.ndarray, str]:
    """Raw Grad-CAM maps of one class logit, and the layer they come from.

    images: (N, C, H, W) float32, normalised. target: column of the logits; 1 is landslide. Returns maps (N, h, w)
    float32, at least 0, and the layer's name. With A_k the layer's k-th activation map and y the target logit,
    ``map = ReLU(sum_k mean_hw(dy / dA_k) * A_k)``. A map of zeros is an answer too: no evidence for the class at this
    layer (see ``core.explain.maps.dead_maps``). The network's mode and its parameters' flags are left as they were.
    """
    name, layer, reshape = network.cam_layer(min_map)
    maps = []
    with _frozen(network), _recorded(layer) as record, torch.enable_grad():
        network.to(device)
        for start in range(0, len(images), batch_size):
            batch = torch.as_tensor(np.ascontiguousarray(images[start : start + batch_size])).to(device)
            logits = network(batch.float())
            maps.append(_map(logits[:, target], record[-1], reshape).float().cpu().numpy())
            record.clear()
    return (np.concatenate(maps) if maps else np.empty((0, 0, 0), dtype=np.float32)), name


def _map(logit: Tensor, activation: Tensor, reshape: Reshape | None) -> Tensor:
    """The raw map (N, h, w) from the target's logits (N,) and the layer's output."""
    (gradient,) = torch.autograd.grad(logit.sum(), activation)
    activation = activation.detach()
    if reshape is not None:
        activation, gradient = reshape(activation), reshape(gradient)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, K, 1, 1)
    return torch.relu((weights * activation).sum(dim=1))  # (N, h, w)


@contextmanager
def _recorded(layer: nn.Module) -> Iterator[list[Tensor]]:
    """A list that receives the layer's output at each forward pass, made the start of the graph.

    Cutting the graph there spares the memory of everything before. The network goes on with a copy, because a later
    operation may work in place.
    """
    record: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
        start = output.detach().requires_grad_(True)
        record.append(start)
        return start.clone()

    handle = layer.register_forward_hook(keep)
    try:
        yield record
    finally:
        handle.remove()


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients of parameters, each restored afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    network.eval()
    for parameter, _ in flags:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        for module, training in modes:
            module.training = training
