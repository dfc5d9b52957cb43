"""What a network is made of and what it costs: Table III of paper B, and its stages as Table 1 of paper A lists them.

Parameters, megabytes, depth, milliseconds per patch, and one row per stage. The network is left as it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from core.train.networks.branches import encoders_of
from core.train.networks.cam_layer import map_of
from core.train.networks.network import Network
from core.train.networks.unet import UNet

_WEIGHTY = (nn.modules.conv._ConvNd, nn.Linear)
_WITHOUT_WORK = (nn.Identity, nn.modules.dropout._DropoutNd)
WARM_UP = 3  # passes before the clock: libraries choose their algorithms, memory is taken, clocks rise


@dataclass(frozen=True)
class NetworkFacts:
    """``depth``: convolutions and dense layers. ``megabytes``: 10^6 bytes of weights. ``ms``: for one patch."""

    parameters: int
    megabytes: float
    depth: int
    ms: float


@dataclass(frozen=True)
class Stage:
    """Consecutive modules of one kind. ``channels`` and ``rows`` are of its output, ``layers`` how many there are.

    ``stride``: by which the map shrinks; below 1 where it grows (a decoder).
    """

    name: str
    operator: str
    stride: float
    channels: int
    layers: int
    rows: int


def network_facts(network: Network, device: torch.device | str = "cpu", repeats: int = 5) -> NetworkFacts:
    """The facts for patches of the size it was built for; the time is the median of ``repeats`` after a warm-up."""
    parameters = list(network.parameters())
    depth = sum(isinstance(module, _WEIGHTY) for module in network.modules())
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


def stages(network: Network) -> tuple[Stage, ...]:
    """The backbone's stages from the input on, branch by branch, as one empty patch passes through them."""
    seen: dict[str, Tensor] = {}  # name -> its map (1, D, h, w)
    modules, branch_of = {}, {}
    for prefix, encoder in encoders_of(network.backbone).items():
        for name, module in _stage_modules(encoder):
            modules[prefix + name], branch_of[prefix + name] = module, (prefix, encoder)

    def note(name: str):
        prefix, encoder = branch_of[name]

        def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
            if (output_map := map_of(encoder, name.removeprefix(prefix), output)) is not None:
                seen[name] = output_map

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in modules.items()]
    modes = [(module, module.training) for module in network.modules()]
    try:
        with torch.inference_mode():
            weight = next(network.parameters())
            network.eval()(torch.zeros(1, len(network.bands), *network.image_hw, device=weight.device))
    finally:
        for module, training in modes:
            module.training = training
        for hook in hooks:
            hook.remove()
    return tuple(_merged(_rows(seen, modules, branch_of, network.model.image_size or network.image_hw[0])))


def _rows(seen: dict, modules: dict[str, nn.Module], branch_of: dict, side: int) -> Iterator[Stage]:
    """One row per module that has weights or changes the size, in the order of the forward pass."""
    before: dict[str, int] = {}
    for name, output in seen.items():
        prefix, rows, module = branch_of[name][0], output.shape[2], modules[name]
        stride = _rounded(before.get(prefix, side) / rows)
        before[prefix] = rows
        if stride == 1 and not any(isinstance(part, _WEIGHTY) for part in module.modules()):
            continue  # normalisation or an activation behind the layer above
        members = _members(module)
        yield Stage(
            name, _operator(members[0] if members else module), stride, output.shape[1], max(1, len(members)), rows
        )


def _rounded(stride: float) -> float:
    """Convolutions without padding shrink a map a little in addition to their stride."""
    return float(round(stride)) if stride >= 1 else 1 / round(1 / stride)


def _merged(rows: Iterator[Stage]) -> list[Stage]:
    """Neighbours that do the same at the same size are one stage, as papers' tables count them."""
    merged: list[Stage] = []
    for row in rows:
        last = merged[-1] if merged else None
        numbered = last is not None and row.name.rstrip("0123456789") == last.name.rstrip("0123456789-")
        same = last is not None and (row.operator, row.channels, row.stride) == (last.operator, last.channels, 1.0)
        if numbered and same and row.layers == 1:
            first = last.name.split("-")[0]
            number = row.name.removeprefix(row.name.rstrip("0123456789"))
            merged[-1] = replace(last, name=f"{first}-{number}", layers=last.layers + 1)
        else:
            merged.append(row)
    return merged


def _stage_modules(encoder: nn.Module) -> list[tuple[str, nn.Module]]:
    """Direct children that do something; in place of a list of stages its members, of a U-Net those of both halves."""
    if isinstance(encoder, UNet):
        inner = [(f"encoder.{name}", module) for name, module in _stage_modules(encoder.encoder)]
        return [*inner, *((f"decoder.{i}", block) for i, block in enumerate(encoder.decoder))]
    rows = []
    for name, module in encoder.named_children():
        inner = list(module.named_children())
        is_list = isinstance(module, nn.Sequential | nn.ModuleList) and inner
        of_stages = name in ("blocks", "stages", "layers") and all(list(child.children()) for _, child in inner)
        if is_list and (of_stages or name == "features"):
            rows += [(f"{name}.{own}", child) for own, child in inner]
        else:
            rows.append((name, module))
    return [(name, module) for name, module in rows if not isinstance(module, _WITHOUT_WORK)]


def _operator(module: nn.Module) -> str:
    """The module's kind, of a plain sequence those of its parts."""
    parts = dict.fromkeys(_operator(part) for part in module.children()) if type(module) is nn.Sequential else ()
    return " + ".join(parts) or type(module).__name__


def _members(module: nn.Module) -> list[nn.Module]:
    """The blocks that a stage is a row of: members of one kind, in a list or numbered; none where it is one itself."""
    inner = getattr(module, "blocks", module)
    children = list(inner.named_children()) if isinstance(inner, nn.Module) else []
    numbered = len({name.rstrip("0123456789") for name, _ in children}) == 1 and children[0][0][-1].isdigit()
    alike = len({type(child) for _, child in children}) == 1 and all(list(child.children()) for _, child in children)
    return [child for _, child in children] if numbered and alike else []
