"""What every head is: a name, a decision value for an embedding, and two files that hold it.

Heads turn embeddings (N, D), or band statistics for the baselines, into decision values (N,) float64, larger = more
likely landslide. They are stored as plain arrays or plain text with a card, never as pickles.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from core.errors import DataError, FormatError, RunError, TrainingError
from core.io import atomic, safetensors_file
from core.io.json_text import load_json
from core.io.plain_file import is_there


class Head(Protocol):
    """A fitted head. ``kind`` says which class reads its file, whose name ends in ``suffix``."""

    @property
    def name(self) -> str:
        """What the head is called."""

    @property
    def kind(self) -> str:
        """The name of its class."""

    @property
    def suffix(self) -> str:
        """The end of its file's name."""

    def decision(self, embeddings: np.ndarray, device: Any = None) -> np.ndarray:
        """(N, D) -> (N,) float64, larger = more landslide; ``device``: where to compute, if it is worth it.

        Raises FormatError for another D.
        """

    def save(self, path: Path) -> str:
        """Writes everything it learnt to ``path`` and returns the file's sha256."""

    def facts(self) -> dict[str, float]:
        """What its card says of it for people: sizes, and the gamma of an SVM."""


class ArrayHead(ABC):
    """A head that is nothing but named arrays, kept as safetensors."""

    kind: ClassVar[str]
    suffix = ".safetensors"

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """Everything it learnt, by name."""

    def save(self, path: Path) -> str:
        """See :class:`Head`."""
        return safetensors_file.save_arrays(path, self.arrays())

    @classmethod
    def load(cls, name: str, path: Path) -> Self:
        """The head in ``path``. Raises UnsafeFileError for what is no safetensors file."""
        return cls.from_arrays(name, safetensors_file.load_arrays(path))

    @classmethod
    def from_arrays(cls, name: str, arrays: dict[str, np.ndarray]) -> Self:
        """The head that is made of these arrays. Raises RunError when they are not those of its kind."""
        make: Callable[..., Self] = cls  # each kind is a dataclass of a name and its arrays
        try:
            return make(name=name, **arrays)
        except TypeError as error:
            raise RunError(
                f"The arrays of the head '{name}' are not those of kind '{cls.kind}'. Fit the heads again."
            ) from error


@dataclass(frozen=True)
class LinearHead(ArrayHead):
    """``((x - center) / scale) @ weight + bias``; the network's own layer and the logistic baseline are such heads.

    center, scale, weight: (D,) float64; bias: () float64.
    """

    name: str
    center: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    kind = "linear"

    def decision(self, embeddings: np.ndarray, device: Any = None) -> np.ndarray:
        """See :class:`Head`; one product of a matrix and a vector is done where the embeddings are."""
        x = checked(embeddings, len(self.weight), self.name)
        return ((x - self.center) / self.scale) @ self.weight + self.bias

    def facts(self) -> dict[str, float]:
        """See :class:`Head`."""
        return {"n_features": len(self.weight)}

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`ArrayHead`."""
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
    """Writes the head's file, ``<name>`` with its kind's suffix, and its card ``<name>.json``."""
    atomic.make_folder(folder)
    digest = head.save(folder / f"{head.name}{head.suffix}")
    card = {"name": head.name, "kind": head.kind, "sha256": digest, **head.facts()}
    atomic.write_text(folder / f"{head.name}.json", json.dumps(card, indent=2) + "\n")


def read_card(card_path: Path) -> tuple[str, str, str]:
    """Name, kind and digest on a head's card. Raises RunError when it is damaged."""
    try:
        card = load_json(card_path)
        return str(card["name"]), str(card["kind"]), str(card["sha256"])
    except (OSError, DataError, KeyError, TypeError) as error:
        raise RunError(f"The card {card_path.name} of a head is damaged ({error}). Fit the heads again.") from error


def check_digest(path: Path, digest: str) -> Path:
    """``path`` itself. Raises RunError when it is missing or not the file that its card describes."""
    if not is_there(path) or atomic.sha256(path) != digest:
        raise RunError(f"{path.name} is missing or not the file that its card describes. Fit the heads again.")
    return path
