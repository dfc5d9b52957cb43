"""Table 1 of paper A for any network: a row for each run of equal blocks, in the order of the forward pass.

One empty patch goes through the network; the network is left as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from core.train.networks.branches import Branches, encoders_of
from core.train.networks.cam_layer import map_of
from core.train.networks.network import Network
from core.train.networks.stages import blocks
from core.train.networks.stages.blocks import CONV, DENSE, POOL, Block
from core.train.networks.unet import UNet

_TOKENS = {"token": "Class token", "avg": POOL, "avgmax": "AvgPool and MaxPool", "max": "MaxPool", "map": "Attention"}


@dataclass(frozen=True)
class Stage:
    """Consecutive blocks of one kind. ``channels`` and ``rows`` are of its output, ``layers`` how many there are.

    ``name``: where they stand in the network. ``kernel``, ``expansion``, ``squeeze``: see ``blocks.Block``. ``stride``:
    by which the first of them shrinks the map; below 1 where it grows (a decoder); None of the last row, which pools.
    """

    name: str
    operator: str
    kernel: str
    expansion: float | None
    squeeze: bool
    stride: float | None
    channels: int
    layers: int
    rows: int


@dataclass(frozen=True)
class _Unit:
    """One block as a patch passed through it: its output has ``channels`` maps of ``rows``, a vector one of 1."""

    prefix: str
    path: str
    block: Block
    stride: float | None
    channels: int
    rows: int
    layers: int
    is_end: bool  # may belong to the last row: 1x1 convolutions, pooling to one value, dense layers

    @property
    def name(self) -> str:
        return self.prefix + self.path


def stages(network: Network) -> tuple[Stage, ...]:
    """The rows of a network from the input on, branch by branch, and one for what ends it, its last layer included."""
    units, rows, ends = _passed(network), [], []
    for prefix, encoder in encoders_of(network.backbone).items():
        own = [unit for unit in units if unit.prefix == prefix]
        body = len(own)
        while body and own[body - 1].is_end:
            body -= 1
        rows += _in_pairs(_merged(own[:body]))
        end = own[body:]
        words = [_operator(unit.block) for unit in end] + _code_pools(encoder, end)
        if prefix and words:
            rows.append(_end(prefix + "end", words, end[-1].channels if end else rows[-1].channels))
        elif words:
            ends.append((words, end))
    words = [word for own, _ in ends for word in own]
    if isinstance(network.backbone, Branches):
        words.append({"concat": "Concatenation", "mean": "Mean", "gated": "Gated mean"}[network.model.fusion])
    joined = [("statistics", network.statistics), ("columns", network.tabular)]
    words += [f"joined with {name}" for name, branch in joined if branch is not None]
    channels = ends[0][1][-1].channels if ends and ends[0][1] and len(words) == len(ends[0][0]) else network.n_features
    rows.append(_end("classifier", [*words, "FC"], channels))
    return tuple(rows)


def _end(name: str, words: list[str], channels: int) -> Stage:
    return Stage(name, " & ".join(words), "", None, False, None, channels, 1, 1)


def _operator(block: Block) -> str:
    return f"{block.operator} {block.kernel}".strip() if block.operator == CONV else block.operator


def _code_pools(encoder: nn.Module, end: list[_Unit]) -> list[str]:
    """Pooling that a network does without a layer of its own."""
    if isinstance(encoder, UNet):
        return [POOL]
    kind = getattr(encoder, "global_pool", None)
    pooled = any(unit.block.operator in _TOKENS.values() for unit in end)
    return [_TOKENS[kind]] if isinstance(kind, str) and kind in _TOKENS and not pooled else []


# ---------------------------------------------------------------------------------------------------- the pass


def _passed(network: Network) -> list[_Unit]:
    """Every block in the order in which one empty patch leaves it."""
    seen: dict[str, Tensor] = {}
    known: dict[str, tuple[str, nn.Module, str, nn.Module]] = {}
    for prefix, encoder in encoders_of(network.backbone).items():
        for path, module in _walk(encoder):
            known[prefix + path] = (prefix, encoder, path, module)

    def note(name: str):
        def hook(_module: nn.Module, _inputs: tuple, output: object) -> None:
            if isinstance(output, Tensor):
                seen.setdefault(name, output)

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, (*_, module) in known.items()]
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
    return list(_units(seen, known, network.model.image_size or network.image_hw[0]))


def _units(seen: dict[str, Tensor], known: dict, side: int) -> Iterator[_Unit]:
    fused = {
        prefix: any(type(module).__name__ == "EdgeResidual" for module in encoder.modules())
        for prefix, encoder, *_ in known.values()
    }
    before: dict[str, int] = {}
    for name, output in seen.items():
        prefix, encoder, path, module = known[name]
        size = _size(encoder, path, module, output)
        if size is None:
            continue
        channels, rows = size
        block, was = blocks.read(module, fused[prefix]), before.get(prefix, side)
        stride = _rounded(was / rows) if block.stride is None else block.stride
        before[prefix] = rows
        yield _Unit(prefix, path, block, stride, channels, rows, _members(module), _is_end(module, block, stride, rows))


def _size(encoder: nn.Module, path: str, module: nn.Module, output: Tensor) -> tuple[int, int] | None:
    """Channels and rows of what a block puts out; a vector has one row. None where it is neither map nor vector."""
    found = map_of(encoder, path, output)
    if found is not None:
        return found.shape[1], found.shape[2]
    if output.ndim == 2:
        return output.shape[1], 1
    grid = getattr(module, "grid_size", None)  # a patch embedding, before the class token joins
    return (output.shape[2], grid[0]) if grid and output.ndim == 3 else None


def _is_end(module: nn.Module, block: Block, stride: float, rows: int) -> bool:
    if blocks.pools_all(module) or block.operator == DENSE:
        return True
    return block.operator == CONV and block.kernel == "1×1" and (stride == 1 or rows == 1)


def _rounded(stride: float) -> float:
    """Convolutions without padding shrink a map a little in addition to their stride."""
    return float(round(stride)) if stride >= 1 else 1 / round(1 / stride)


def _walk(module: nn.Module, before: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Blocks and single layers from the input on. What is neither is opened where there are blocks in it."""
    for name, child in module.named_children():
        path = f"{before}.{name}" if before else name
        if blocks.is_block(child) or blocks.is_leaf(child):
            yield path, child
        elif _opens(child):
            yield from _walk(child, path)
        elif any(isinstance(part, blocks.WEIGHTY) for part in child.modules()):
            yield path, child


