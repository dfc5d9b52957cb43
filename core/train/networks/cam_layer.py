"""The layer that Grad-CAM reads: the deepest block whose map is still large enough to show where, and is not dead.

One made-up patch is run through the backbone to find it, and how its output becomes (N, D, h, w). Networks of several
backbones look in each and prefix the layer's name with the backbone's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.errors import ConfigError

Reshape = Callable[[Tensor], Tensor]
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
# With a class token the last block's patch tokens are never read; the norm before its attention is the last that is.
_TOKEN_NORM = re.compile(r"blocks\.\d+\.norm1$")


class CamLayer(NamedTuple):
    """``reshape`` turns the output of ``module`` into (N, D, h, w); ``name`` is its path inside the network."""

    name: str
    module: nn.Module
    reshape: Reshape


class LayerMap(NamedTuple):
    """A layer to choose: its path, its map's rows and columns, its channels, and whether its map can be alive."""

    name: str
    rows: int
    columns: int
    channels: int
    alive: bool


class _Seen(NamedTuple):
    name: str
    module: nn.Module
    output: Tensor
    reshape: Reshape
    side: int


def find_cam_layer(backbone: nn.Module, n_bands: int, image_hw: tuple[int, int], min_map: int) -> CamLayer:
    """The deepest living block of ``backbone`` whose map has at least ``min_map`` cells on each side.

    Where no map is as large (a transformer on small patches), the largest there is, and of those the deepest. A layer
    is alive when some gradient of the embedding reaches it. Raises ConfigError when no layer has a map at all.
    """
    seen, alive = _run_once(backbone, n_bands, image_hw)
    part = getattr(backbone, "cam_part", "")  # of a U-Net, the encoder
    offered = [(s, living) for s, living in zip(seen, alive, strict=True) if s.name.startswith(part)]
    useful = [s for s, living in offered if living] or [s for s, _ in offered]
    if not useful:
        raise ConfigError(
            f"No layer of this backbone gives a map for patches of {image_hw[0]}x{image_hw[1]} pixels, so Grad-CAM "
            "has nothing to read. Set model.image_size to a larger value or choose another backbone."
        )
    wanted = min(min_map, max(s.side for s in useful))
    deepest = [s for s in useful if s.side >= wanted][-1]
    # Containers end with their last child's output: name the innermost block that made it.
    innermost = next(s for s in useful if s.output is deepest.output)
    return CamLayer(innermost.name, innermost.module, innermost.reshape)


def list_cam_layers(backbone: nn.Module, n_bands: int, image_hw: tuple[int, int]) -> tuple[LayerMap, ...]:
    """Every block of ``backbone`` whose output is a map of at least 2x2 cells, from the first to the deepest."""
    seen, alive = _run_once(backbone, n_bands, image_hw)
    layers: dict[int, LayerMap] = {}
    for block, living in zip(seen, alive, strict=True):
        _, channels, rows, columns = block.reshape(block.output).shape
        # A container ends with its last child's output: the innermost, which ends first, names both.
        layers.setdefault(id(block.output), LayerMap(block.name, rows, columns, channels, living))
    return tuple(layers.values())


def named_cam_layer(backbone: nn.Module, name: str, n_bands: int, image_hw: tuple[int, int]) -> CamLayer:
    """The layer of that path, whatever becomes of its map (1x1 or dead ones too: a check says what they are worth).

    Raises ConfigError when there is no such layer, or what it puts out is no map.
    """
    try:
        module = backbone.get_submodule(name)
    except AttributeError:
        known = ", ".join(layer.name for layer in list_cam_layers(backbone, n_bands, image_hw))
        raise ConfigError(f"This backbone has no layer '{name}'. Layers with a map: {known}.") from None
    outputs: list[object] = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        _forward(backbone, n_bands, image_hw)
    finally:
        handle.remove()
    output = outputs[-1] if outputs else None
    reshape = _reshape_of(_owner(backbone, name), output) if isinstance(output, Tensor) else None
    if reshape is None:
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ConfigError(f"The layer '{name}' puts out {shape}, which is no map. Choose a block or a convolution.")
    return CamLayer(name, module, reshape)


