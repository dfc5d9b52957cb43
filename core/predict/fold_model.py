"""One fold's whole model, as it answers: normaliser, network and heads together.

From raw patches (N, C, H, W) in the dataset's units it gives each head's decision values and, with the run's rules,
each head's log-odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.band_statistics import FEATURES
from core.data.normalise import Normaliser
from core.data.tabular.columns import encode
from core.errors import ConfigError, RunError, needed
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
        return self.log_odds_of(self.features(images, names, tta, columns), names, rules)

    def log_odds_of(
        self, features: Mapping[str, np.ndarray], names: Sequence[str], rules: Mapping[str, Rule]
    ) -> dict[str, np.ndarray]:
        """The same from what the heads read: ``embeddings`` and kinds of band statistics, as far as they are needed."""
        wanted = members_of(names)
        if missing := [name for name in wanted if name not in self.heads]:
            raise RunError(f"Fold {self.fold + 1} has no head '{missing[0]}'. Copy the run folder again.")
        scores = {name: self.heads[name].decision(features[kind_of(name)], self.device) for name in wanted}
        log_odds = {name: rules[name].log_odds(scores[name], self.fold) for name in wanted}
        log_odds = add_blends(log_odds, names)
        return {name: log_odds[name] for name in names}

    def embeddings(
        self, images: np.ndarray, columns: Mapping[str, np.ndarray] | None = None, tta: bool | None = None
    ) -> np.ndarray:
        """(N, D) float32 embeddings of raw patches (N, C, H, W); tta None: as the run's own were made."""
        return self.features(images, ["fc"], tta, columns)["embeddings"]

    @property
    def draws_outlines(self) -> bool:
        """Whether the network was trained with masks, so that it answers for each pixel (``model.masks``)."""
        return self.network.mask_head is not None

    def outlines(self, images: np.ndarray, tta: bool | None = None) -> np.ndarray:
        """(N, H, W) float32 in 0-1: the mask head's probability of landslide of each pixel of raw patches.

        Not calibrated. tta: average over flips and quarter turns; None: as the run was evaluated. Raises ConfigError
        for a network without a mask head.
        """
        if not self.draws_outlines:
            raise ConfigError(
                "This run has no mask head: it was not trained with masks. Train a U-Net with model.masks=true on a "
                "dataset with masks."
            )
        tta = self.tta if tta is None else tta
        patches = self.normaliser.transform(images)
        found = embed(self.network, patches, self.device, self.batch_size, tta=tta, outlines=True).outlines
        return needed(found, "This network drew no outlines.")

    def features(
        self,
        images: np.ndarray,
        names: Sequence[str],
        tta: bool | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """What the named heads read of raw patches, each kind computed once, for :meth:`log_odds_of`."""
        kinds, normaliser = {kind_of(name) for name in members_of(names)}, self.normaliser
        tta = self.tta if tta is None else tta
        features = {}
        if "embeddings" in kinds:
            patches = normaliser.transform(images)
            inputs = self.network.columns
            table = encode(inputs, columns, len(patches)) if inputs and columns is not None else None
            embedded = embed(self.network, patches, self.device, self.batch_size, tta=tta, table=table)
            features["embeddings"] = embedded.embeddings
        return features | {kind: FEATURES[kind](images, normaliser.band_names) for kind in kinds - {"embeddings"}}
