"""What augmentation makes of a few patches, drawn as training draws it and converted back to the bands' own units.

Light to import: pages read :class:`Preview`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.errors import DataError
from core.io.safetensors_file import load_arrays, save_arrays

FITTED_ON = 512  # patches at most, by which values are normalised here; a run fits on the training part of its fold


@dataclass(frozen=True)
class Preview:
    """Some patches and ``D`` augmented draws of each.

    ids, labels: (n,). bands: names (C,). images: (n, C, H, W) and drawn: (D, n, C, H, W), float32 in the bands' units,
    or as normalised where ``in_units`` is False. share: (D, n) the landslide share of the label after mixing.
    """

    ids: np.ndarray
    labels: np.ndarray
    bands: tuple[str, ...]
    images: np.ndarray
    drawn: np.ndarray
    share: np.ndarray
    in_units: bool

    def save(self, path: Path) -> dict[str, Any]:
        """Write the arrays of pixels to ``path``; the rest as plain values. See :meth:`load`."""
        save_arrays(path, {"images": self.images, "drawn": self.drawn.astype(np.float32), "share": self.share})
        return {"ids": self.ids, "labels": self.labels, "bands": self.bands, "in_units": self.in_units}

    @classmethod
    def load(cls, path: Path, values: Mapping[str, Any]) -> Preview:
        """The inverse of :meth:`save`."""
        ids, labels = np.array(values["ids"], str), np.array(values["labels"], int)
        return cls(ids, labels, tuple(values["bands"]), in_units=bool(values["in_units"]), **load_arrays(path))


def preview(path: Path, config: RunConfig, n: int = 4, draws: int = 4, seed: int = 0) -> Preview:
    """``n`` labelled patches of both classes, drawn by ``seed``, each augmented ``draws`` times.

    The patches of a draw are one batch, so that they are mixed with each other: each with the one before it. Raises
    ConfigError or DataError as the run would.
    """
    import torch

    from core.data.normalise import fit_normaliser
    from core.data.selection import select
    from core.data.store import open_dataset
    from core.train.augmentation.augment import augment
    from core.train.augmentation.colour import BandUnits
    from core.train.networks.model_scaling import model_scaling
    from core.train.targets import soft_targets
    from core.train.validation import watched

    dataset = open_dataset(path)
    selection = select(dataset, config.data, config.folds)
    labelled = np.flatnonzero(selection.labels >= 0)
    rows = watched(selection.labels, seed, n)
    if len(rows) < 2:
        raise DataError(f"'{dataset.name}' has {len(labelled)} labelled patches; a preview needs 2.")
    rows = _alternating(rows, selection.labels)
    names = tuple(band.name for band in selection.bands)
    fitted_on = np.random.default_rng(seed).permutation(labelled)[:FITTED_ON]
    normaliser = fit_normaliser(
        dataset.images(np.sort(fitted_on), bands=names), config.normalise.method, names,
        model_scaling(config.model, selection.bands),
    )  # fmt: skip
    images, labels = dataset.images(rows, bands=names), selection.labels[rows]
    batch = torch.from_numpy(normaliser.transform(images))
    targets = torch.from_numpy(soft_targets(labels))
    units = BandUnits(selection.bands, *normaliser.units, torch.device("cpu")) if normaliser.units else None
    augmented = [
        augment(batch, targets, config.augment, np.random.default_rng((seed, draw)), units) for draw in range(draws)
    ]
    drawn = np.stack([images.numpy() for images, _ in augmented])
    share = np.stack([target[:, 1].numpy() for _, target in augmented])
    if normaliser.units is None:
        return Preview(dataset.ids[rows], labels, names, batch.numpy(), drawn, share, False)
    center, scale = (np.asarray(values, np.float32).reshape(-1, 1, 1) for values in normaliser.units)
    return Preview(dataset.ids[rows], labels, names, images, drawn * scale + center, share, True)


def _alternating(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """``rows`` with the classes alternating, so that mixing with the previous patch shows in the label."""
    positive, other = rows[labels[rows] == 1], rows[labels[rows] == 0]
    order = np.concatenate([2 * np.arange(len(positive)), 2 * np.arange(len(other)) + 1])
    return np.concatenate([positive, other])[np.argsort(order, kind="stable")]
