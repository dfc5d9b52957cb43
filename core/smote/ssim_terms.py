"""What SSIM on the CPU and on the GPU share: constants, data ranges, windows without missing pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import FormatError

WINDOW = 7  # px; scikit-image's default, uniform weights


C1, C2 = np.float32(0.01**2), np.float32(0.03**2)  # (K1 R)^2, (K2 R)^2 with scikit-image's K1, K2 and R = 1


def whole_windows(valid: np.ndarray | None, shape: Sequence[int]) -> np.ndarray | None:
    """(N, H-6, W-6) bool: windows without a pixel that holds no data; none where every pixel does.

    Raises FormatError when ``valid`` is not (N, H, W).
    """
    if valid is None or np.all(valid):
        return None
    if valid.shape != (shape[0], *shape[2:]):
        raise FormatError(f"valid marks pixels of patches as (N, H, W); it is {valid.shape} for patches {shape}.")
    found = np.ones((shape[0], shape[2] - 6, shape[3]), bool)
    for i in range(WINDOW):
        found &= valid[:, i : i + shape[2] - 6]
    return np.logical_and.reduce([found[:, :, i : i + shape[3] - 6] for i in range(WINDOW)])


def common_windows(left: np.ndarray | None, right: np.ndarray | None, height: int, width: int) -> np.ndarray | int:
    """How many windows each patch of ``left`` shares with each of ``right``: (n, m), or one number for all."""
    if left is None or right is None:
        return (height - 6) * (width - 6)
    flat = [part.reshape(len(part), -1).astype(np.float32) for part in (left, right)]
    return flat[0] @ flat[1].T


def ranges_of(shape: Sequence[int], dtype: np.dtype, data_range: float | Sequence[float] | np.ndarray) -> np.ndarray:
    """The data range of each band (C,), float64. Raises FormatError where SSIM has no meaning, but for NaN."""
    if len(shape) != 4:
        raise FormatError(f"SSIM compares patches of shape (N, C, H, W); this array has the shape {tuple(shape)}.")
    n, n_bands, height, width = shape
    if n < 1 or n_bands < 1:
        raise FormatError(f"SSIM needs at least one patch with at least one band; there are {n} with {n_bands}.")
    if min(height, width) < WINDOW:
        raise FormatError(
            f"SSIM looks through a window of {WINDOW} x {WINDOW} pixels; these patches are {height} x {width}. "
            f"Use patches of at least {WINDOW} x {WINDOW} pixels."
        )
    if not (np.issubdtype(dtype, np.floating) or np.issubdtype(dtype, np.integer)):
        raise FormatError(f"SSIM compares numbers; these patches hold {dtype}.")
    ranges = np.asarray(data_range, dtype=np.float64)
    if ranges.ndim > 1 or (ranges.ndim == 1 and ranges.size != n_bands):
        raise FormatError(f"data_range is one number, or one for each of the {n_bands} bands; found {ranges.size}.")
    if not (np.isfinite(ranges) & (ranges > 0)).all():
        raise FormatError("data_range must be positive and finite in every band.")
    return np.broadcast_to(ranges, (n_bands,))


def refuse_unfinite(bad: np.ndarray) -> None:
    """Raises FormatError where one of (N,) bool says that a patch holds NaN or infinite values."""
    if bad.any():
        raise FormatError(
            f"{bad.sum()} of {len(bad)} patches hold NaN or infinite values, the first at position {bad.argmax()}. "
            "Normalise them first: the normaliser replaces such pixels."
        )
