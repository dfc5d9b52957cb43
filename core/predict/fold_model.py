"""One fold's whole model, as it answers: normaliser, network and heads together.

From raw patches (N, C, H, W) in the dataset's units it gives each head's decision values and, with the run's rules,
each head's log-odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.band_statistics import band_statistics, rich_statistics
from core.data.normalise import Normaliser
from core.data.tabular.columns import encode
from core.evaluate.judge import Rule
from core.heads import load_heads
from core.heads.base import Head
from core.heads.blend import add_blends, kind_of, members_of
from core.runs.store import RunFolder
from core.train.loop import embed
from core.train.networks.backbones import Network, load_network


@dataclass(frozen=True)
class FoldModel:
    """Answers for one fold. ``heads``: by name, on embeddings, on band statistics or on rich statistics.

    Tabular inputs that the network reads and that are not given are unknown to it.
    """

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
        train, path = run.config().train, run.fold_path(fold)
        normaliser = Normaliser.from_json(run.normaliser_text(fold))
        network = load_network(path).to(device)
        return cls(fold, normaliser, network, load_heads(run.heads_path(fold)), device, train.batch_size, train.tta)

    def log_odds(
        self,
        images: np.ndarray,
        names: Sequence[str],
        rules: Mapping[str, Rule],
        tta: bool | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """Log-odds (N,) float64 of the positive class by each head, for raw patches (N, C, H, W).

        rules: the run's, by head. tta: average over flips and quarter turns; None: as the run was evaluated. columns:
        tabular inputs, (N,) each.
        """
        features = self.features(images, members_of(names), self.tta if tta is None else tta, columns)
        return self.log_odds_of(features, names, rules)

    def log_odds_of(
        self, features: Mapping[str, np.ndarray], names: Sequence[str], rules: Mapping[str, Rule]
    ) -> dict[str, np.ndarray]:
        """The same from what the heads read: ``embeddings``, ``statistics``, ``rich``, as far as they are needed."""
        wanted = members_of(names)
        scores = {name: self.heads[name].decision(features[kind_of(name)], self.device) for name in wanted}
        log_odds = {name: rules[name].log_odds(scores[name], self.fold) for name in wanted}
        log_odds = add_blends(log_odds, names)
        return {name: log_odds[name] for name in names}

    def embeddings(self, images: np.ndarray, columns: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """(N, D) float32 embeddings of raw patches (N, C, H, W), as the run's own were made."""
        return self.features(images, ["fc"], self.tta, columns)["embeddings"]

    def features(
        self, images: np.ndarray, names: Sequence[str], tta: bool, columns: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """What the named heads read of raw patches, once each: ``embeddings``, ``statistics``, ``rich``."""
        kinds, normaliser = {kind_of(name) for name in names}, self.normaliser
        features = {}
        if "embeddings" in kinds:
            patches = normaliser.transform(images)
            inputs = self.network.columns
            table = encode(inputs, columns, len(patches)) if inputs and columns is not None else None
            embedded = embed(self.network, patches, self.device, self.batch_size, tta=tta, table=table)
            features["embeddings"] = embedded.embeddings
        if "statistics" in kinds:
            features["statistics"] = band_statistics(images)
        if "rich" in kinds:
            features["rich"] = rich_statistics(images, normaliser.band_names)
        return features
