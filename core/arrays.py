"""What arrays and plain values are called in signatures, and the steps from one to the other that types can follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

Texts: TypeAlias = Sequence[str] | np.ndarray  # ids, groups, names: (N,)
Whole: TypeAlias = Sequence[int] | np.ndarray  # rows, positions, counts: (N,)
Column: TypeAlias = Sequence[Any] | np.ndarray  # a value a patch: (N,)


def pair(values: Iterable[float]) -> tuple[float, float]:
    """The two numbers as plain floats: ends of an interval, a place. Raises ValueError when there are not two."""
    first, second = values
    return float(first), float(second)


def whole_pair(values: Iterable[int]) -> tuple[int, int]:
    """The two numbers as plain ints: height and width, a row and a column. Raises ValueError when there are not two."""
    first, second = values
    return int(first), int(second)
