"""What the folds of a run answer for the windows of a stripe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from core.data.band_statistics import FEATURES
from core.data.normalise import Normaliser
from core.errors import needed
from core.heads.blend import kind_of, members_of
from core.predict.fold_model import FoldModel
from core.predict.novelty.collect import Collector
from core.predict.patches import Ensemble
from core.predict.scene.windows import WindowSum
from core.progress import Progress, Steps
from core.train.loop import Embedded, embed

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 512  # windows that heads are asked about at a time
ON_GPU = 256  # windows a batch there at the least: a training batch leaves it idle


def stripe_answers(
    ensemble: Ensemble,
    images: np.ndarray,
    corners: Sequence[tuple[int, int]],
    tta: bool | None = None,
    where: WindowSum | None = None,
    novelty: Collector | None = None,
) -> Steps[np.ndarray]:
    """(N, folds) float64, the calibrated probability of each window by each fold.

    images: (C, H, W) raw, bands in the ensemble's order, nan where nothing was seen. corners: (row, column) of each
    window in them. tta: mean over flips and quarter turns; None: as the run was evaluated. where: takes what the mask
    heads draw in the windows, the mean of the folds. novelty: sees the windows and what the heads of each fold read.
    """
    members = members_of([ensemble.head])
    kinds = {kind_of(name) for name in members}
    fixed = _statistics(ensemble, images, corners, kinds - {"embeddings"}, novelty)
    found = np.empty((len(corners), len(ensemble.models)))
    stripe = _Stripe(ensemble, images) if "embeddings" in kinds or where is not None else None
    for k, model in enumerate(ensemble.models):
        for start in range(0, len(corners), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            features = {kind: values[part] for kind, values in fixed.items()}
            if stripe is not None:
                flips = model.tta if tta is None else tta
                embedded = stripe.embedded(model, corners[part], flips, where is not None)
                features["embeddings"] = embedded.embeddings
                if where is not None:
                    drawn = needed(embedded.outlines, "This network drew no outlines.")
                    where.add(corners[part], drawn, len(ensemble.models), first=k == 0)
            if novelty is not None:
                novelty.read(k, features)
            by_head = model.log_odds_of(features, [ensemble.head], ensemble.rules)
            found[part, k] = expit(by_head[ensemble.head])
            yield Progress((k + min(1.0, (start + AT_ONCE) / len(corners))) / len(ensemble.models), "")
    return found


def _statistics(
    ensemble: Ensemble,
    images: np.ndarray,
    corners: Sequence[tuple[int, int]],
    kinds: set[str],
    novelty: Collector | None,
) -> dict[str, np.ndarray]:
    """What heads without a network read, which is the same for all folds."""
    parts: dict[str, list[np.ndarray]] = {kind: [] for kind in kinds}
    for start in range(0, len(corners) if kinds or novelty is not None else 0, AT_ONCE):
        raw = _cut(images, corners[start : start + AT_ONCE], ensemble.shape_hw)
        if novelty is not None:
            novelty.look(raw)
        for kind in kinds:
            parts[kind].append(FEATURES[kind](raw, ensemble.band_names))
    return {kind: np.concatenate(found) for kind, found in parts.items()}


class _Stripe:
    """A stripe as the networks read it, one fold after the other; a batch of windows is made when its turn has come.

    So a batch stays in the processor's cache until its network has read it, and no normalised stripe is kept.
    """

    def __init__(self, ensemble: Ensemble, images: np.ndarray) -> None:
        import torch

        self._images, self._side, self._device = images, ensemble.shape_hw, ensemble.models[0].device
        self._raw = torch.from_numpy(np.ascontiguousarray(images)).to(self._device)
        self._buffer = torch.empty((0, len(images), *self._side), device=self._device)

    def embedded(
        self, model: FoldModel, corners: Sequence[tuple[int, int]], tta: bool, outlines: bool = False
    ) -> Embedded:
        """Of the windows that begin at ``corners``, by the network of one fold."""
        import torch

        on_gpu = torch.device(model.device).type == "cuda"
        batch = max(model.batch_size, ON_GPU) if on_gpu else model.batch_size
        if len(self._buffer) < batch:
            self._buffer = torch.empty((batch, *self._buffer.shape[1:]), device=self._device)
        windows = _Windows(partial(self._normalised, model.normaliser), corners)
        return embed(model.network, windows, model.device, batch, tta=tta, outlines=outlines)

    def _normalised(self, normaliser: Normaliser, corners: Sequence[tuple[int, int]]) -> Tensor:
        """(n, C, h, w) as ``Normaliser.transform`` makes them, until the next are asked for."""
        import torch

        if normaliser.units is None:  # each window has its own scale
            return torch.from_numpy(normaliser.transform(_cut(self._images, corners, self._side)))
        height, width = self._side
        center, scale = (torch.as_tensor(values, device=self._device)[:, None, None] for values in normaliser.units)
        views = [self._raw[:, row : row + height, col : col + width] for row, col in corners]
        windows = torch.stack(views, out=self._buffer[: len(views)]).sub_(center).div_(scale)
        return windows.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)  # what is missing is the centre of its band


@dataclass(frozen=True)
class _Windows:
    """Windows that are made when a part of them is asked for."""

    made: Callable[[Sequence[tuple[int, int]]], Tensor]
    corners: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, part: slice) -> Tensor:
        return self.made(self.corners[part])


def _cut(images: np.ndarray, corners: Sequence[tuple[int, int]], side: tuple[int, int]) -> np.ndarray:
    """(N, C, h, w) windows of (C, H, W)."""
    return np.stack([images[:, row : row + side[0], col : col + side[1]] for row, col in corners])
