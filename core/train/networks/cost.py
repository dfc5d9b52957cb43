"""What a network costs: Table III of paper B. Parameters, megabytes, depth, milliseconds per patch.

The network is left as it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from core.train.networks.network import Network
from core.train.networks.stages.blocks import WEIGHTY

WARM_UP = 3  # passes before the clock: libraries choose their algorithms, memory is taken, clocks rise


@dataclass(frozen=True)
class NetworkFacts:
    """``depth``: convolutions and dense layers. ``megabytes``: 10^6 bytes of weights. ``ms``: for one patch."""

    parameters: int
    megabytes: float
    depth: int
    ms: float


def network_facts(network: Network, device: torch.device | str = "cpu", repeats: int = 5) -> NetworkFacts:
    """The facts for patches of the size it was built for; the time is the median of ``repeats`` after a warm-up."""
    parameters = list(network.parameters())
    depth = sum(isinstance(module, WEIGHTY) for module in network.modules())
    n_bytes = sum(p.numel() * p.element_size() for p in parameters)
    return NetworkFacts(sum(p.numel() for p in parameters), n_bytes / 1e6, depth, _latency(network, device, repeats))


def _latency(network: Network, device: torch.device | str, repeats: int) -> float:
    """Milliseconds from a patch on ``device`` to its logits there: a GPU is waited for before and after each pass."""
    device, home = torch.device(device), next(network.parameters()).device
    x = torch.zeros(1, len(network.bands), *network.image_hw, device=device)
    modes, taken = [(module, module.training) for module in network.modules()], []
    network.to(device).eval()
    with torch.inference_mode():
        for _ in range(WARM_UP + repeats):
            _wait_for(device)
            began = time.perf_counter()
            network(x)
            _wait_for(device)
            taken.append(1e3 * (time.perf_counter() - began))
    network.to(home)
    for module, training in modes:
        module.training = training
    return sorted(taken[WARM_UP:])[repeats // 2]


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
