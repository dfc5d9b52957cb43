"""What SSIM-SMOTE would make of a dataset's landslides: asked before training, without a run or a fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.config import SmoteConfig
from core.data.normalise import fit_normaliser
from core.data.store import open_dataset
from core.data.store.missing import has_data
from core.smote.resample import synthesise

MOST = 300  # landslides at most: every pair of them is compared
DEFAULTS = SmoteConfig()


def smote_preview(path: Path, k_neighbors: int = DEFAULTS.k_neighbors, seed: int = 0, most: int = MOST) -> pd.DataFrame:
    """A lineage table of one synthetic patch for each of at most ``most`` landslides.

    Normalised by these landslides and as many other patches. Raises DataError for a file that cannot be used, and
    ConfigError for ``k_neighbors`` below 1.
    """
    dataset = open_dataset(path)
    rng = np.random.default_rng(seed)
    positive, negative = (rng.permutation(np.flatnonzero(dataset.labels == label))[:most] for label in (1, 0))
    positive = np.sort(positive)
    known = dataset.images(np.sort(np.concatenate([positive, negative])))
    normaliser = fit_normaliser(known, "standard", dataset.band_names)
    minority = dataset.images(positive)
    made = synthesise(
        normaliser.transform(minority), len(positive), k_neighbors=k_neighbors, seed=seed, valid=has_data(minority)
    )
    ids = dataset.ids[positive]
    return pd.DataFrame(
        {
            "fold": 0,
            "synthetic": [f"preview_{i:05d}" for i in range(len(made.anchor))],
            "anchor": ids[made.anchor],
            "neighbour": ids[made.neighbour],
            "anchor_weight": made.anchor_weight,
            "ssim": made.ssim,
            "seed": seed,
        }
    )
