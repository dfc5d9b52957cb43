"""The optimiser, the running average of weights, and both as named numpy arrays for a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.config import TrainConfig
from core.train.optimisation.schedules import ema_decay_at
from core.train.optimisation.unfreezing import lr_scales


def build_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser that ``config`` names, fused where torch can; closed parameters are in it too, and stay still.

    AdamW decouples its decay and spares norms, biases and what the backbone exempts. Each group carries an
    ``lr_scale``, by which its learning rate is multiplied.
    """
    fused = next(network.parameters()).device.type in {"cpu", "cuda"}
    decay = {"weight_decay": config.weight_decay}
    groups = _groups(network, config)
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(groups, lr=config.lr, fused=fused, **decay)
        case "adamw":
            return torch.optim.AdamW(groups, lr=config.lr, fused=fused)
        case "sgd":
            return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=fused, **decay)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=config.lr, **decay)
        case _:
            return torch.optim.NAdam(groups, lr=config.lr, **decay)


def _groups(network: nn.Module, config: TrainConfig) -> list[dict]:
    """Parameters that are treated alike, in the order of the network within each group."""
    exempt = _exempt(network) if config.optimizer == "adamw" else set()
    scales = lr_scales(network, config.layer_decay) if config.layer_decay < 1.0 else {}
    made: dict[tuple, dict] = {}
    for name, parameter in network.named_parameters():
        scale, spared = scales.get(name, 1.0), name in exempt
        decay = 0.0 if spared else config.weight_decay
        group = made.setdefault((spared, -scale), {"params": [], "weight_decay": decay, "lr_scale": scale})
        group["params"].append(parameter)
    return [made[key] for key in sorted(made)]


def _exempt(network: nn.Module) -> set[str]:
    """Parameters that weight decay would only hurt: vectors (norms, biases), and timm's position embeddings."""
    names = {name for name, p in network.named_parameters() if p.ndim <= 1}
    for name, module in network.named_modules():
        if name.startswith("backbone") and hasattr(module, "no_weight_decay"):  # the network, or a part of it
            names |= {f"{name}.{own}" for own in module.no_weight_decay()}
    return names


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
        tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}  # sgd may hold a None
        named |= {f"optimiser.{index}.{key}": value for key, value in tensors.items()}
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
