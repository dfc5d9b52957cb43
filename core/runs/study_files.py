"""What is found out about a finished run: synthetic patches, other datasets, refitted heads.

Comes in: tables, arrays and reports. Goes out: the same, or None where nobody has looked yet. It is a part of
:class:`core.runs.store.RunFolder`, apart for its length.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.io.safe_paths import inside, slug
from core.runs.plain_files import read_json, read_table, write_json, write_table


class StudyFiles:
    """Files of what was asked of a run; ``path`` is the run's folder."""

    path: Path

    def head_table(self) -> dict | None:
        """Every head's F1 on training and on unseen patches (``core.analyses.heads``); none before it was asked for."""
        path = self.path / "heads.json"
        return read_json(path) if path.is_file() else None

    def write_head_table(self, value: dict) -> None:
        """See :meth:`head_table`."""
        write_json(self.path / "heads.json", value)

    def evaluations(self) -> dict[str, dict]:
        """By name: what ``evaluate`` found on other labelled datasets (see ``core.predict.external``)."""
        return {path.stem: read_json(path) for path in sorted((self.path / "evaluations").glob("*.json"))}

    def evaluated(self, name: str) -> pd.DataFrame:
        """The patches of one of them: id, label, prob, pred."""
        return read_table(inside(self.path / "evaluations", f"{name}.parquet"))

    def write_evaluation(self, name: str, value: dict, table: pd.DataFrame) -> None:
        """See :meth:`evaluations`; the same dataset's earlier one is replaced."""
        name = slug(name)
        write_table(self.path / "evaluations" / f"{name}.parquet", table)
        write_json(self.path / "evaluations" / f"{name}.json", value)
