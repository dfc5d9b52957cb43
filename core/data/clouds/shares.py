"""How much of each patch of a dataset is cloud and shadow, and the table beside the dataset file that keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from core.data.clouds.network import CLOUD, PACKAGE, SHADOW, UNSEEN, VERSION, Level
from core.data.clouds.reflectance import NEEDED, PIXEL_M, coarser, factors, steps_of
from core.data.store import Dataset
from core.data.store.beside import CLOUD_SHARE, SHADOW_SHARE, keep
from core.progress import Progress, Steps

AT_ONCE = 16  # patches read at a time


class Classifier(Protocol):
    """What tells clouds: ``core.data.clouds.network.CloudNetwork``."""

    level: Level

    def classes(self, coarse: np.ndarray) -> np.ndarray:
        """(4, h, w) reflectance -> (h, w) classes."""


def level_of(dataset: Dataset) -> Level:
    """The processing level that the bands speak for: cirrus (B10) is in Level-1C alone; else Level-2A."""
    return "l1c" if "cirrus" in dataset.band_names else "l2a"


def measure(dataset: Dataset, network: Classifier) -> Steps[tuple[pd.DataFrame, dict[str, Any]]]:
    """Columns id, CLOUD_SHARE and SHADOW_SHARE, shares 0-1 of what was seen of each patch, nan where nothing was.

    And how they came, plain values. Raises ConfigError for bands or units that clouds cannot be told from.
    """
    scale = factors(dataset.bands, dataset.name)[:, None, None]
    stated = dataset.facts.get("pixel_m")
    pixel_m = float(stated) if isinstance(stated, int | float) and stated > 0 else PIXEL_M
    step, n = steps_of(pixel_m), len(dataset)
    shares = np.full((n, 2), np.nan)
    for start in range(0, n, AT_ONCE):
        yield Progress(start / n, f"Clouds of patches {start + 1:,} to {min(start + AT_ONCE, n):,} of {n:,}.")
        images = dataset.images(np.arange(start, min(start + AT_ONCE, n)), NEEDED)
        for k, image in enumerate(images):
            coarse, seen = coarser(image * scale, step)
            classes = network.classes(coarse)
            weight = np.where(classes == UNSEEN, 0.0, seen)
            if weight.sum() > 0:
                shares[start + k] = [(weight * (classes == kind)).sum() / weight.sum() for kind in (CLOUD, SHADOW)]
    table = pd.DataFrame({"id": dataset.ids, CLOUD_SHARE: shares[:, 0], SHADOW_SHARE: shares[:, 1]})
    card = {
        "dataset_hash": dataset.card_hash, "network": f"{PACKAGE} {VERSION}", "level": network.level,
        "pixel_m": pixel_m, "pixel_known": pixel_m == stated, "coarse_m": step * pixel_m,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    keep(dataset.path, table, card)
    return table, card
