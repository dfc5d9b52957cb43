"""Edge strength and edges of one band: Sobel and Canny as scikit-image defines them, for batches on any device.

An array (..., H, W) goes through scikit-image itself, patch by patch; a torch tensor through the same steps written for
batches, which agree with it (Sobel to rounding, Canny but for ties of the last bit). Nothing is smoothed across patches
or bands, and nothing is learnt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Array = Any  # numpy array or torch tensor

SIGMA = 1.0  # pixels, of Canny's Gaussian: scikit-image's default
LOW, HIGH = 0.1, 0.2  # Canny's thresholds of the gradient of a brightness where 1 is white: scikit-image's defaults
_TRUNCATE = 4.0  # the Gaussian ends at so many sigma, as in scipy.ndimage
_LINKS_A_LOOK = 8  # steps of hysteresis between two looks whether anything changed: a look waits for the device


def sobel(images: Array) -> Array:
    """Gradient magnitude of each (H, W): sqrt((gx^2 + gy^2) / 2), kernels (1, 2, 1) / 4 x (-1, 0, 1), border reflected.

    Equals ``skimage.filters.sobel`` of each image. Its derivative is finite, and 0 where the image is flat.
    """
    if isinstance(images, np.ndarray):
        from skimage.filters import sobel as one

        return _each(one, images, images.dtype)
    gy, gx = _gradients(images)
    squares = (gy.square() + gx.square()) / (2 * 4**2)  # scikit-image's kernels are a quarter of ours
    return squares.clamp(min=1e-14).sqrt()  # the root's derivative at 0 is infinite


def canny(images: Array, sigma: float = SIGMA, low: float = LOW, high: float = HIGH) -> Array:
    """1 on an edge and 0 elsewhere, in the type that came in; no gradient flows through it.

    Equals ``skimage.feature.canny(image, sigma, low, high)`` of each image: Gaussian with what lies beyond the border
    left out, gradients, non-maximum suppression with interpolation along the gradient, hysteresis over 8 neighbours;
    the outermost pixels are never edges.
    """
    if isinstance(images, np.ndarray):
        from skimage.feature import canny as one

        return _each(lambda image: one(image, sigma, low, high), images, images.dtype)
    import torch

    with torch.no_grad():
        flat = images.detach().reshape(-1, *images.shape[-2:])  # (B, H, W)
        gy, gx = _gradients(_smooth(flat, sigma))
        magnitude = (gy.square() + gx.square()).sqrt()
        thin = _ridges(gy, gx, magnitude, low)
        edges = _linked(thin & (magnitude >= high), thin)
        return edges.to(images.dtype).reshape(images.shape)


def _each(filter_one: Any, images: np.ndarray, dtype: np.dtype) -> np.ndarray:
    flat = images.reshape(-1, *images.shape[-2:])
    out = np.empty(flat.shape, dtype)
    for i, image in enumerate(flat):
        out[i] = filter_one(image)
    return out.reshape(images.shape)


def _gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel's (gy, gx) of (..., H, W), kernel (1, 2, 1) x (-1, 0, 1); beyond the border the last pixel is repeated."""
    import torch.nn.functional as F

    flat = images.reshape(-1, 1, *images.shape[-2:])
    padded = F.pad(flat, (1, 1, 1, 1), mode="replicate")  # scipy's "reflect" repeats the last pixel first
    up, down = padded[..., :-2, :], padded[..., 2:, :]
    gy = _spread(down - up)
    left, right = padded[..., :-2], padded[..., 2:]
    gx = _spread((right - left).transpose(-1, -2)).transpose(-1, -2)
    return gy.reshape(images.shape), gx.reshape(images.shape)


def _spread(values: Tensor) -> Tensor:
    return values[..., :-2] + 2 * values[..., 1:-1] + values[..., 2:]


def _smooth(images: Tensor, sigma: float) -> Tensor:
    """A Gaussian over (B, H, W) that weighs only pixels inside the image."""
    import torch

    radius = int(_TRUNCATE * sigma + 0.5)
    at = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (at / sigma).square())
    weights = (kernel / kernel.sum()).tolist()
    inside = torch.ones_like(images[:1])
    share = _blur(inside, weights) + torch.finfo(images.dtype).eps
    return _blur(images, weights) / share


def _blur(images: Tensor, weights: list[float]) -> Tensor:
    """Both axes in turn; beyond the border lies 0. Sums of shifts: a convolution may round to 10 bits on a GPU."""
    import torch.nn.functional as F

    for _ in range(2):
        radius = len(weights) // 2
        padded = F.pad(images, (radius, radius))
        width = images.shape[-1]
        images = sum(weight * padded[..., i : i + width] for i, weight in enumerate(weights))
        images = images.transpose(-1, -2)
    return images


def _ridges(gy: Tensor, gx: Tensor, magnitude: Tensor, low: float) -> Tensor:
    """(B, H, W) bool: at least ``low``, and no lower than its two neighbours along the gradient, interpolated."""
    import torch

    magnitude = magnitude.contiguous()
    strong = magnitude >= (low or 1e-14)  # without a threshold, flat ground is still no edge
    strong[:, :1] = strong[:, -1:] = strong[..., :1] = strong[..., -1:] = False
    at = strong.flatten().nonzero()[:, 0]  # (n,): few pixels come this far
    gy, gx, magnitude = gy.flatten(), gx.flatten(), magnitude.flatten()
    y, x, here, row = gy[at], gx[at], magnitude[at], strong.shape[-1]
    sign = torch.where((y > 0) == (x > 0), 1, -1)  # a gradient of 0 counts as negative, as in scikit-image
    y, x = y.abs(), x.abs()
    steep = torch.where(sign > 0, y > x, y >= x)  # nearer to the vertical than to the horizontal
    weight = torch.where(steep, x / y, y / x)
    straight, diagonal = torch.where(steep, sign * row, 1), sign * row + 1  # steps ahead; the same number back
    for step in (1, -1):
        beside = magnitude[at + step * diagonal] * weight + magnitude[at + step * straight] * (1 - weight)
        strong.view(-1)[at] &= beside <= here
    return strong


def _linked(strong: Tensor, thin: Tensor) -> Tensor:
    """Every pixel of ``thin`` (B, H, W) that is 8-connected, within ``thin``, to a strong one."""
    import torch.nn.functional as F

    found = strong
    while True:
        before = found
        for _ in range(_LINKS_A_LOOK):
            wide = F.pad(found, (1, 1, 1, 1))
            wide = wide[..., :-2] | wide[..., 1:-1] | wide[..., 2:]
            found = (wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]) & thin
        if bool((found == before).all()):
            return found
