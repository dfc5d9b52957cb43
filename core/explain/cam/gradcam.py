"""Attention maps by gradients: where in a patch the network sees evidence for a class, for whole datasets at once.

Maps are raw, not rescaled, so that magnitudes can be compared between patches and averaged over groups. The network
names its own layer. ``core.explain.cam.overlay`` draws maps without torch, for the dashboard;
``core.explain.cam.library`` has the methods without gradients, one patch at a time.

With A_k the layer's k-th activation map, y the class's logit and G_k = dy / dA_k, every map is ReLU(sum_k w_k A_k):

    gradcam     w_k = mean(G_k)                                           Selvaraju et al. 2017
    gradcam++   w_k = sum(a_k ReLU(G_k)), a = G^2 / (2 G^2 + sum(A) G^3)  Chattopadhay et al. 2018
    xgradcam    w_k = sum(G_k A_k) / sum(A_k)                             Fu et al. 2020
    layercam    w_k = ReLU(G_k), cell by cell                             Jiang et al. 2021
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import ConfigError

Reshape = Callable[[Tensor], Tensor]
Target = int | Literal["predicted"]
_EPS_PLUS_PLUS, _EPS_XGRAD = 1e-6, 1e-7  # pytorch-grad-cam's


class HasCamLayer(Protocol):
    """What Grad-CAM asks of a network, beside being an ``nn.Module`` that gives (N, K) logits."""

    def cam_layer(self, min_map: int, name: str | None = None) -> tuple[str, nn.Module, Reshape | None]:
        """Name, module and conversion to (N, C, h, w) of the layer of that name, or of the network's own choice.

        That is the deepest with a living map of min_map or more cells a side.
        """

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """See ``nn.Module``."""

    def to(self, device: torch.device | str) -> Any:
        """See ``nn.Module``."""


def gradcam(
    network: HasCamLayer,
    images: np.ndarray,
    device: torch.device | str = "cpu",
    min_map: int = 8,
    target: Target = 1,
    batch_size: int = 64,
    method: str = "gradcam",
    layer: str | None = None,
) -> tuple[np.ndarray, str]:
    """Raw maps of one class's logit, and the layer they come from.

    images: (N, C, H, W) float32, normalised. target: column of the logits (1 is landslide), or "predicted": the larger
    one of each patch. method: one of ``METHODS``. layer: its path; none: the network's choice. Returns maps (N, h, w)
    float32, at least 0, and the layer's name. A map of zeros is an answer too: no evidence for the class at this
    layer (see ``core.explain.cam.overlay.dead_maps``). The network's mode and its parameters' flags do not change.
    """
    combine = _method(method)
    name, module, reshape = network.cam_layer(min_map) if layer is None else network.cam_layer(min_map, layer)
    maps = []
    with frozen(network), _recorded(module) as record, torch.enable_grad():
        network.to(device)
        for start in range(0, len(images), batch_size):
            batch = torch.as_tensor(np.ascontiguousarray(images[start : start + batch_size])).to(device)
            logits = network(batch.float())
            activation, gradient = _with_gradient(_chosen(logits, target), record[-1], reshape)
            maps.append(torch.relu(combine(activation, gradient)).float().cpu().numpy())
            record.clear()
    return (np.concatenate(maps) if maps else np.empty((0, 0, 0), dtype=np.float32)), name


def suited_method(
    network: HasCamLayer, images: np.ndarray, device: torch.device | str = "cpu", min_map: int = 8
) -> str:
    """The method for the network's own layer: xgradcam after a ReLU, gradcam where activations can be negative.

    At an inner layer, which small patches need, Grad-CAM's mean gradient is often a poor weight: evidence is local
    there. XGrad-CAM weighs the gradient by the activation, but divides by the activations' sum, which means nothing
    where they cancel out.
    """
    _, module, _ = network.cam_layer(min_map)
    with frozen(network), _recorded(module) as record, torch.no_grad():
        network.to(device)
        network(torch.as_tensor(np.ascontiguousarray(images[:8])).to(device).float())
    return "xgradcam" if record and bool(record[-1].min() >= 0) else "gradcam"


def _chosen(logits: Tensor, target: Target) -> Tensor:
    """(N,) the logits of the class that is explained."""
    if target == "predicted":
        return logits.max(dim=1).values
    return logits[:, target]


def _with_gradient(logit: Tensor, activation: Tensor, reshape: Reshape | None) -> tuple[Tensor, Tensor]:
    """The layer's output and the gradient of each patch's logit with respect to it, both (N, K, h, w)."""
    (gradient,) = torch.autograd.grad(logit.sum(), activation)
    activation = activation.detach()
    return (activation, gradient) if reshape is None else (reshape(activation), reshape(gradient))


def _grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    return _weighted(activation, gradient.mean(dim=(2, 3)))


def _grad_cam_plus_plus(activation: Tensor, gradient: Tensor) -> Tensor:
    total = activation.sum(dim=(2, 3), keepdim=True)
    square = gradient**2
    share = square / (2 * square + total * square * gradient + _EPS_PLUS_PLUS)
    share = torch.where(gradient != 0, share, torch.zeros_like(share))
    return _weighted(activation, (torch.relu(gradient) * share).sum(dim=(2, 3)))


def _x_grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    total = activation.sum(dim=(2, 3), keepdim=True) + _EPS_XGRAD
    return _weighted(activation, (gradient * activation / total).sum(dim=(2, 3)))


def _layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    return (torch.relu(gradient) * activation).sum(dim=1)


def _weighted(activation: Tensor, weights: Tensor) -> Tensor:
    """Sum over channels of activations (N, K, h, w) by their weights (N, K): (N, h, w)."""
    return torch.einsum("nkhw,nk->nhw", activation, weights)


_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradcam": _grad_cam,
    "gradcam++": _grad_cam_plus_plus,
    "xgradcam": _x_grad_cam,
    "layercam": _layer_cam,
}
METHODS = tuple(_COMBINE)


def _method(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    if name not in _COMBINE:
        raise ConfigError(f"There is no attention method '{name}' for whole datasets. Known: {', '.join(METHODS)}.")
    return _COMBINE[name]


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
def frozen(network: nn.Module) -> Iterator[None]:
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
