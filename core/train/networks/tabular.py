"""The tabular branch: columns of a patch (``core.data.tabular.columns``) as features joined to the embedding.

Without a table, the features are those of a patch of which nothing is known. In training, a share of the patches has
all its columns removed, so that the network learns to answer without them. :class:`TabularInputs` is what the training
loop is given besides soft labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import ModelConfig
from core.data.tabular.columns import Column, encode, learn_columns
from core.data.tabular.second import second_classes, second_words
from core.train.targets import CLASSES

FEATURES = 16  # of the branch: a few columns hold little next to an embedding of hundreds


class TabularBranch(nn.Module):
    """One dense layer and ReLU. The weights of a category are its embedding; mixed tables mix embeddings."""

    def __init__(self, columns: Sequence[Column], dropped: float) -> None:
        super().__init__()
        self.columns, self.dropped, self.n_features = tuple(columns), dropped, FEATURES
        unknown = torch.from_numpy(encode(self.columns, None, 1)[0])
        self.register_buffer("unknown", unknown, persistent=False)  # (P,)
        self.dense = nn.Linear(len(unknown), FEATURES)

    def forward(self, table: Tensor | None, n: int) -> Tensor:
        """(N, P) -> (N, D); None: nothing is known of any of the n patches. Draws come from torch's generator."""
        if table is None:
            table = self.unknown.expand(n, -1)
        elif self.training and self.dropped > 0.0:
            lost = torch.rand(len(table), 1, device=table.device) < self.dropped
            table = torch.where(lost, self.unknown, table)
        return torch.relu(self.dense(table.float()))


@dataclass(frozen=True)
class Known:
    """The columns of patches. columns: as learnt; table: (N, P); second: (N, S), rows of 0 where unknown.

    ``table`` is None without columns, ``second`` None without a second head.
    """

    columns: tuple[Column, ...] = ()
    second_classes: tuple[str, ...] = ()
    table: np.ndarray | None = None
    second: np.ndarray | None = None

    @classmethod
    def learn(
        cls, model: ModelConfig, columns: Mapping[str, np.ndarray], labels: np.ndarray, rows: np.ndarray
    ) -> Known:
        """Of all N patches, learnt on the training ``rows``. Raises ConfigError for missing columns."""
        learnt = learn_columns(columns, model.columns, rows)
        table = encode(learnt, columns, len(labels)) if learnt else None
        if model.second_column is None:
            return cls(learnt, (), table)
        words = second_words(model, columns, labels)
        classes = second_classes(model, words, rows)
        return cls(learnt, classes, table, (words[:, None] == np.array(classes)).astype(np.float32))

    def at(self, rows: np.ndarray) -> Known:
        """Of the patches at ``rows``."""
        cut = [None if part is None else part[rows] for part in (self.table, self.second)]
        return Known(self.columns, self.second_classes, *cut)

    def append_to(self, targets: np.ndarray) -> np.ndarray:
        """(N, K + S + P) float32: soft labels followed by second and table, which are mixed as labels are."""
        parts = [part for part in (self.second, self.table) if part is not None]
        return np.concatenate([targets, *parts], axis=1, dtype=np.float32)

    @property
    def layout(self) -> Layout:
        """Which columns of :meth:`append_to` are what."""
        return Layout(len(self.second_classes), 0 if self.table is None else self.table.shape[1])


@dataclass(frozen=True)
class TabularInputs:
    """The columns of the training patches, and the tables of the patches that validate and choose."""

    train: Known = Known()
    val: np.ndarray | None = None
    inner: np.ndarray | None = None


@dataclass(frozen=True)
class Layout:
    """A row of targets: K soft labels, ``second`` of the second head's classes, ``table`` of the table."""

    second: int = 0
    table: int = 0

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Soft labels (N, K), second (N, S) or none, table (N, P) or none."""
        labels, second, table = rows.split((CLASSES, self.second, self.table), dim=1)
        return labels, second if self.second else None, table if self.table else None


def second_loss(logits: Tensor, second: Tensor) -> Tensor:
    """Cross-entropy of the second head's classes, the mean over what of the patches is known; or 0."""
    parts = -(second * F.log_softmax(logits.float(), dim=1)).sum()
    return parts / second.sum().clamp(min=1.0)
