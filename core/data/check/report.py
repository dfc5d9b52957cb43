"""What a check says: rows of findings, and how ids are named in them.

Whatever looks at the patches gives :class:`CheckRow`; a :class:`CheckReport` holds them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from textwrap import fill
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.data.shortcuts.betrayed import Betrayals
from core.data.store.dataset import Dataset
from core.text import list_names

SHOWN = 5  # ids or bands named in a row
COLUMNS = ("severity", "what", "where", "n", "share", "advice")

Severity = Literal["error", "warning", "ok"]


@dataclass(frozen=True)
class CheckRow:
    """One finding.

    where: ids or bands, at most five named. n: how many; share: of what was looked at, 0-1; share_of: what it is a
    share of, where that is not what ``n`` counts ("pixels", "values"). ids: all patches concerned.
    pairs: ids of the patches that were compared, where the finding is about pairs. bands: names of those concerned.
    topic: "values" where it is about what the pixels hold, which training tells of as well.
    """

    severity: Severity
    what: str
    where: str = ""
    n: int = 0
    share: float = 0.0
    advice: str = ""
    ids: tuple[str, ...] = field(default=(), repr=False)
    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    bands: tuple[str, ...] = ()
    share_of: str = ""
    topic: str = ""

    def sentence(self) -> str:
        """The finding in one line: what, where, what to do."""
        return f"{self.what}{f' ({self.where})' if self.where else ''}. {self.advice}".rstrip()


@dataclass(frozen=True)
class CheckReport:
    """All findings, errors first; what was looked at and found right is a row too.

    files: how well the source files alone tell the label; None in a report made before that was looked at.
    """

    rows: tuple[CheckRow, ...]
    files: Betrayals | None = None

    @property
    def ok(self) -> bool:
        """Whether one may train on the dataset."""
        return not any(row.severity == "error" for row in self.rows)

    def value_warnings(self) -> list[str]:
        """What is doubtful about the pixels' values, a sentence each: what training warns of before it begins."""
        return [row.sentence() for row in self.rows if row.severity == "warning" and row.topic == "values"]

    def to_dict(self) -> dict:
        """Plain values: ``ok``, ``rows``, every field of each finding, and ``files``."""
        return {
            "ok": self.ok,
            "rows": [asdict(row) for row in self.rows],
            "files": self.files and self.files.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CheckReport:
        """The report that :meth:`to_dict` has written, also after JSON."""
        lists = ("ids", "bands")
        rows = [
            row | {name: tuple(row[name]) for name in lists} | {"pairs": tuple(map(tuple, row["pairs"]))}
            for row in values["rows"]
        ]
        files = values.get("files")
        return cls(tuple(CheckRow(**row) for row in rows), files and Betrayals.from_dict(files))

    def to_text(self, width: int = 100) -> str:
        """The findings for a terminal: severity and what was found, below it where, how many and what to do."""
        lines: list[str] = []
        for row in self.rows:
            share = f" ({row.share:.1%}{f' of {row.share_of}' if row.share_of else ''})" if row.share else ""
            count = f"{row.n:,}{share}" if row.n else ""
            below = [": ".join(filter(None, (count, row.where))), row.advice]
            indent = " " * 9
            lines += fill(row.what, width, initial_indent=f"{row.severity:<9}", subsequent_indent=indent).splitlines()
            lines += [fill(text, width, initial_indent=indent, subsequent_indent=indent) for text in below if text]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Columns severity, what, where, n, share, advice; a row of it is the row of ``rows`` at the same place."""
        return pd.DataFrame(
            [{name: getattr(row, name) for name in COLUMNS} for row in self.rows], columns=list(COLUMNS)
        )


def patches_row(
    wrong: np.ndarray,
    dataset: Dataset,
    what: tuple[str, str],
    advice: str,
    bands: np.ndarray | None = None,
    share: float | None = None,
    share_of: str = "",
) -> CheckRow:
    """A warning about the patches where ``wrong`` (N,) is set, or the row that says there are none.

    what: the words for both. bands: (C,) bool, those concerned. share: of ``share_of``; otherwise of the patches.
    """
    if not wrong.any():
        return CheckRow("ok", what[1])
    ids = tuple(map(str, dataset.ids[wrong]))
    names = () if bands is None else tuple(np.array(dataset.band_names)[bands].tolist())
    where = f"bands {list_names(names)}; patches {list_names(ids)}" if names else list_names(ids)
    part = len(ids) / len(dataset) if share is None else share
    return CheckRow("warning", what[0], where, len(ids), part, advice, ids, bands=names, share_of=share_of)


def bands_row(
    wrong: np.ndarray, dataset: Dataset, what: tuple[str, str], advice: str, shown: Sequence[str] | None = None
) -> CheckRow:
    """A warning about the bands where ``wrong`` (C,) is set, shown by ``shown`` (C,) texts, or by their names."""
    if not wrong.any():
        return CheckRow("ok", what[1])
    names = np.array(dataset.band_names)[wrong]
    texts = np.array(dataset.band_names if shown is None else shown)[wrong]
    part = len(names) / len(dataset.bands)
    return CheckRow("warning", what[0], list_names(texts), len(names), part, advice, bands=tuple(names.tolist()))
