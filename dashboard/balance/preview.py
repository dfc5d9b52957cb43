"""TODO-ROOM"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from dashboard import cache


def smote_preview(data: Dataset, k_neighbors: int, seed: int = 0, most: int = 300) -> pd.DataFrame:
    """What SSIM-SMOTE would make of at most ``most`` landslides, one synthetic each: a lineage table.

    Normalised by these landslides and as many others. Raises LandslideLensError in plain words.
    """
    return _smote_preview(str(data.path), cache.file_version(data.path), k_neighbors, seed, most)


@st.cache_data(max_entries=8, show_spinner="Comparing every pair of landslides…", show_time=True)
def _smote_preview(path: str, version: cache.Version, k_neighbors: int, seed: int, most: int) -> pd.DataFrame:
    from core.data.normalise import fit_normaliser
    from core.smote.resample import synthesise

    data = cache.dataset(Path(path))
    rng = np.random.default_rng(seed)
    positive, negative = (rng.permutation(np.flatnonzero(data.labels == label))[:most] for label in (1, 0))
    positive = np.sort(positive)
    known = data.images(np.sort(np.concatenate([positive, negative])))
    normaliser = fit_normaliser(known, "standard", data.band_names, data.nodata)
    made = synthesise(normaliser.transform(data.images(positive)), len(positive), k_neighbors=k_neighbors, seed=seed)
    ids = data.ids[positive]
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