def _opens(module: nn.Module) -> bool:
    """Whether its parts are rows of their own: a sequence, a head, a network, or whatever holds a block."""
    if isinstance(module, nn.Sequential | nn.ModuleList) or type(module).__name__.endswith("Head"):
        return True
    return any(blocks.holds_rows(part) for part in module.modules())


def _members(module: nn.Module) -> int:
    """How many blocks of one kind, numbered, make up this one (DenseNet's); 1 where it is one itself."""
    children = list(module.named_children())
    numbered = bool(children) and len({name.rstrip("0123456789") for name, _ in children}) == 1
    alike = len({type(child) for _, child in children}) == 1 and all(list(child.children()) for _, child in children)
    return len(children) if numbered and alike and children[0][0][-1].isdigit() else 1


# ------------------------------------------------------------------------------------------------ rows of blocks


def _merged(units: list[_Unit]) -> list[Stage]:
    """Blocks one after the other that do the same at the same size are one row, as papers' tables count them."""
    groups: list[list[_Unit]] = []
    for unit in units:
        last = groups[-1][-1] if groups else None
        goes_on = last is not None and _same(last, unit) and unit.stride == 1 and _parent(last) == _parent(unit)
        if goes_on:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    siblings = [_parent(unit) for unit in units]
    return [_row(group, siblings.count(_parent(group[0]))) for group in groups]


def _same(a: _Unit, b: _Unit) -> bool:
    return replace(a.block, stride=None) == replace(b.block, stride=None) and a.channels == b.channels


def _parent(unit: _Unit) -> str:
    return unit.name.rpartition(".")[0]


def _row(group: list[_Unit], n_siblings: int) -> Stage:
    first, block = group[0], group[0].block
    name = first.name
    if len(group) > 1:
        whole = len(group) == n_siblings and _parent(first)
        name = _parent(first).removesuffix(".blocks") if whole else f"{name}-{group[-1].name.rpartition('.')[2]}"
    layers = sum(unit.layers for unit in group)
    return Stage(
        name, block.operator, block.kernel, block.expansion, block.squeeze, first.stride, first.channels, layers,
        group[-1].rows,
    )  # fmt: skip


def _in_pairs(rows: list[Stage]) -> list[Stage]:
    """Two kinds of blocks that take turns (A, B, A, B) are one row of pairs."""
    found, i = [], 0
    while i < len(rows):
        n = 1
        while _alike(rows[i : i + 2], rows[i + 2 * n : i + 2 * n + 2]):
            n += 1
        if n == 1:
            found.append(rows[i])
            i += 1
            continue
        first, second = rows[i : i + 2]
        kernel = ", ".join(dict.fromkeys(filter(None, (first.kernel, second.kernel))))
        operator = f"{first.operator} + {second.operator}"
        found.append(replace(first, operator=operator, kernel=kernel, layers=n, rows=second.rows))
        i += 2 * n
    return found


def _alike(pair: list[Stage], other: list[Stage]) -> bool:
    """Whether the second two rows repeat the first two, which differ."""
    if len(pair) < 2 or len(other) < 2 or pair[0].operator == pair[1].operator:
        return False
    return all(
        two.stride == 1 and replace(two, name=one.name, stride=one.stride) == one
        for one, two in zip(pair, other, strict=True)
    )
