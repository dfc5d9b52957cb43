"""One fold's whole model, as it answers: normaliser, network and heads together.

Comes in: raw patches (N, C, H, W) in the dataset's units. Goes out: each head's decision values, and with the run's
rules each head's probabilities. With ``core.pipeline`` it is the only code that knows several stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.band_statistics import band_statistics
from core.data.normalise import Normaliser
from core.heads import load_heads
from core.heads.base import Head
from core.heads.baselines import BASELINES
from core.runs.store import RunFolder
from core.train.backbones import Network, load_network
from core.train.loop import embed


@dataclass(frozen=True)
class FoldModel:
    """Answers for one fold. ``heads``: by name, the baselines on band statistics among them."""

    fold: int
    normaliser: Normaliser
    network: Network
    heads: Mapping[str, Head]
    device: Any
    batch_size: int
    tta: bool

    @classmethod
    def load(cls, run: RunFolder, fold: int, device: Any) -> FoldModel:
        """Rebuild the fold's model from the run folder. Raises RunError when a part is missing or damaged."""
        config, path = run.config(), run.fold_path(fold)
        normaliser = Normaliser.from_json(run.normaliser_text(fold))
        network = load_network(path).to(device)
        return cls(
            fold,
            normaliser,
            network,
            load_heads(run.heads_path(fold)),
            device,
            config.train.batch_size,
            config.train.tta,
        )

    def scores(self, images: np.ndarray, heads: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Decision values (N,) float64 of each head for raw patches (N, C, H, W)."""
        names = list(self.heads) if heads is None else list(heads)
        on_statistics = [name for name in names if name in BASELINES]
        scores = self.scores_of_normalised(
            self.normaliser.transform(images), [name for name in names if name not in BASELINES]
        )
        if on_statistics:
            features = band_statistics(images, self.normaliser.nodata)
            scores.update({name: self.heads[name].decision(features) for name in on_statistics})
        return {name: scores[name] for name in names}

    def scores_of_normalised(
        self, images: np.ndarray, heads: Sequence[str], tta: bool | None = None
    ) -> dict[str, np.ndarray]:
        """Decision values of heads on embeddings, for patches that are normalised already."""
        if not heads:
            return {}
        embedded = embed(self.network, images, self.device, self.batch_size, tta=self.tta if tta is None else tta)
        return {name: self.heads[name].decision(embedded.embeddings) for name in heads}
