"""Optical bands brighter, flatter, greyer or noisier, in reflectance; SAR speckle and offset, in dB.

A normalised batch is changed in the bands' own units, by the normaliser's center and scale. Augmentation of optical
bands leaves all others identical to the bit, and SAR's leaves optical ones. Indices are computed from bands inside the
network, and follow by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.config import AugmentConfig
from core.data.bands import DECIBEL, TO_REFLECTANCE, Band
from core.device import sent


class BandUnits:
    """Which bands are optical or SAR, and the way from normalised values to reflectance and dB.

    bands: C records; center, scale: (C,) of the normaliser, value = normalised * scale + center in the band's unit.
    """

    def __init__(self, bands: Sequence[Band], center: np.ndarray, scale: np.ndarray, device: torch.device) -> None:
        optical = [i for i, band in enumerate(bands) if band.family == "optical" and band.unit in TO_REFLECTANCE]
        factor = np.array([TO_REFLECTANCE[bands[i].unit] for i in optical])
        self.center, self.scale = (
            torch.as_tensor(np.asarray(values, np.float64)[optical] * factor, dtype=torch.float32, device=device)
            .reshape(1, -1, 1, 1)
            for values in (center, scale)
        )  # fmt: skip
        sar = [i for i, band in enumerate(bands) if band.modality == "sar" and band.unit == DECIBEL]
        # A change is post minus pre: it takes over what happens to its post-event band, so that pre stays as it was.
        source = [_post_of(bands[i]) for i in sar]
        names = [bands[i].name for i in sar]
        self.drawn = sorted(set(source) | {name for name in names if name not in source})
        order = {name: place for place, name in enumerate(self.drawn)}
        # Positions lie on the device: a list would be sent there, and waited for, in every step.
        self.optical, self.sar, self.draw_of = (
            torch.tensor(places, dtype=torch.long, device=device)
            for places in (optical, sar, [order[name] for name in source])
        )
        scales = np.asarray(scale, np.float64)[sar]
        self.sar_scale = torch.as_tensor(scales, dtype=torch.float32, device=device).reshape(1, -1, 1, 1)


def _post_of(band: Band) -> str:
    """desc_dvv -> desc_vv; any other band is its own."""
    return band.name.replace("_d", "_") if band.family == "sar_change" else band.name


def recolour(images: Tensor, units: BandUnits, config: AugmentConfig, generator: np.random.Generator) -> Tensor:
    """A new batch (N, C, H, W) float32, normalised as before, its optical and its SAR bands changed as set."""
    seed = int(generator.integers(2**62))
    pixels = torch.Generator(images.device).manual_seed(seed)
    out = images.clone()
    if len(units.optical) and _any_optical(config):
        reflectance = torch.addcmul(units.center, images.index_select(1, units.optical), units.scale)  # (N, O, H, W)
        changed = _optical(reflectance, config, generator, pixels)
        out.index_copy_(1, units.optical, changed.sub_(units.center).div_(units.scale))
    if len(units.sar) and (config.sar_offset or config.speckle_looks):
        decibels = _sar(images, units, config, generator, pixels)
        out.index_add_(1, units.sar, decibels / units.sar_scale)
    return out


def _any_optical(config: AugmentConfig) -> bool:
    return any(
        (config.brightness, config.contrast, config.saturation, config.jitter, config.grayscale, config.noise)
    )  # fmt: skip


def _optical(x: Tensor, config: AugmentConfig, generator: np.random.Generator, pixels: torch.Generator) -> Tensor:
    """``x``, reflectance (N, O, H, W), after gain, contrast, saturation, grey and noise, in this order; none below 0.

    Everything is drawn, also what a setting leaves without effect: no setting changes the draws of another.
    """
    n, bands = x.shape[:2]

    def factor(most: float, columns: int = 1) -> np.ndarray:
        return (1.0 + generator.uniform(-most, most, (n, columns, 1, 1))).astype(np.float32)

    gain = factor(config.brightness) * factor(config.jitter, bands)
    contrast, saturation = factor(config.contrast), factor(config.saturation)
    is_grey = generator.random((n, 1, 1, 1)) < config.grayscale
    if config.brightness or config.jitter:
        x = x.mul_(sent(gain, x.device))
    if config.contrast:
        x = blend(x, x.mean(dim=(1, 2, 3), keepdim=True), sent(contrast, x.device))
    if config.saturation or config.grayscale:
        grey = x.mean(dim=1, keepdim=True)
        x = blend(x, grey, sent(saturation, x.device))
        x = torch.where(sent(is_grey, x.device), grey, x)
    if config.noise:
        noise = torch.randn(x.shape, generator=pixels, device=x.device, dtype=x.dtype)
        x = x.add_(noise, alpha=config.noise)
    return x.clamp_(min=0.0)


def blend(x: Tensor, towards: Tensor, factor: Tensor) -> Tensor:
    """``factor`` times the distance of ``x`` from ``towards``: 1 leaves x, 0 gives ``towards``."""
    return torch.lerp(towards, x, factor)


def _sar(
    images: Tensor, units: BandUnits, config: AugmentConfig, generator: np.random.Generator, pixels: torch.Generator
) -> Tensor:
    """(N, S, H, W) dB to add to the SAR bands."""
    n, _, height, width = images.shape
    drawn = generator.uniform(-config.sar_offset, config.sar_offset, (n, len(units.drawn), 1, 1))
    decibels = sent(drawn.astype(np.float32), images.device).expand(-1, -1, height, width)
    if config.speckle_looks:
        decibels = decibels + speckle((n, len(units.drawn), height, width), config.speckle_looks, pixels)
    return decibels.index_select(1, units.draw_of)


def speckle(shape: tuple[int, ...], looks: int, pixels: torch.Generator) -> Tensor:
    """10 log10 of a Gamma(looks, 1 / looks) intensity, mean 1: the mean of ``looks`` exponential draws (Goodman)."""
    total = torch.zeros(shape, device=pixels.device)
    for _ in range(looks):
        total -= torch.log1p(-torch.rand(shape, generator=pixels, device=pixels.device))
    return 10.0 * torch.log10((total / looks).clamp(min=1e-6))
