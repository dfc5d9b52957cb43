"""What the same recipe reads under every way of splitting: numbers of a patch that nothing was learnt for.

Neither band statistics nor a frozen network's features depend on the labels or on other patches, so that only the
classifier on them has to be fitted again for each fold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.config import ModelConfig
from core.data.band_statistics import NAMES, band_statistics
from core.data.bands import Band
from core.data.leakage.duplicates import patch_hashes
from core.data.store.dataset import Dataset
from core.errors import ConfigError
from core.progress import Progress, Steps

STATISTICS, PACKAGED, TRAINED = "statistics", "packaged", "trained"
WORDS = {
    STATISTICS: "An SVM on band statistics",
    PACKAGED: "An SVM on features of EfficientNet-Lite0 with packaged ImageNet weights, frozen",
    TRAINED: "Networks trained with the run's settings",
}
BACKBONE, SIDE = "tf_efficientnet_lite0", 128
BATCH = 256


def hashes_of(dataset: Dataset, rows: np.ndarray, bands: Sequence[Band]) -> Steps[np.ndarray]:
    """(N,) text, equal for patches that are equal in ``bands``; those not in ``rows`` have their own name."""
    hashes = dataset.ids.astype("U64")
    for start in range(0, len(rows), BATCH):
        yield Progress(start / max(len(rows), 1), f"Reading {start:,} of {len(rows):,} patches.")
        part = rows[start : start + BATCH]
        hashes[part] = patch_hashes(dataset.images(part, [band.name for band in bands]))
    return hashes


def features_of(recipe: str, dataset: Dataset, rows: np.ndarray, bands: Sequence[Band]) -> Steps[np.ndarray]:
    """(N, D) float32, 0 for patches that are not in ``rows``.

    recipe: ``STATISTICS`` (9 of each band; of a table of columns its values, 0 where missing) or ``PACKAGED`` (1280).

    Raises ConfigError where the dataset does not suit the recipe.
    """
    describe = _statistics(dataset) if recipe == STATISTICS else _packaged(dataset, bands)
    names = [band.name for band in bands]
    features: np.ndarray | None = None
    for start in range(0, len(rows), BATCH):
        yield Progress(start / max(len(rows), 1), f"Features of {start:,} of {len(rows):,} patches.")
        part = rows[start : start + BATCH]
        found = describe(dataset.images(part, names))
        features = np.zeros((len(dataset), found.shape[1]), np.float32) if features is None else features
        features[part] = found
    return np.zeros((len(dataset), 0), np.float32) if features is None else features


def must_suit(recipe: str, dataset: Dataset, bands: Sequence[Band]) -> None:
    """Raise ConfigError where the frozen network cannot read these bands, or its weights are not installed."""
    if recipe != PACKAGED:
        return
    from core.config.packaged_weights import require

    if not dataset.has_pictures:
        raise ConfigError(f"{dataset.name} is a table of columns, without pictures for a network. Choose statistics.")
    if lacking := {"red", "green", "blue"} - {band.name for band in bands}:
        raise ConfigError(
            f"The frozen network reads red, green and blue; the bands in use lack {', '.join(sorted(lacking))}. Choose "
            "statistics."
        )
    require(_model())


def _model() -> ModelConfig:
    return ModelConfig(backbone=BACKBONE, image_size=SIDE, pretrained="packaged")


def _statistics(dataset: Dataset):
    def describe(images: np.ndarray) -> np.ndarray:
        found = band_statistics(images)
        return found if dataset.has_pictures else found.reshape(len(images), -1, len(NAMES))[:, :, 0]

    return describe


def _packaged(dataset: Dataset, bands: Sequence[Band]):
    import torch

    from core.data.normalise import Normaliser
    from core.train.inference import embed
    from core.train.networks.backbones import build_network
    from core.train.networks.model_scaling import RGB, model_scaling

    must_suit(PACKAGED, dataset, bands)
    names = [band.name for band in bands]
    places, colours = [names.index(name) for name in RGB], [bands[names.index(name)] for name in RGB]
    scaling = model_scaling(_model(), colours)
    if set(scaling) != set(RGB):
        raise ConfigError(
            "The frozen network needs red, green and blue in a unit that leads to reflectance or to 0-255. State the "
            "bands' units when ingesting, or choose statistics."
        )
    network, _ = build_network(_model(), colours, dataset.shape[1:], seed=0)

    centre, scale = (np.array([scaling[name][k] for name in RGB], np.float32) for k in (0, 1))
    normaliser = Normaliser("model", RGB, centre, scale, centre)  # fixed numbers: nothing is learnt from the patches

    def describe(images: np.ndarray) -> np.ndarray:
        return embed(network, normaliser.transform(images[:, places]), torch.device("cpu"), 64).embeddings

    return describe
