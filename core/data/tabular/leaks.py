"""Columns that give the label away: what each says of it, and what its missing values say of it.

The measure is mutual information in bits,
beside the label's entropy H (all there is to know) and the level of chance, from permuted labels. Paper B's size label
is "unknown" for every patch without a landslide: its mutual information is H, and a network that reads it looks at
nothing else. The labels of all patches are used, to warn; nothing is learnt from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.tabular.columns import MOST_CATEGORIES, as_numbers, as_words, is_unknown, kind_of
from core.errors import ConfigError
from core.stats.permutation import shuffled_in_blocks

PERMUTATIONS = 200
BINS = 10  # of a number, by its quantiles
# Shares of H, above chance. Slope or rain may rightly say much of a landslide; half of everything is an answer. That
# something was not noted down is no property of the ground at all.
TOO_MUCH, TOO_MUCH_UNKNOWN = 0.5, 0.1
TOO_MUCH_OF_FILE = 0.02  # nor is how the picture was cut or saved
SIZE_COLUMNS = ("width", "height", "image_width", "image_height", "img_width", "img_height", "n_pixels")
FILE_COLUMNS = (*SIZE_COLUMNS, "file_size", "filesize", "size_bytes", "bytes", "file_format", "extension", "quality")


@dataclass(frozen=True)
class ColumnReport:
    """What a column says of the label, in bits.

    entropy: of the label. information: of the column with the label, numbers in ten classes, "unknown" one more.
    of_unknown: of its being unknown alone. chance, chance_unknown: 95 % quantiles of the same over permuted labels.
    share, share_unknown: above the mean of chance, of what is left of the entropy. reason: why it leaks, or "".
    """

    name: str
    kind: str
    n: int
    n_unknown: int
    n_values: int
    entropy: float
    information: float
    chance: float
    share: float
    of_unknown: float
    chance_unknown: float
    share_unknown: float
    reason: str

    @property
    def leaks(self) -> bool:
        """Whether it is refused unless the user says otherwise."""
        return bool(self.reason)


def column_reports(
    columns: Mapping[str, np.ndarray],
    labels: np.ndarray,
    names: Sequence[str] | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> list[ColumnReport]:
    """A report of each named column (none: all) over the labelled patches. labels: (N,), -1 where unlabelled."""
    labelled = np.flatnonzero(np.asarray(labels) >= 0)
    target = np.asarray(labels)[labelled].astype(np.int64)
    own = None if groups is None else np.asarray(groups)[labelled]
    return [
        column_report(name, np.asarray(columns[name])[labelled], target, seed, own)
        for name in (columns if names is None else names)
    ]


def column_report(
    name: str, values: np.ndarray, labels: np.ndarray, seed: int = 0, groups: np.ndarray | None = None
) -> ColumnReport:
    """One column over labelled patches: values, labels (N,), 0 or 1; groups (N,) are permuted whole."""
    unknown, kind = is_unknown(values), kind_of(values)
    codes = _codes(values, unknown, kind)
    permuted = [shuffled_in_blocks(labels, groups, np.random.default_rng((seed, i))) for i in range(PERMUTATIONS)]
    entropy = _entropy(labels)
    found, chance, share = _against_chance(codes, labels, permuted, entropy)
    of_unknown, chance_unknown, share_unknown = _against_chance(unknown.astype(np.int64), labels, permuted, entropy)
    n_values = len(np.unique(as_words(values)[~unknown]))
    reason = ""
    if share_unknown >= TOO_MUCH_UNKNOWN and of_unknown > chance_unknown:
        reason = (
            f"Whether '{name}' is unknown tells {of_unknown:.2f} of the label's {entropy:.2f} bits: of the patches "
            f"where it is unknown {labels[unknown].mean():.0%} are positive, of the others "
            f"{labels[~unknown].mean():.0%}."
        )
    elif share >= TOO_MUCH and found > chance:
        reason = (
            f"'{name}' tells {found:.2f} of the label's {entropy:.2f} bits; it may have been written from the label."
        )
    elif name.lower() in FILE_COLUMNS and share >= TOO_MUCH_OF_FILE and found > chance:
        reason = (
            f"'{name}' is a property of the picture's file, not of the ground, and tells {found:.2f} of the label's "
            f"{entropy:.2f} bits: the classes were cut or saved differently."
        )
    elif kind == "category" and n_values > MOST_CATEGORIES:
        reason = f"'{name}' has {n_values:,} different values: a name of patches, not a property of the ground."
    return ColumnReport(
        name, kind, len(labels), int(unknown.sum()), n_values, entropy,
        found, chance, share, of_unknown, chance_unknown, share_unknown, reason,
    )  # fmt: skip


def refuse_leaks(reports: Sequence[ColumnReport], setting: str = "model.columns") -> None:
    """Raises ConfigError naming the columns that leak. setting: where the columns that are read are chosen."""
    if reasons := [report.reason for report in reports if report.leaks]:
        raise ConfigError(
            f"A column gives the label away. {' '.join(reasons)} Leave it out of {setting}, or set "
            "model.columns_leak=allow if you know that it will be known in the same way where the model is used."
        )


def _codes(values: np.ndarray, unknown: np.ndarray, kind: str) -> np.ndarray:
    """(N,) int64 classes: the unknown are 0."""
    codes = np.zeros(len(values), np.int64)
    if kind == "category":
        codes[~unknown] = 1 + np.unique(as_words(values)[~unknown], return_inverse=True)[1]
        return codes
    numbers = as_numbers(values)[~unknown]
    if numbers.size:
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
        # A value that is an edge is a class of its own: a heap of zeros is one, whatever lies above it.
        codes[~unknown] = 1 + np.searchsorted(edges, numbers) + np.searchsorted(edges, numbers, side="right")
    return codes


def _against_chance(
    codes: np.ndarray, labels: np.ndarray, permuted: list[np.ndarray], entropy: float
) -> tuple[float, float, float]:
    """Mutual information, chance's 95 % quantile, and the share of the entropy above chance's mean."""
    found = mutual_information(codes, labels)
    by_chance = np.array([mutual_information(codes, other) for other in permuted])
    mean = by_chance.mean()
    left = entropy - mean
    return found, float(np.quantile(by_chance, 0.95)), max(0.0, (found - mean) / left) if left > 1e-9 else 0.0


def mutual_information(codes: np.ndarray, labels: np.ndarray) -> float:
    """Of two discrete variables (N,), whole numbers from 0 on, in bits."""
    if not len(codes):
        return 0.0
    joint = np.zeros((codes.max() + 1, labels.max() + 1))
    np.add.at(joint, (codes, labels), 1.0)
    joint /= len(codes)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log2(joint[there] / apart[there])).sum())


def _entropy(labels: np.ndarray) -> float:
    shares = np.bincount(labels) / max(len(labels), 1)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
