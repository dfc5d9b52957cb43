"""What one block of a network is, in the words of the papers: operator, kernel, expansion, squeeze-and-excitation.

Blocks are read from their parts. One of a class that is not listed here keeps the name of its class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

CONV, POOL, DENSE = "Conv", "AvgPool", "Dense"
FUSED, INVERTED = "Fused-MBConv", "MBConv"

WEIGHTY = (nn.modules.conv._ConvNd, nn.Linear)
# Class -> operator. Those of one name in two families (timm's ResNet and RegNet) have the same parts.
_TITLES = {
    "Conv2d": CONV, "ConvNormAct": CONV, "ConvBnAct": CONV, "EdgeResidual": FUSED, "InvertedResidual": INVERTED,
    "DepthwiseSeparableConv": INVERTED, "UniversalInvertedResidual": "UIB", "BasicBlock": "Basic block",
    "Bottleneck": "Bottleneck", "ConvNeXtBlock": "ConvNeXt block", "DenseBlock": "Dense block",
    "DenseTransition": "Transition", "Block": "Transformer block", "SwinTransformerBlock": "Swin block",
    "SpatialBlock": "Spatial attention", "ChannelBlock": "Channel attention", "PatchEmbed": "Patch embedding",
    "PatchMerging": "Patch merging", "Stem": "Stem", "UpBlock": "Upsampling, two Conv", "MaxPool2d": "MaxPool",
    "AvgPool2d": "AvgPool", "Linear": DENSE,
}  # fmt: skip
_BY_MAP = ("DenseBlock", "DenseTransition", "PatchMerging", "Stem", "UpBlock")  # strides are not those of one layer
_CONVS = ("ConvNormAct", "ConvBnAct")
_BLOCKS = {*_TITLES} - {"MaxPool2d", "AvgPool2d", "Linear", "Conv2d"}
_SQUEEZE = ("SqueezeExcite", "SEModule", "EffectiveSEModule")
_ASIDE = ("se", "downsample", "shortcut")  # beside a block's main path


@dataclass(frozen=True)
class Block:
    """One block. kernel: "3×3", several where they differ, empty without one. expansion: None where it has none.

    ``stride``: None where only the size of the maps tells it.
    """

    operator: str
    kernel: str
    expansion: float | None
    squeeze: bool
    stride: float | None


def is_block(module: nn.Module) -> bool:
    """Whether it is read as a whole: a block that is known, or one that ends in an MLP as transformers' do."""
    return type(module).__name__ in _BLOCKS or hasattr(getattr(module, "mlp", None), "fc1")


def holds_rows(part: nn.Module) -> bool:
    """Whether what this is inside of is opened: a block (a mere convolution is none), or the pooling at the end."""
    return (is_block(part) and type(part).__name__ not in _CONVS) or pools_all(part)


def is_leaf(module: nn.Module) -> bool:
    """Whether it is a row without being a block: a layer with weights, or pooling."""
    return isinstance(module, WEIGHTY) or _pools(module)


def read(module: nn.Module, of_fused: bool = False) -> Block:
    """What this block is. of_fused: the network has Fused-MBConv blocks, so that a plain one is of expansion 1."""
    kind = type(module).__name__
    convs = [layer for name, layer in _main_path(module) if isinstance(layer, nn.modules.conv._ConvNd)]
    operator, expansion = _TITLES.get(kind, kind), _expansion(module, kind, convs)
    if isinstance(module, nn.Conv2d):
        operator = CONV
    if kind == "ConvBnAct" and _is_fused(module, of_fused):
        operator, expansion = FUSED, 1.0
    if pools_all(module):
        operator = {"max": "MaxPool", "catavgmax": "AvgPool and MaxPool"}.get(module.pool_type, POOL)
    beside = getattr(module, "se", None)
    squeeze = type(beside).__name__ in _SQUEEZE
    if isinstance(beside, nn.Module) and not squeeze and any(True for _ in beside.parameters()):
        operator += f", {type(beside).__name__}"
    return Block(operator, _kernel(module, convs), expansion, squeeze, _stride(module, kind))


def _pools(module: nn.Module) -> bool:
    return isinstance(module, nn.MaxPool2d | nn.AvgPool2d) or pools_all(module)


def pools_all(module: nn.Module) -> bool:
    """Whether it leaves one value of each map."""
    return type(module).__name__ == "SelectAdaptivePool2d" and bool(module.pool_type)


def _is_fused(module: nn.Module, of_fused: bool) -> bool:
    """EfficientNetV2's first stage: its block without expansion is a convolution, with a shortcut where one fits."""
    return bool(module.has_skip) or (of_fused and module.conv.kernel_size[0] > 1 and _first(module.conv.stride) == 1)


def _main_path(module: nn.Module, before: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers that a map passes through, without shortcuts and squeeze-and-excitation."""
    yield before, module
    for name, child in module.named_children():
        if name not in _ASIDE:
            yield from _main_path(child, f"{before}.{name}" if before else name)


def _kernel(module: nn.Module, convs: list[nn.Module]) -> str:
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return _size(module.kernel_size)
    sizes = dict.fromkeys(_size(conv.kernel_size) for conv in convs)
    wide = [size for size in sizes if size != "1×1"]
    return ", ".join(wide or sizes)


def _size(kernel: int | tuple[int, ...]) -> str:
    both = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
    return "×".join(map(str, both))


def _expansion(module: nn.Module, kind: str, convs: list[nn.Module]) -> float | None:
    """Channels inside a block: per channel that enters an inverted one or an MLP, per channel that leaves a bottleneck.

    Paper A's column, and of bottlenecks the usual ratio (ResNet-50: 0.25).
    """
    mlp = getattr(module, "mlp", None)
    if mlp is not None and hasattr(mlp, "fc1"):
        fc = mlp.fc1
        ends = (fc.in_channels, fc.out_channels) if isinstance(fc, nn.Conv2d) else (fc.in_features, fc.out_features)
        return ends[1] / ends[0]
    if kind == "DepthwiseSeparableConv":
        return 1.0
    if kind == "EdgeResidual":
        return module.conv_exp.out_channels / module.conv_exp.in_channels
    if kind == "InvertedResidual":
        return module.conv_pw.out_channels / module.conv_pw.in_channels
    if kind == "UniversalInvertedResidual":
        return module.pw_exp.conv.out_channels / module.pw_exp.conv.in_channels
    if kind == "Bottleneck" and len(convs) == 3:
        return convs[1].out_channels / convs[2].out_channels
    return None


def _stride(module: nn.Module, kind: str) -> float | None:
    """What the layers say: a block has one that strides at most. None for blocks that are not known."""
    known = is_block(module) or is_leaf(module)
    if not known or kind in _BY_MAP or pools_all(module) or isinstance(module, nn.Linear):
        return None
    found = [_first(layer.stride) for _, layer in _main_path(module) if hasattr(layer, "stride")]
    return float(max((one for one in found if one), default=1))


def _first(stride: int | tuple[int, ...] | None) -> int:
    return stride if isinstance(stride, int) else (stride[0] if stride else 1)
