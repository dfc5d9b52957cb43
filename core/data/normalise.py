"""Per-band normalisation, learnt from the training part of a fold and applied to everything else.

Whoever fits a :class:`Normaliser` decides which patches it may see. What a backbone's weights expect of a band is
passed in as numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import ConfigError, FormatError
from core.io.json_text import parse_json

Method = Literal["standard", "robust", "robust_iqr", "model", "minmax"]
METHODS: tuple[Method, ...] = ("standard", "robust", "robust_iqr", "model", "minmax")
QUANTILES = {"robust": (0.05, 0.5, 0.95), "robust_iqr": (0.25, 0.5, 0.75)}  # low, centre, high
MISSING_POLICY = (
    "Imputed: what is missing (pixels without data, values that are not finite, absurd ones) becomes 0 after "
    "normalisation, the centre of its band, and is left out of its statistics."
)
MINMAX_WARNING = (
    "Every patch was scaled by its own lowest and highest value in each band (normalise.method=minmax): how bright or "
    "how strong a patch is among the others is lost, and one extreme pixel decides the scale of its whole patch."
)
BATCH = 64  # patches at a time, so that no float64 copy of everything is made


@dataclass(frozen=True, eq=False)
class Normaliser:
    """(x - center_) / scale_ for each band; values that are not finite are missing and become 0, the centre.

    With "minmax" each patch's band is (x - min) / (max - min) - 0.5 over its own usable pixels, 0 where it is
    constant; center_ and scale_ then only describe the training part.

    Attributes:
        center_: (C,) float32, mean ("standard", "minmax"), median ("robust", "robust_iqr") or the backbone's mean
            ("model"), in the bands' units.
        scale_: (C,) float32, positive; standard deviation, q95 - q05, q75 - q25, or the backbone's; 1 for a band that
            is constant.
        mean_: (C,) float32, mean of the training part in the bands' units, whatever the method.
    """

    method: Method
    band_names: tuple[str, ...]
    center_: np.ndarray
    scale_: np.ndarray
    mean_: np.ndarray

    @property
    def units(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(center_, scale_) that lead back from normalised values to units; none where each patch has its own."""
        return None if self.method == "minmax" else (self.center_, self.scale_)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """(N, C, H, W) in units -> a new (N, C, H, W) float32, finite everywhere.

        Raises FormatError when the number of bands is another one than was fitted.
        """
        _check_bands(images, self.band_names)
        out = np.empty(images.shape, np.float32)
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            usable = np.isfinite(part)
            # A value at the edge of float32 may overflow on the way; it is as missing as an infinite one.
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = self._scaled(part.astype(np.float32, copy=False), usable)
            out[start : start + BATCH] = np.where(usable & np.isfinite(scaled), scaled, np.float32(0.0))
        return out

    def _scaled(self, images: np.ndarray, usable: np.ndarray) -> np.ndarray:
        if self.method != "minmax":
            return (images - self.center_[:, None, None]) / self.scale_[:, None, None]
        low = np.where(usable, images, np.inf).min(axis=(2, 3), keepdims=True)  # (n, C, 1, 1)
        high = np.where(usable, images, -np.inf).max(axis=(2, 3), keepdims=True)
        constant = ~(high - low > 1e-6 * np.abs(high))  # rounding leaves a constant band a width
        return np.where(constant, np.float32(0.0), (images - low) / np.where(constant, 1.0, high - low) - 0.5)

    def to_json(self) -> str:
        """Text from which :meth:`from_json` makes an equal normaliser, bit for bit."""
        return json.dumps(
            {
                "method": self.method,
                "band_names": list(self.band_names),
                "center": [float(value) for value in self.center_],
                "scale": [float(value) for value in self.scale_],
                "mean": [float(value) for value in self.mean_],
            },
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> Normaliser:
        """The inverse of :meth:`to_json`. Raises FormatError when the text is not such a normaliser.

        Texts of the first version name no mean: there the centre stood for it.
        """
        try:
            card = parse_json(text)
            center = np.array(card["center"], np.float32)
            scale = np.array(card["scale"], np.float32)
            mean = np.array(card.get("mean", card["center"]), np.float32)
            names = tuple(card["band_names"])
            fits = center.shape == scale.shape == mean.shape == (len(names),) and np.isfinite(center).all()
            if not (fits and np.isfinite(mean).all() and (scale > 0).all()):
                raise ValueError("its numbers do not fit its bands")
            if card["method"] not in METHODS:
                raise ValueError(f"'{card['method']}' is no method")
            return cls(card["method"], names, center, scale, mean)
        except (FormatError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"This is not a normaliser of this program ({error}). Train the run again.") from error


def fit_normaliser(
    images: np.ndarray,
    method: Method,
    band_names: Sequence[str],
    given: Mapping[str, tuple[float, float]] | None = None,
) -> Normaliser:
    """Learn centre and scale of each band from ``images`` (N, C, H, W) in units, in one pass a band.

    "standard" is (x - mean) / standard deviation; "robust" is (x - q50) / (q95 - q05); "robust_iqr" is
    (x - q50) / (q75 - q25); "model" takes centre and scale of the bands in ``given`` as they are, in the bands' units,
    and is standard for the others; "minmax" scales each patch by itself. Values that are not finite are left out.
    Quantiles that coincide give way to the standard deviation. A band that is constant, or has no usable value,
    keeps scale 1 (and then centre 0).
    Raises ConfigError for another method and for "model" without a band given, FormatError when the bands do not fit.
    """
    if method not in METHODS:
        raise ConfigError(f"There is no normalisation '{method}'. Accepted: {', '.join(METHODS)}.")
    _check_bands(images, band_names)
    given = dict(given or {}) if method == "model" else {}
    if method == "model" and not given:
        raise ConfigError(
            "normalise.method=model needs red, green or blue in 0-255, DN or reflectance, which is what a backbone's "
            f"weights were made for; the bands here are {', '.join(band_names)}. Choose standard or robust."
        )
    center, scale, mean = (np.full(len(band_names), fill, np.float32) for fill in (0, 1, 0))
    for band, name in enumerate(band_names):
        values = images[:, band]
        values = values[np.isfinite(values)]
        if values.size:
            average, center[band], width = _estimate(values, method)
            mean[band] = average
            # Rounding leaves a constant band a width of the order of its value's precision.
            if 1e-6 * max(abs(float(center[band])), 1e-30) < width < np.finfo(np.float32).max:
                scale[band] = width
        if name in given:
            center[band], scale[band] = given[name]
    return Normaliser(method, tuple(band_names), center, scale, mean)


def _estimate(values: np.ndarray, method: Method) -> tuple[float, float, float]:
    """Mean, centre and width of one band's usable values."""
    mean = float(values.mean(dtype=np.float64))
    if method not in QUANTILES:
        return mean, mean, float(values.std(dtype=np.float64))
    low, middle, high = map(float, np.quantile(values.astype(np.float64), QUANTILES[method]))
    # Where most of a band is one value its quantiles coincide; the few others still need a scale.
    return mean, middle, high - low or float(values.std(dtype=np.float64))


def _check_bands(images: np.ndarray, band_names: Sequence[str]) -> None:
    if images.ndim != 4 or images.shape[1] != len(band_names):
        raise FormatError(
            f"Images of shape {images.shape} do not have the {len(band_names)} bands {', '.join(band_names)}. "
            "Accepted: (patches, bands, height, width) with exactly these bands, in this order."
        )
