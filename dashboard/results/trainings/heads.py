"""Heads of one network over its trainings: how far each spreads, and which differences training again would keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.comparison.repeats import RepeatedDifference
from core.runs import compare
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.results import interpretation
from dashboard.results.trainings.known import spread_words, values
from dashboard.ui.formatting import escape_markdown

METRICS = {"f1": "F1", "auc": "AUC"}


def with_spread(table: pd.DataFrame, trainings: Sequence[RunFolder], heads: Sequence[str]) -> pd.DataFrame:
    """The table of heads with the standard deviation and the range of F1 and AUC between trainings beside them.

    table: has the column Head, titles of ``heads`` among its values.
    """
    if len(trainings) < 2:
        return table
    table = table.copy()
    for metric, title, after in (("auc", "AUC", "AUC"), ("f1", "F1", "Out-of-fold F1, 95%")):
        found = {theme.head_title(head): spread_words(values(trainings, head, metric)) for head in heads}
        for column, place in ((f"{title}, range", 1), (f"{title}, SD of {len(trainings)} trainings", 0)):
            words = [found.get(head, ("", ""))[place] for head in table["Head"]]
            table.insert(list(table).index(after) + 1 if after in table else len(table.columns), column, words)
    return table


def others_by_title(trainings: Sequence[RunFolder], heads: Sequence[str], metric: str) -> dict[str, list[float]]:
    """Title of a head -> its metric in each training but the first, for a figure."""
    return {theme.head_title(head): values(trainings, head, metric)[1:] for head in heads}


def to_best_other(trainings: Sequence[RunFolder], summary: Mapping) -> str:
    """The headline against the best other head by F1, in Markdown; empty of one training or one head."""
    known = {name: facts["f1"] for name, facts in summary["heads"].items() if facts.get("f1") is not None}
    others = [name for name in known if name != summary["head"]]
    if len(trainings) < 2 or not others or summary["head"] not in known:
        return ""
    return in_words(trainings, summary["head"], max(others, key=known.get), "f1")[0]


def to_baselines(trainings: Sequence[RunFolder], summary: Mapping) -> list[str]:
    """The headline against the strongest model without a network, by F1 and by AUC, in Markdown."""
    if len(trainings) < 2:
        return []
    found = [(interpretation.least_gain(summary, metric), metric) for metric in METRICS]
    return [in_words(trainings, summary["head"], least[0], metric)[0] for least, metric in found if least]


def in_words(trainings: Sequence[RunFolder], head: str, other: str, metric: str) -> tuple[str, bool]:
    """One head against another of the same trainings, in Markdown; whether the difference is settled."""
    try:
        found = compared(trainings, head, other, metric)
    except LandslideLensError as error:
        return escape_markdown(error), False
    words = found.sentence(theme.head_title(head), theme.head_title(other), METRICS[metric])
    return escape_markdown(words.replace(" -0", " −0").replace("(-0", "(−0")), found.settled


def pairs(summary: Mapping) -> list[tuple[str, str]]:
    """What the headline is compared with, and by which metric."""
    known = {name: facts["f1"] for name, facts in summary["heads"].items() if facts.get("f1") is not None}
    others = [name for name in known if name != summary["head"]]
    found = [(max(others, key=known.get), "f1")] if others and summary["head"] in known else []
    for metric in METRICS:
        if least := interpretation.least_gain(summary, metric):
            found.append((least[0], metric))
    return list(dict.fromkeys(found))


def compared(trainings: Sequence[RunFolder], head: str, other: str, metric: str) -> RepeatedDifference:
    """Two heads of the same trainings. Raises as ``core.runs.compare.heads``."""
    paths = tuple(str(run.path) for run in trainings)
    return _compared(paths, head, other, metric, cache.file_versions(*(Path(path) / "oof.parquet" for path in paths)))


@st.cache_data(max_entries=64, show_spinner="Comparing trainings on the same patches…")
def _compared(
    paths: tuple[str, ...], head: str, other: str, metric: str, versions: tuple[cache.Version, ...]
) -> RepeatedDifference:
    return compare.heads([cache.run(path) for path in paths], head, other, metric)
