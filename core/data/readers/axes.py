"""Which axis of an array holds the bands: what its lengths allow, or what ``--layout`` says."""

from __future__ import annotations

import numpy as np

from core.errors import Asks, FormatError

AXES = {"NCHW": "CHW", "NHWC": "HWC", "NHW": "HW"}  # of one patch, by the layout of many


def axes_of(shape: tuple[int, ...], name: str, n_bands: int | None = None, layout: str | None = None) -> str:
    """The axes of one patch of that shape: "HW", "CHW" or "HWC".

    The bands are the axis, first or last, that is shorter than both others, or beside two equal ones. ``n_bands``,
    where it is known, decides instead when only one of the two has that length; ``layout`` decides whatever the
    lengths. Raises FormatError where that leaves both or neither.
    """
    if layout is not None:
        axes = AXES[layout]
        if len(shape) != len(axes):
            raise FormatError(f"{name} has the shape {shape}; with --layout {layout} a patch has the axes {axes}.")
        return axes
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3:
        first, middle, last = shape
        if n_bands is not None and (first == n_bands) != (last == n_bands):
            return "CHW" if first == n_bands else "HWC"
        if first != last:
            if first < min(middle, last):
                return "CHW"
            if last < min(first, middle):
                return "HWC"
            if middle in (first, last):  # a square patch
                return "CHW" if middle == last else "HWC"
    raise FormatError(
        f"{name} has the shape {shape}, which does not tell the bands from rows and columns. Say --layout NCHW if they "
        "come first, NHWC if last.",
        Asks("layout", ("NCHW", "NHWC")),
    )


def channels_first(shape: tuple[int, ...], axes: str) -> tuple[int, int, int]:
    """(C, H, W) of a patch of that shape."""
    sizes = dict(zip(axes, shape, strict=True))
    return sizes.get("C", 1), sizes["H"], sizes["W"]


def without_single(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(C, H, W) or (H, W, C) of (1, C, H, W) or (1, H, W, C): a stack of one patch; other shapes as they are."""
    return shape[1:] if len(shape) == 4 and shape[0] == 1 else shape


def turned(values: np.ndarray, axes: str) -> np.ndarray:
    """(C, H, W) of one patch with these axes."""
    return values[None] if axes == "HW" else values.transpose(2, 0, 1) if axes == "HWC" else values
