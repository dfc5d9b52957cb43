"""Statistics of every band of a dataset file, computed batch by batch in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.bands import Band
from core.data.store.missing import plausible, valid_pixels

QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95, "q99": 0.99}
SAMPLE = 2**20  # pixels a band that the quantiles are taken from; all of them where there are no more


class BandSummary:
    """Running minimum, maximum, mean, standard deviation, quantiles and counts of every band.

    Pixels without data, values that are not finite and absurd ones are counted and left out. Mean and standard
    deviation are merged batch by batch in float64 (Chan, Golub and LeVeque, 1983). Quantiles are exact up to ``SAMPLE``
    pixels a band; beyond that they come from that many pixels drawn evenly over all patches with a fixed seed.

    bounds: (C, 2) outside which a value is absurd (:meth:`absurd` of a first look); None: no value is.
    """

    def __init__(
        self, n_patches: int, shape: tuple[int, int, int], nodata: float | None, bounds: np.ndarray | None = None
    ):
        self._nodata, self._bounds = nodata, bounds
        n_bands, height, width = shape
        self._n = np.zeros(n_bands, np.int64)
        self._mean, self._m2 = np.zeros(n_bands), np.zeros(n_bands)
        self._low, self._high = np.full(n_bands, np.inf), np.full(n_bands, -np.inf)
        self._n_nonfinite, self._n_absurd, self._n_nodata = np.zeros(n_bands, np.int64), np.zeros(n_bands, np.int64), 0
        self._rng = np.random.default_rng(0)
        self._kept_per_patch = min(height * width, max(1, SAMPLE // max(n_patches, 1)))
        self._samples: list[np.ndarray] = []

    def add(self, images: np.ndarray) -> None:
        """Count a batch in; images: (n, C, H, W)."""
        usable, has_data = valid_pixels(images, self._nodata)
        self._n_nodata += int((~has_data).sum())
        self._n_nonfinite += (~np.isfinite(images) & has_data[:, None]).sum(axis=(0, 2, 3))
        if self._bounds is not None:
            low, high = self._bounds.T[:, :, None, None]
            absurd = usable & ((images < low) | (images > high))
            self._n_absurd += absurd.sum(axis=(0, 2, 3))
            usable &= ~absurd
        for band in range(images.shape[1]):
            values = images[:, band][usable[:, band]].astype(np.float64)
            if values.size:
                self._merge(band, values)
        self._keep_sample(images, usable)

    def _merge(self, band: int, values: np.ndarray) -> None:
        n, mean = values.size, values.mean()
        total, delta = self._n[band] + n, mean - self._mean[band]
        self._m2[band] += ((values - mean) ** 2).sum() + delta**2 * self._n[band] * n / total
        self._mean[band] += delta * n / total
        self._n[band] = total
        self._low[band] = min(self._low[band], values.min())
        self._high[band] = max(self._high[band], values.max())

    def _keep_sample(self, images: np.ndarray, usable: np.ndarray) -> None:
        n, n_bands, height, width = images.shape
        if self._kept_per_patch == height * width:
            pixels = np.tile(np.arange(height * width), (n, 1))
        else:
            pixels = self._rng.integers(height * width, size=(n, self._kept_per_patch))
        chosen = np.take_along_axis(images.reshape(n, n_bands, -1), pixels[:, None], axis=2).astype(np.float32)
        chosen[~np.take_along_axis(usable.reshape(n, n_bands, -1), pixels[:, None], axis=2)] = np.nan
        self._samples.append(chosen.transpose(1, 0, 2).reshape(n_bands, -1))  # (C, n * kept)

    def absurd(self, bands: Sequence[Band]) -> np.ndarray | None:
        """(C, 2) the bounds of plausible values, where some value lies outside of its band's; otherwise None."""
        rows = self.rows([band.name for band in bands])
        bounds = np.array([plausible(band, row) for band, row in zip(bands, rows, strict=True)])
        outside = (self._low < bounds[:, 0]) | (self._high > bounds[:, 1])
        return bounds if (outside & (self._n > 0)).any() else None

    def rows(self, names: Sequence[str]) -> list[dict]:
        """One dict a band: name, min, max, mean, std, q01 .. q99, n_nonfinite, n_nodata, n_absurd; None: undefined.

        ``plausible`` (low, high) stands in it where absurd values were left out.
        """
        return [self._row(name, band) for band, name in enumerate(names)]

    def _row(self, name: str, band: int) -> dict:
        counts = {"n_nonfinite": int(self._n_nonfinite[band]), "n_nodata": self._n_nodata}
        counts |= {"n_absurd": int(self._n_absurd[band])}
        if self._bounds is not None:
            counts["plausible"] = self._bounds[band].tolist()
        if not self._n[band]:
            return {"name": name, **dict.fromkeys(("min", "max", "mean", "std", *QUANTILES)), **counts}
        sample = np.concatenate([batch[band] for batch in self._samples])
        sample = sample[~np.isnan(sample)]
        # A sample of a nearly empty band may hold no usable pixel: its quantiles are then unknown, not wrong.
        quantiles = np.quantile(sample, list(QUANTILES.values())) if sample.size else [None] * len(QUANTILES)
        return {
            "name": name,
            "min": float(self._low[band]),
            "max": float(self._high[band]),
            "mean": float(self._mean[band]),
            "std": float(np.sqrt(self._m2[band] / self._n[band])),
            **{key: None if q is None else float(q) for key, q in zip(QUANTILES, quantiles, strict=True)},
            **counts,
        }
