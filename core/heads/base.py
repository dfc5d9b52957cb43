"""What every head is: a name, a decision value for an embedding, and two files that hold it.

Comes in: embeddings (N, D), or band statistics for the baselines. Goes out: decision values (N,) float64, larger =
more landslide. Heads are plain arrays with a card, never pickles; they know nothing of networks or folds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from core import arrays, files
from core.errors import FormatError, RunError, TrainingError


class Head(Protocol):
    """A fitted head. ``kind`` says which class reads its files."""

    name: str
    kind: str

    def decision(self, embeddings: np.ndarray) -> np.ndarray:
        """(N, D) -> (N,) float64, larger = more landslide. Raises FormatError for another D."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything it learnt, by name."""


@dataclass(frozen=True)
class LinearHead:
    """``((x - center) / scale) @ weight + bias``; the network's own layer and the logistic baseline are such heads.

    center, scale, weight: (D,) float64; bias: () float64.
    """

    name: str
    center: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    kind = "linear"

    def decision(self, embeddings: np.ndarray) -> np.ndarray:
        x = checked(embeddings, len(self.weight), self.name)
        return ((x - self.center) / self.scale) @ self.weight + self.bias

    def arrays(self) -> dict[str, np.ndarray]:
        return {"center": self.center, "scale": self.scale, "weight": self.weight, "bias": self.bias}


def checked(embeddings: np.ndarray, n_features: int, name: str) -> np.ndarray:
    """``embeddings`` as (N, D) float64. Raises FormatError when they are not what the head was fitted on."""
    x = np.asarray(embeddings, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != n_features:
        raise FormatError(
            f"The head '{name}' was fitted on {n_features} features and was given an array of shape {x.shape}. "
            "Use embeddings of the network (or statistics of the bands) of its own fold."
        )
    return x


def check_training(features: np.ndarray, labels: np.ndarray, name: str, per_class: int = 1) -> tuple:
    """Features (N, D) float64 and labels (N,) int8 at the door of a fit.

    Raises TrainingError when they do not match, hold values that are not finite, or lack ``per_class`` patches of a
    class; the message says why this head is left out.
    """
    x, y = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if x.ndim != 2 or y.shape != (len(x),) or not np.isin(y, (0, 1)).all():
        raise TrainingError(
            f"The head '{name}' needs (N, D) features and N labels 0 or 1; got {x.shape} and {y.shape}."
        )
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).any(axis=1).sum())
        raise TrainingError(f"The head '{name}' is left out: {bad} of {len(x)} feature rows are not finite.")
    positives = int((y == 1).sum())
    if min(positives, len(y) - positives) < per_class:
        raise TrainingError(
            f"The head '{name}' is left out: the training part has {positives} landslides and {len(y) - positives} "
            f"others; at least {per_class} of each are needed."
        )
    return x, y.astype(np.int8)


def standardisation(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Center and scale (D,) float64 as scikit-learn's StandardScaler has them; a constant feature has scale 1."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    return scaler.mean_, scaler.scale_


def save_head(head: Head, folder: Path) -> None:
    """Writes ``<name>.safetensors`` and its card ``<name>.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = arrays.save_arrays(folder / f"{head.name}.safetensors", head.arrays())
    card = {"name": head.name, "kind": head.kind, "sha256": digest}
    files.write_text(folder / f"{head.name}.json", json.dumps(card, indent=2) + "\n")


def read_head(card_path: Path) -> tuple[str, str, dict[str, np.ndarray]]:
    """Name, kind and arrays of a saved head. Raises RunError when a file is missing or not what the card describes."""
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        name, kind, digest = str(card["name"]), str(card["kind"]), card["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"The card {card_path.name} of a head is damaged. Fit the heads again.") from error
    weights = card_path.with_suffix(".safetensors")
    if not weights.is_file() or files.sha256(weights) != digest:
        raise RunError(f"{weights.name} is missing or not the file that its card describes. Fit the heads again.")
    return name, kind, arrays.load_arrays(weights)