def _run_once(backbone: nn.Module, n_bands: int, image_hw: tuple[int, int]) -> tuple[list[_Seen], list[bool]]:
    """One made-up patch forward and back: every candidate in order of completion, and whether a gradient reached it."""
    seen: list[_Seen] = []

    def remember(name: str) -> Callable:
        def hook(module: nn.Module, _: object, output: object) -> None:
            if isinstance(output, Tensor) and (reshape := _reshape_of(_owner(backbone, name), output)) is not None:
                side = min(reshape(output).shape[-2:])
                if side >= 2:
                    seen.append(_Seen(name, module, output, reshape, side))

        return hook

    handles = [m.register_forward_hook(remember(name)) for name, m in _candidates(backbone)]
    try:
        features = _forward(backbone, n_bands, image_hw)
    finally:
        for handle in handles:
            handle.remove()
    # A random direction: the plain sum of a layer-normalised embedding is constant.
    direction = torch.randn(features.shape, generator=torch.Generator().manual_seed(1)).to(features)
    tensors = [s.output for s in seen]
    gradients = torch.autograd.grad((features * direction).sum(), tensors, allow_unused=True) if seen else ()
    reached = [g is not None and bool(s.reshape(g).abs().sum() > 0) for s, g in zip(seen, gradients, strict=True)]
    return seen, reached


def _forward(backbone: nn.Module, n_bands: int, image_hw: tuple[int, int]) -> Tensor:
    """Embedding of one made-up patch with its graph, in evaluation mode; the modules' modes are left as they were."""
    weight = next(backbone.parameters())
    patch = torch.randn((1, n_bands, *image_hw), generator=torch.Generator().manual_seed(0))
    modes = [(module, module.training) for module in backbone.modules()]
    try:
        with torch.enable_grad():
            return backbone.eval()(patch.to(weight.device, weight.dtype).requires_grad_())
    finally:
        for module, training in modes:
            module.training = training


def _candidates(backbone: nn.Module) -> list[tuple[str, nn.Module]]:
    """Blocks: what has parts of its own and stands in the network itself or in a sequence, and the norms above."""
    blocks, roots = [], {id(backbone), id(_owner(backbone, getattr(backbone, "cam_part", "")))}
    for name, module in backbone.named_modules():
        if not name:
            continue
        parent = backbone.get_submodule(name.rpartition(".")[0]) if "." in name else backbone
        in_order = id(parent) in roots or isinstance(parent, (nn.Sequential, nn.ModuleList))
        block = in_order and any(True for _ in module.children()) and not isinstance(module, _NORMS)
        if block or _TOKEN_NORM.search(name):
            blocks.append((name, module))
    return blocks


def map_of(backbone: nn.Module, name: str, output: object) -> Tensor | None:
    """What the layer ``name`` puts out as (N, D, h, w), or None where it is no map."""
    reshape = _reshape_of(_owner(backbone, name), output) if isinstance(output, Tensor) else None
    return None if reshape is None else reshape(output)


def _owner(backbone: nn.Module, name: str) -> nn.Module:
    """The network of timm's that a layer belongs to, which says how its maps lie: of a U-Net's encoder, the encoder."""
    part = getattr(backbone, "cam_part", None)
    return backbone.get_submodule(part) if part and name.startswith(part) else backbone


def _reshape_of(backbone: nn.Module, output: Tensor) -> Reshape | None:
    """How ``output`` becomes (N, D, h, w), or None when it is no map."""
    if output.ndim == 4:
        return _nhwc if getattr(backbone, "output_fmt", "NCHW") == "NHWC" else _nchw
    grid = getattr(getattr(backbone, "patch_embed", None), "grid_size", None)
    if output.ndim != 3 or grid is None:
        return None
    prefix = getattr(backbone, "num_prefix_tokens", 0)
    if output.shape[1] != prefix + grid[0] * grid[1]:
        return None

    def tokens(x: Tensor) -> Tensor:
        return x[:, prefix:].transpose(1, 2).unflatten(2, grid)  # (N, T, D) -> (N, D, h, w)

    return tokens


def _nchw(x: Tensor) -> Tensor:
    return x


def _nhwc(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)
