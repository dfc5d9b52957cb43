"""The training patches that new ones are nearest to, in the embedding of the first fold's network.

Each fold's network has a space of its own, so that distances are within one fold: its network, and the patches that it
learnt from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.data.store import open_dataset
from core.embed.features import Preparation
from core.embed.neighbours import nearest
from core.errors import LandslideLensError
from core.runs.store import RunFolder

K = 3
FOLD = 0  # the first: the one whose embeddings an ensemble gives


def nearest_ids(
    run: RunFolder, training_rows: Callable[[int], np.ndarray], told: list[str]
) -> Callable[[np.ndarray], np.ndarray] | None:
    """From embeddings (n, D) of the first fold's network to the ids (n, K) of its nearest training patches.

    training_rows: from a fold to the rows, among the run's embeddings, that it learnt from. Angles between embeddings
    count. None, and ``told`` why, where the run does not hold what is needed.
    """
    try:
        known = run.embeddings(FOLD)["embeddings"]
        train, ids = training_rows(FOLD), _ids(run, len(known))
        preparation = Preparation.fit(known, train, "cosine")
    except (LandslideLensError, OSError, KeyError) as error:
        told.append(f"The nearest training patches cannot be told ({str(error).rstrip('.')}).")
        return None
    learnt, names = preparation.rows(known[train]), ids[train]

    def near(embeddings: np.ndarray) -> np.ndarray:
        return names[nearest(preparation.rows(embeddings), learnt, K).index]

    return near


def _ids(run: RunFolder, n: int) -> np.ndarray:
    """(n,) the id of each row of the run's embeddings."""
    oof = run.oof()
    if len(oof) == n:
        return oof["id"].astype(str).to_numpy(dtype=object)
    return open_dataset(run.dataset_path()).ids.astype(object)
