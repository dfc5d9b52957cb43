"""What is compared: a run and one of its heads, and both answers on the same patches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from core.ensembles.folder import PLACE, EnsembleFolder
from core.evaluate.comparison.significance import Comparison
from core.runs import compare
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import outcomes

LINES = ({"color": theme.INK, "dash": "dash"}, {"color": theme.FOLD[0], "dash": "solid"})  # the other side, this one


@dataclass(frozen=True)
class Side:
    """One of the two: a run (or an ensemble), its head, and what it is called in the comparison."""

    run: RunFolder | EnsembleFolder
    head: str
    title: str

    @property
    def is_run(self) -> bool:
        """An ensemble has no settings, no training and no patches of its own to be opened."""
        return isinstance(self.run, RunFolder)


def folder(path: Path | str) -> RunFolder | EnsembleFolder:
    """The run or the ensemble in this folder; what it reads is cached."""
    return EnsembleFolder(Path(path), cache.FILES) if Path(path).parent.name == PLACE else cache.run(path)


def answers(side: Side) -> pd.DataFrame:
    """What it decides of every patch out of fold, at each fold's threshold; see ``outcomes.judged``."""
    thresholds = outcomes.thresholds_of(side.run.summary(), side.head)
    return outcomes.judged(side.run.oof(), side.head, thresholds)


def pair(this: Side, other: Side) -> Comparison:
    """One side against another; kept until one of the tables changes. Raises as ``core.runs.compare.pair``."""
    versions = cache.file_versions(*(side.run.path / "oof.parquet" for side in (this, other)))
    return _pair(str(this.run.path), this.head, str(other.run.path), other.head, versions)


@st.cache_data(max_entries=64, show_spinner="Comparing on the same patches…")
def _pair(a: str, head_a: str, b: str, head_b: str, versions: tuple[cache.Version, ...]) -> Comparison:
    return compare.pair(folder(a), folder(b), head_a, head_b)
