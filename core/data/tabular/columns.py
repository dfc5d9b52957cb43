"""Facts about patches as a network can read them: columns of numbers or categories, and what is unknown of them.

The table (N, P) float32 has standardised numbers, one-hot categories and a mark for the unknown. What is learnt (mean,
spread, categories) comes from the training rows alone; a category that they do not have is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from core.errors import ConfigError

UNKNOWN_WORDS = frozenset({"", "nan", "none", "null", "na", "n/a", "unknown", "unspecified", "?", "-"})
MOST_CATEGORIES = 64  # more are names rather than kinds
Kind = Literal["number", "category"]


@dataclass(frozen=True)
class Column:
    """One column as learnt: of a number its ``center`` and ``scale``, of a category the ``categories`` there are."""

    name: str
    kind: Kind
    center: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns of the table that it fills: the unknown mark, and a value or one a category."""
        return 1 + (1 if self.kind == "number" else len(self.categories))

    def to_dict(self) -> dict:
        """Plain values for a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Column:
        """The inverse of :meth:`to_dict`. Raises KeyError, TypeError or ValueError for anything else."""
        made = cls(**{**values, "categories": tuple(values["categories"])})
        texts = (made.name, made.kind, *made.categories)
        if not all(isinstance(text, str) for text in texts) or made.kind not in ("number", "category"):
            raise ValueError(f"'{made.name}' is no column of numbers or categories")
        if not (np.isfinite(made.center) and np.isfinite(made.scale) and made.scale > 0):
            raise ValueError(f"the numbers of column '{made.name}' cannot be used")
        return made


def is_unknown(values: np.ndarray) -> np.ndarray:
    """(N,) bool: not a number, or one of UNKNOWN_WORDS in any spelling."""
    values = np.asarray(values)
    if values.dtype.kind in "fiub":
        return ~np.isfinite(values.astype(np.float64))
    return np.isin(np.char.lower(np.char.strip(values.astype(str))), list(UNKNOWN_WORDS))


def kind_of(values: np.ndarray) -> Kind:
    """A number where every known value is one, else a category."""
    values = np.asarray(values)
    if values.dtype.kind in "fiu":
        return "number"
    if values.dtype.kind == "b":
        return "category"
    try:
        values[~is_unknown(values)].astype(np.float64)
    except ValueError:
        return "category"
    return "number" if not is_unknown(values).all() else "category"


def as_numbers(values: np.ndarray) -> np.ndarray:
    """(N,) float64, nan where unknown."""
    unknown = is_unknown(values)
    found = np.full(len(values), np.nan)
    found[~unknown] = np.asarray(values)[~unknown].astype(np.float64)
    return found


def as_words(values: np.ndarray) -> np.ndarray:
    """(N,) text without outer blanks, empty where unknown."""
    words = np.char.strip(np.asarray(values).astype(str))
    return np.where(is_unknown(values), "", words)


def learn_columns(
    columns: Mapping[str, np.ndarray], names: Sequence[str], rows: np.ndarray, setting: str = "model.columns"
) -> tuple[Column, ...]:
    """Each named column as the training ``rows`` show it. Raises ConfigError for one that is not there or no kind."""
    if missing := [name for name in names if name not in columns]:
        known = ", ".join(columns) or "none"
        raise ConfigError(
            f"{setting} names '{missing[0]}', which the dataset file does not have. Its columns: {known}."
        )
    return tuple(_learn(name, np.asarray(columns[name]), rows) for name in names)


def _learn(name: str, values: np.ndarray, rows: np.ndarray) -> Column:
    if kind_of(values) == "number":
        known = as_numbers(values[rows])
        known = known[np.isfinite(known)]
        spread = float(known.std()) if known.size else 0.0
        return Column(name, "number", float(known.mean()) if known.size else 0.0, spread if spread > 1e-12 else 1.0)
    categories = tuple(sorted(set(as_words(values[rows]).tolist()) - {""}))
    if len(categories) > MOST_CATEGORIES:
        raise ConfigError(
            f"The column '{name}' has {len(categories):,} different values: names rather than kinds. Leave it out, or "
            f"bring it to at most {MOST_CATEGORIES} kinds in the source."
        )
    return Column(name, "category", categories=categories)


def encode(learnt: Sequence[Column], columns: Mapping[str, np.ndarray] | None, n: int) -> np.ndarray:
    """(N, P) float32 table of n patches; a column that ``columns`` does not have is unknown for all of them."""
    parts = [_encoded(one, (columns or {}).get(one.name), n) for one in learnt]
    return np.concatenate(parts, axis=1) if parts else np.zeros((n, 0), np.float32)


def _encoded(column: Column, values: np.ndarray | None, n: int) -> np.ndarray:
    table = np.zeros((n, column.width), np.float32)
    if values is None:
        table[:, 0] = 1.0
        return table
    if column.kind == "number":
        numbers = as_numbers(values) if kind_of(values) == "number" else np.full(n, np.nan)
        known = np.isfinite(numbers)
        table[:, 0], table[known, 1] = ~known, (numbers[known] - column.center) / column.scale
        return table
    place = {name: i + 1 for i, name in enumerate(column.categories)}  # unknown, and unseen, are the first
    table[np.arange(n), [place.get(word, 0) for word in as_words(values).tolist()]] = 1.0
    return table
