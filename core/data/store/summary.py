"""Statistics of every band of a dataset file, computed batch by batch in bounded memory."""

from __future__ import annotations

import numpy as np

QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95, "q99": 0.99}
SAMPLE = 2**20  # pixels a band that the quantiles are taken from; all of them where there are no more


def valid_pixels(images: np.ndarray, nodata: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Where a value is usable, and where a pixel holds data.

    Args:
        images: (N, C, H, W), any number type.
        nodata: the value that marks a pixel without data when all of its bands have it.

    Returns:
        ``finite`` (N, C, H, W) bool and ``has_data`` (N, H, W) bool.
    """
    has_data = np.ones((images.shape[0], *images.shape[2:]), bool)
    if nodata is not None:
        has_data = ~(images == nodata).all(axis=1)
    return np.isfinite(images), has_data


class BandSummary:
    """Running minimum, maximum, mean, standard deviation, quantiles and counts of every band.

    Nodata pixels and non-finite values are counted and left out. Mean and standard deviation are merged batch by
    batch in float64 (Chan, Golub and LeVeque, 1983). Quantiles are exact up to ``SAMPLE`` pixels a band; beyond that
    they come from that many pixels drawn evenly over all patches with a fixed seed.
    """

    def __init__(self, n_patches: int, shape: tuple[int, int, int], nodata: float | None):
        self._nodata = nodata
        n_bands, height, width = shape
        self._n = np.zeros(n_bands, np.int64)
        self._mean, self._m2 = np.zeros(n_bands), np.zeros(n_bands)
        self._low, self._high = np.full(n_bands, np.inf), np.full(n_bands, -np.inf)
        self._n_nonfinite, self._n_nodata = np.zeros(n_bands, np.int64), 0
        self._rng = np.random.default_rng(0)
        self._kept_per_patch = min(height * width, max(1, SAMPLE // max(n_patches, 1)))
        self._samples: list[np.ndarray] = []

    def add(self, images: np.ndarray) -> None:
        """Count a batch in; images: (n, C, H, W)."""
        finite, has_data = valid_pixels(images, self._nodata)
        self._n_nodata += int((~has_data).sum())
        self._n_nonfinite += (~finite).sum(axis=(0, 2, 3))
        usable = finite & has_data[:, None]
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

    def rows(self, names: tuple[str, ...]) -> list[dict]:
        """One dict a band: name, min, max, mean, std, q01 .. q99, n_nonfinite, n_nodata; None where undefined."""
        return [self._row(name, band) for band, name in enumerate(names)]

    def _row(self, name: str, band: int) -> dict:
        counts = {"n_nonfinite": int(self._n_nonfinite[band]), "n_nodata": self._n_nodata}
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
