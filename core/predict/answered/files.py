"""What a prediction keeps for a page, by name: the table of answers, some of its patches and their attention maps."""

from __future__ import annotations

from pathlib import Path

from core.runs.results import ResultFolder

TABLE = "patches"  # see core.predict.answered.table
MAPS = "attention"  # a table (id, fold, row) and an array, maps (n, h, w)
_PATCHES = "kept.h5"


def patches_path(part: ResultFolder) -> Path:
    """The dataset file of the kept patches."""
    return part.path / _PATCHES


def has_patches(part: ResultFolder) -> bool:
    """Whether patches were kept."""
    return part.has(_PATCHES)
