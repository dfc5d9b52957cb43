"""Of which state of a dataset a result speaks: its content, and the patches on its exclusion list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.exclusions import current_exclusions
from core.data.store import Dataset


def state_of(dataset: Dataset) -> dict[str, Any]:
    """Plain values that an analysis writes into its report. Raises FormatError for a damaged exclusion list."""
    return {"content_hash": dataset.content_hash, "excluded": list(current_exclusions(dataset)[0])}


def is_current(report: Mapping[str, Any], dataset: Dataset) -> bool:
    """Whether a report with :func:`state_of` speaks of the dataset as it is now."""
    return state_of(dataset) == {name: report.get(name) for name in ("content_hash", "excluded")}
