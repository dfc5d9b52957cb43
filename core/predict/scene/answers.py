"""What the folds of a run answer for the windows of a stripe, each pixel normalised once although windows overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from core.data.band_statistics import band_statistics, rich_statistics
from core.heads.blend import kind_of, members_of
from core.predict.fold_model import FoldModel
from core.predict.patches import Ensemble
from core.progress import Progress, Steps
from core.train.loop import embed

AT_ONCE = 512  # windows that are cut out at a time
ON_GPU = 256  # windows a batch there at the least: a training batch leaves it idle
ROWS = 64  # that are normalised at a time


def stripe_answers(
    ensemble: Ensemble, images: np.ndarray, corners: Sequence[tuple[int, int]], tta: bool | None = None
) -> Steps[np.ndarray]:
    """(N, folds) float64, the calibrated probability of each window by each fold.

    images: (C, H, W) raw, bands in the ensemble's order, nan where nothing was seen. corners: (row, column) of each
    window in them. tta: mean over flips and quarter turns; None: as the run was evaluated.
    """
    found = np.empty((len(corners), len(ensemble.models)))
    for k, model in enumerate(ensemble.models):
        normalised = _normalised(model, images)
        for start in range(0, len(corners), AT_ONCE):
            some = corners[start : start + AT_ONCE]
            features = _features(model, ensemble, images, normalised, some, model.tta if tta is None else tta)
            by_head = model.log_odds_of(features, [ensemble.head], ensemble.rules)
            found[start : start + len(some), k] = expit(by_head[ensemble.head])
            yield Progress((k + min(1.0, (start + AT_ONCE) / len(corners))) / len(ensemble.models), "")
    return found


def _normalised(model: FoldModel, images: np.ndarray):
    """(C, H, W) tensor on the device; None where every window is normalised by itself."""
    import torch

    if model.normaliser.units is None:
        return None
    found = torch.empty(images.shape, dtype=torch.float32)
    for start in range(0, images.shape[1], ROWS):
        part = model.normaliser.transform(images[None, :, start : start + ROWS])[0]
        found[:, start : start + ROWS] = torch.from_numpy(part)
    return found.to(model.device)


def _features(
    model: FoldModel, ensemble: Ensemble, images: np.ndarray, normalised, corners: Sequence[tuple[int, int]], tta: bool
) -> dict[str, np.ndarray]:
    """What the headline head reads of each window."""
    import torch

    kinds = {kind_of(name) for name in members_of([ensemble.head])}
    height, width = ensemble.shape_hw
    features = {}
    if "embeddings" in kinds:
        if normalised is None:
            windows = model.normaliser.transform(_cut(images, corners, ensemble.shape_hw))
        else:
            windows = torch.stack([normalised[:, row : row + height, col : col + width] for row, col in corners])
        batch = max(model.batch_size, ON_GPU) if torch.device(model.device).type == "cuda" else model.batch_size
        features["embeddings"] = embed(model.network, windows, model.device, batch, tta=tta).embeddings
    if kinds - {"embeddings"}:
        raw = _cut(images, corners, ensemble.shape_hw)
        if "statistics" in kinds:
            features["statistics"] = band_statistics(raw)
        if "rich" in kinds:
            features["rich"] = rich_statistics(raw, model.normaliser.band_names)
    return features


def _cut(images: np.ndarray, corners: Sequence[tuple[int, int]], side: tuple[int, int]) -> np.ndarray:
    """(N, C, h, w) windows of (C, H, W)."""
    return np.stack([images[:, row : row + side[0], col : col + side[1]] for row, col in corners])
