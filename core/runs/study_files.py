"""What is found out about a finished run: occlusion, drill, attention, other datasets, refitted heads, leaks.

Comes in: tables, arrays and reports. Goes out: the same, or None where nobody has looked yet. It is a part of
:class:`core.runs.store.RunFolder`, apart for its length.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.io.safe_paths import inside, slug
from core.io.safetensors_file import save_arrays
from core.runs.plain_files import read_arrays, read_json, read_table, write_json, write_table

ATTENTION_TABLES = ("patches", "curves", "randomised")


class StudyFiles:
    """Files of what was asked of a run; ``path`` is the run's folder."""

    path: Path

    def smote_audit(self) -> dict | None:
        """What ``core.analyses.smote.audit`` found; or none yet."""
        path = self.path / "smote_audit.json"
        return read_json(path) if path.is_file() else None

    def write_smote_audit(self, report: dict) -> None:
        """See :meth:`smote_audit`."""
        write_json(self.path / "smote_audit.json", report)

    def smote_realism(self) -> tuple[pd.DataFrame, dict] | None:
        """What ``core.analyses.smote.realism`` found: a row a synthetic patch, and the report; or none yet."""
        path = self.path / "smote_realism"
        if not (path / "report.json").is_file():
            return None
        return read_table(path / "patches.parquet"), read_json(path / "report.json")

    def write_smote_realism(self, report: dict, table: pd.DataFrame) -> None:
        """See :meth:`smote_realism`."""
        write_table(self.path / "smote_realism" / "patches.parquet", table)
        write_json(self.path / "smote_realism" / "report.json", report)

    def drill(self) -> tuple[pd.DataFrame, dict] | None:
        """What ``core.analyses.bands.robustness`` found: a row a patch, scenario and policy, and the report; or none yet."""
        path = self.path / "drill"
        if not (path / "report.json").is_file():
            return None
        return read_table(path / "patches.parquet"), read_json(path / "report.json")

    def write_robustness(self, table: pd.DataFrame, report: dict) -> None:
        """See :meth:`drill`."""
        write_table(self.path / "drill" / "patches.parquet", table)
        write_json(self.path / "drill" / "report.json", report)

    def attention_maps(self) -> dict[str, dict]:
        """By name: cards of maps of all patches that were drawn later, at another layer, method or class."""
        cards = {path.parent.name: read_json(path) for path in (self.path / "cam" / "drawn").glob("*/card.json")}
        return dict(sorted(cards.items(), key=lambda item: item[1].get("made", "")))

    def attention_map(self, name: str) -> tuple[pd.DataFrame, np.ndarray, dict]:
        """One of them, as :meth:`cams` gives the run's own."""
        path = inside(self.path / "cam" / "drawn", name)
        maps = read_arrays(path / "maps.safetensors")["cams"]
        return read_table(path / "index.parquet"), maps, read_json(path / "card.json")

    def write_attention_map(self, name: str, index: pd.DataFrame, maps: np.ndarray, card: dict) -> str:
        """See :meth:`attention_maps`; earlier ones of that name are replaced. Returns the name they are kept under."""
        name = slug(name)
        path = self.path / "cam" / "drawn" / name
        write_table(path / "index.parquet", index)
        save_arrays(path / "maps.safetensors", {"cams": maps.astype(np.float32)})
        write_json(path / "card.json", card)
        return name

    def attention_checks(self) -> dict[str, dict]:
        """By name: the reports of the lie detector (``core.analyses.attention.checks``), verdict and numbers, newest first."""
        reports = {path.parent.name: read_json(path) for path in (self.path / "cam" / "checks").glob("*/report.json")}
        return dict(sorted(reports.items(), key=lambda item: item[1].get("made", ""), reverse=True))

    def attention_check(self, name: str) -> dict[str, pd.DataFrame]:
        """Tables of one of them: patches (a row a patch), curves, randomised (a row a stage)."""
        path = inside(self.path / "cam" / "checks", name)
        return {part: read_table(path / f"{part}.parquet") for part in ATTENTION_TABLES}

    def write_attention_check(self, name: str, report: dict, tables: dict[str, pd.DataFrame]) -> str:
        """See :meth:`attention_checks`; the earlier one of that name is replaced. Returns the name it is kept under."""
        name = slug(name)
        path = self.path / "cam" / "checks" / name
        for part in ATTENTION_TABLES:
            write_table(path / f"{part}.parquet", tables[part])
        write_json(path / "report.json", report)
        return name
