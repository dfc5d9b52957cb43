"""How far every patch lies from a chosen one, where the network that has not seen the chosen one puts them."""

from __future__ import annotations

import numpy as np

from core.embed.features import Preparation
from core.flow.fold_rows import fold_rows
from core.runs.store import RunFolder


def distances(run: RunFolder, fold: int, row: int) -> np.ndarray:
    """(N,) float64, by dataset row: the distance from ``row`` in the embedding of this fold, in the run's metric.

    0 for the row itself. Raises RunError where the fold kept no embeddings.
    """
    known = run.embeddings(fold)["embeddings"]
    prepared = Preparation.fit(known, fold_rows(run, fold).train, run.config().embed.metric).rows(known)
    found = np.linalg.norm(prepared.astype(np.float64) - prepared[row], axis=1)
    found[row] = 0.0
    return found
