"""Per-band normalisation, learnt from the training part of a fold and applied to everything else.

Comes in: raw images in their bands' units. Goes out: a frozen :class:`Normaliser` and images around 0. It knows
nothing of folds: whoever fits it decides which patches it may see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.data.summary import valid_pixels
from core.errors import ConfigError, FormatError

Method = Literal["standard", "robust"]
BATCH = 64  # patches at a time, so that no float64 copy of everything is made


@dataclass(frozen=True, eq=False)
class Normaliser:
    """(x - center_) / scale_ for each band; nodata and non-finite values become 0, the centre of the training part.

    Attributes:
        center_: (C,) float32, mean ("standard") or median ("robust"), in the bands' units.
        scale_: (C,) float32, positive; standard deviation or q95 - q05; 1 for a band that is constant.
        nodata: a pixel equal to it in all bands holds no data.
    """

    method: Method
    band_names: tuple[str, ...]
    center_: np.ndarray
    scale_: np.ndarray
    nodata: float | None = field(default=None)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """(N, C, H, W) in units -> a new (N, C, H, W) float32, finite everywhere.

        Raises FormatError when the number of bands is another one than was fitted.
        """
        _check_bands(images, self.band_names)
        out = np.empty(images.shape, np.float32)
        center, scale = self.center_[:, None, None], self.scale_[:, None, None]
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            finite, has_data = valid_pixels(part, self.nodata)
            # A value at the edge of float32 may overflow on the way; it is as missing as an infinite one.
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = (part.astype(np.float32, copy=False) - center) / scale
            usable = finite & has_data[:, None] & np.isfinite(scaled)
            out[start : start + BATCH] = np.where(usable, scaled, np.float32(0.0))
        return out

    def to_json(self) -> str:
        """Text from which :meth:`from_json` makes an equal normaliser, bit for bit."""
        return json.dumps(
            {
                "method": self.method,
                "band_names": list(self.band_names),
                "center": [float(value) for value in self.center_],
                "scale": [float(value) for value in self.scale_],
                "nodata": self.nodata,
            },
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> Normaliser:
        """The inverse of :meth:`to_json`. Raises FormatError when the text is not such a normaliser."""
        try:
            card = json.loads(text)
            center = np.array(card["center"], np.float32)
            scale = np.array(card["scale"], np.float32)
            names = tuple(card["band_names"])
            fits = center.shape == scale.shape == (len(names),) and np.isfinite(center).all() and (scale > 0).all()
            if not fits:
                raise ValueError("its numbers do not fit its bands")
            return cls(card["method"], names, center, scale, card["nodata"])
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"This is not a normaliser of this program ({error}). Train the run again.") from error


def fit_normaliser(
    images: np.ndarray, method: Method, band_names: Sequence[str], nodata: float | None = None
) -> Normaliser:
    """Learn centre and scale of each band from ``images`` (N, C, H, W) in units, in one pass a band.

    "standard" is (x - mean) / standard deviation; "robust" is (x - q50) / (q95 - q05). Nodata pixels and non-finite
    values are left out. A band that is constant, or has no usable value, keeps scale 1 (and then centre 0).
    Raises ConfigError for another method, FormatError when the bands do not fit.
    """
    if method not in ("standard", "robust"):
        raise ConfigError(f"There is no normalisation '{method}'. Accepted: standard, robust.")
    _check_bands(images, band_names)
    estimate = _standard if method == "standard" else _robust
    has_data = valid_pixels(images, nodata)[1] if nodata is not None else None
    center, scale = np.zeros(len(band_names), np.float32), np.ones(len(band_names), np.float32)
    for band in range(len(band_names)):
        values = images[:, band] if has_data is None else images[:, band][has_data]
        values = values[np.isfinite(values)]
        if values.size:
            center[band], width = estimate(values)
            # Rounding leaves a constant band a width of the order of its value's precision.
            if 1e-6 * max(abs(float(center[band])), 1e-30) < width < np.finfo(np.float32).max:
                scale[band] = width
    return Normaliser(method, tuple(band_names), center, scale, nodata)


def _standard(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))


def _robust(values: np.ndarray) -> tuple[float, float]:
    low, middle, high = map(float, np.quantile(values.astype(np.float64), (0.05, 0.5, 0.95)))
    return middle, high - low


def _check_bands(images: np.ndarray, band_names: Sequence[str]) -> None:
    if images.ndim != 4 or images.shape[1] != len(band_names):
        raise FormatError(
            f"Images of shape {images.shape} do not have the {len(band_names)} bands {', '.join(band_names)}. "
            "Accepted: (patches, bands, height, width) with exactly these bands, in this order."
        )
