"""The optimiser, the running average of weights, and both as named arrays for a checkpoint.

Comes in: a network and the settings. Goes out: torch's Adam or AdamW, a :class:`WeightAverage`, and their state as
numpy arrays. It knows nothing of data, epochs or files.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.config import TrainConfig
from core.train.schedules import ema_decay_at


def build_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW (decoupled decay, not applied to norms, biases and what the backbone exempts), fused where able."""
    fused = next(network.parameters()).device.type in {"cpu", "cuda"}
    if config.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=fused)
    exempt = _exempt(network)
    decayed = [p for name, p in network.named_parameters() if name not in exempt]
    plain = [p for name, p in network.named_parameters() if name in exempt]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.lr, fused=fused)


def _exempt(network: nn.Module) -> set[str]:
    """Parameters that weight decay would only hurt: vectors (norms, biases), and timm's position embeddings."""
    backbone = getattr(network, "backbone", None)
    listed = backbone.no_weight_decay() if hasattr(backbone, "no_weight_decay") else ()
    vectors = {name for name, p in network.named_parameters() if p.ndim <= 1}
    return vectors | {f"backbone.{name}" for name in listed}


class WeightAverage:
    """A second network whose weights follow the trained one's as an exponential average.

    Running means and variances of batch normalisation are averaged like weights: copied from the last step they would
    belong to other weights than those they are used with. Counters are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay, self.updates = decay, 0
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        # The tensors stay the same objects for as long as both networks live; only their values change.
        self._averaged = list(zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True))
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """One step towards the trained network's present weights."""
        mine, theirs = self._averaged
        torch._foreach_lerp_(mine, theirs, 1.0 - ema_decay_at(self.updates, self.decay))
        for copy_, original in self._copied:
            copy_.copy_(original)
        self.updates += 1


def pack(network: nn.Module, optimiser: torch.optim.Optimizer, average: WeightAverage | None) -> dict[str, np.ndarray]:
    """Everything that the next step depends on, by name."""
    named = {f"network.{name}": value for name, value in network.state_dict().items()}
    if average is not None:
        named |= {f"average.{name}": value for name, value in average.network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        named |= {f"optimiser.{index}.{key}": value for key, value in state.items()}
    return {name: value.detach().cpu().numpy() for name, value in named.items()}


def unpack(
    arrays: Mapping[str, np.ndarray],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage | None,
    updates: int,
) -> None:
    """The inverse of :func:`pack`; raises KeyError or RuntimeError where the arrays belong to something else."""
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    network.load_state_dict(_below(tensors, "network."))
    if average is not None:
        average.network.load_state_dict(_below(tensors, "average."))
        average.updates = updates
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _below(tensors, "optimiser.").items():
        index, key = name.split(".")
        state.setdefault(int(index), {})[key] = _laid_out_as(value, parameters[int(index)])
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _laid_out_as(value: Tensor, parameter: Tensor) -> Tensor:
    """The fused optimisers walk through memory, so that moments must lie in it as their parameter does."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
