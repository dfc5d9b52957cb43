"""Faults that are planted to measure how surely they are found: what goes wrong between a satellite and a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.bands import BYTES, DECIBEL, DN, REFLECTANCE, Band

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    key: short name. title: for people. change: (N, C, H, W) -> the same patches with the fault. causes: the keys of the
    causes (``core.predict.novelty.causes``) that name it rightly; none: its own key.
    """

    key: str
    title: str
    change: Change
    causes: tuple[str, ...] = ()


def faults_for(bands: Sequence[Band]) -> list[Fault]:
    """Every fault that these bands can have."""
    names = [band.name for band in bands]
    optical = [i for i, band in enumerate(bands) if band.modality == "optical"]
    radar = [i for i, band in enumerate(bands) if band.unit == DECIBEL]
    found = []
    for a, b in (("red", "nir"), ("red", "blue"), ("red", "green"), ("desc_vv", "desc_vh"), ("desc_vv", "asc_vv"),
                 ("desc_vv", "desc_dvv"), ("desc_dvv", "desc_dvh")):  # fmt: skip
        if a in names and b in names:
            found.append(_swap(names, a, b))
    if len(names) > 3:
        found.append(Fault("reversed", "all bands in reverse order", lambda x, _: x[:, ::-1].copy(), ("order",)))
    if optical:
        unit = bands[optical[0]].unit
        if unit == DN:
            found.append(
                Fault("reflectance", "reflectance instead of DN (/10,000)", _times(optical, 1e-4), (REFLECTANCE,))
            )
            found.append(Fault("bytes", "0-255 instead of DN", _times(optical, 255 / 10_000), (BYTES,)))
        elif unit == REFLECTANCE:
            found.append(Fault("dn", "DN instead of reflectance (x10,000)", _times(optical, 1e4), (DN,)))
        elif unit == BYTES:
            found.append(Fault("unit_1", "0-1 instead of 0-255", _times(optical, 1 / 255), (REFLECTANCE,)))
        for factor in (1.2, 1.5):
            found.append(
                Fault(f"gain_{factor:g}", f"optical bands x{factor:g}", _times(optical, factor), ("level", "spread"))
            )
        found.append(Fault("offset", "optical bands brighter by a tenth of their range", _lifted(optical), ("level",)))
    if radar:
        found.append(Fault("linear", "radar as linear power instead of dB", _linear(radar), ("linear",)))
        found.append(Fault("offset_db", "radar 3 dB too high", _plus(radar, 3.0), ("level",)))
    first = names[0]
    found.append(Fault("constant", f"{first} constant in each patch", _constant(0), ("constant",)))
    found.append(Fault("noise", f"{first} replaced by noise", _noise([0]), ("rough",)))
    found.append(Fault("all_noise", "all bands replaced by noise", _noise(range(len(names))), ("rough",)))
    found.append(Fault("coarse", "pixels three times as large (another sensor)", _coarse(3), ("smooth",)))
    found.append(Fault("upside_down", "upside down", lambda x, _: x[:, :, ::-1].copy()))
    found.append(Fault("rotated", "a quarter turn", lambda x, _: np.rot90(x, axes=(2, 3)).copy()))
    return found


def _swap(names: Sequence[str], a: str, b: str) -> Fault:
    order = list(range(len(names)))
    i, j = names.index(a), names.index(b)
    order[i], order[j] = j, i
    return Fault(f"{a}_{b}", f"{a} and {b} swapped", lambda x, _: x[:, order], (f"{a}_{b}", f"{b}_{a}", "order"))


def _times(bands: Sequence[int], factor: float) -> Change:
    def change(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        images = images.copy()
        images[:, bands] *= np.float32(factor)
        return images

    return change


def _plus(bands: Sequence[int], shift: float) -> Change:
    def change(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        images = images.copy()
        images[:, bands] += np.float32(shift)
        return images

    return change


def _lifted(bands: Sequence[int]) -> Change:
    def change(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        images = images.copy()
        low, high = np.nanquantile(images[:, bands], (0.01, 0.99))
        images[:, bands] += np.float32(0.1 * (high - low))
        return images

    return change


def _linear(bands: Sequence[int]) -> Change:
    def change(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        images = images.copy()
        images[:, bands] = 10.0 ** (images[:, bands] / 10.0)
        return images

    return change


def _constant(band: int) -> Change:
    def change(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        images = images.copy()
        images[:, band] = np.nanmedian(images[:, band], axis=(1, 2), keepdims=True)
        return images

    return change


def _noise(bands: Sequence[int]) -> Change:
    def change(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = images.copy()
        for band in bands:
            own = images[:, band]
            centre, width = np.nanmean(own, axis=(1, 2)), np.nanstd(own, axis=(1, 2))
            images[:, band] = rng.normal(size=own.shape) * width[:, None, None] + centre[:, None, None]
        return images

    return change


def _coarse(factor: int) -> Change:
    def change(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        height, width = (side - side % factor for side in images.shape[2:])
        inner = images[:, :, :height, :width]
        blocks = inner.reshape(*images.shape[:2], height // factor, factor, width // factor, factor)
        images = images.copy()
        coarse = blocks.mean(axis=(3, 5), keepdims=True)
        images[:, :, :height, :width] = np.broadcast_to(coarse, blocks.shape).reshape(inner.shape)
        return images

    return change
