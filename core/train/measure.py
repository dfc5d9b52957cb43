"""What a network is made of and what it costs: Table III of paper B, and its stages as Table 1 of paper A lists them.

Comes in: a network. Goes out: parameters, megabytes, depth, milliseconds a patch; and one row a stage. It trains
nothing, and leaves the network as it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.train.network import Network

_WEIGHTY = (nn.modules.conv._ConvNd, nn.Linear)


@dataclass(frozen=True)
class NetworkFacts:
    """``depth``: convolutions and dense layers. ``megabytes``: 10^6 bytes of weights. ``ms``: for one patch."""

    parameters: int
    megabytes: float
    depth: int
    ms: float


@dataclass(frozen=True)
class Stage:
    """Consecutive modules of one kind in the backbone. ``channels``: of its output; ``stride``: by which it shrinks."""

    name: str
    operator: str
    stride: int
    channels: int
    layers: int


def network_facts(network: Network, device: torch.device | str = "cpu", repeats: int = 5) -> NetworkFacts:
    """The facts for patches of the size it was built for; the time is the median of ``repeats`` after a first pass."""
    parameters = list(network.parameters())
    depth = sum(isinstance(module, _WEIGHTY) for module in network.modules())
    n_bytes = sum(p.numel() * p.element_size() for p in parameters)
    return NetworkFacts(sum(p.numel() for p in parameters), n_bytes / 1e6, depth, _latency(network, device, repeats))


def _latency(network: Network, device: torch.device | str, repeats: int) -> float:
    device = torch.device(device)
    x = torch.zeros(1, len(network.bands), *network.image_hw, device=device)

    was_training, taken = network.training, []
    network.to(device).eval()
    with torch.inference_mode():
        for _ in range(repeats + 1):
            began = time.perf_counter()
            network(x)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken.append(1e3 * (time.perf_counter() - began))
    network.train(was_training)
    return sorted(taken[1:])[repeats // 2]


def stages(network: Network) -> tuple[Stage, ...]:
    """The backbone's stages from the input on, as one empty patch passes through them."""
    seen: dict[str, tuple[int, int]] = {}  # name -> (height, channels) behind it
    channels_last = getattr(network.backbone, "output_fmt", "NCHW") == "NHWC"

    def note(name: str):
        def hook(_module: nn.Module, inputs: tuple, output: Tensor) -> None:
            if inputs and getattr(output, "ndim", 0) == 4 and inputs[0].ndim == 4:
                first = channels_last and output.shape[1] == output.shape[2]
                height, channels = (1, 3) if first else (2, 1)
                seen[name] = (output.shape[height], output.shape[channels])

        return hook

    found = dict(_stage_modules(network.backbone))
    hooks = [module.register_forward_hook(note(name)) for name, module in found.items()]
    was_training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, len(network.bands), *network.image_hw))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    rows, before = [], network.model.image_size or network.image_hw[0]
    for name, (after, channels) in seen.items():
        rows.append(
            Stage(name, _operator(found[name]), max(1, round(before / after)), channels, _n_layers(found[name]))
        )
        before = after
    return tuple(rows)


def _stage_modules(backbone: nn.Module) -> list[tuple[str, nn.Module]]:
    """Direct children, and in place of a list of stages its members."""
    rows = []
    for name, module in backbone.named_children():
        inner = list(module.named_children())
        is_list = isinstance(module, nn.Sequential | nn.ModuleList) and inner
        if is_list and all(list(child.children()) for _, child in inner) and name in ("blocks", "stages", "layers"):
            rows += [(f"{name}.{own}", child) for own, child in inner]
        else:
            rows.append((name, module))
    return rows


def _operator(module: nn.Module) -> str:
    inner = list(module.children())
    return type(inner[0] if isinstance(module, nn.Sequential) and inner else module).__name__


def _n_layers(module: nn.Module) -> int:
    return len(list(module.children())) if isinstance(module, nn.Sequential) else 1
