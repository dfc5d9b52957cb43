"""Patches with a probability each, wherever they come from: one head of a run, or a CSV of somebody else's.

Comes in: a run's out-of-fold table or a :class:`core.data.scores_csv.ScoreTable`. Goes out: a :class:`Scored`, which every
view of the Results page draws, and what is computed from it, behind bounded caches keyed by ``Scored.key``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st

from core.data.scores_csv import ScoreTable
from core.evaluate.calibration.calibrators import Calibrated, compare_calibrations
from core.evaluate.results import HeadResults, head_results
from core.evaluate.slices import SliceReport, slice_report
from core.evaluate.sweep import Sweep, sweep
from core.evaluate.thresholds import Nested, chooser, nested
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import outcomes
from dashboard.ui.formatting import escape_markdown


@dataclass(frozen=True)
class Scored:
    """Labelled patches with out-of-fold probabilities.

    table: id, label (0/1), fold (from 0), group ("" where unknown), prob, pred (at the fold's threshold), threshold.
    key: what caches and widgets know it by. name: of files. words: which set this is, for people, ready for Markdown.
    head: of the run, or "". class_names: (negative, positive).
    """

    key: str
    name: str
    words: str
    head: str
    class_names: tuple[str, str]
    table: pd.DataFrame

    @property
    def positive(self) -> str:
        """Name of the positive class, as its owner wrote it."""
        return self.class_names[1]

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) 0/1."""
        return self.table["label"].to_numpy(np.int8)

    @cached_property
    def probs(self) -> np.ndarray:
        """(N,) of the positive class."""
        return self.table["prob"].to_numpy(np.float64)

    @cached_property
    def pred(self) -> np.ndarray:
        """(N,) 0/1."""
        return self.table["pred"].to_numpy(np.int8)

    @cached_property
    def fold_of(self) -> np.ndarray:
        """(N,) 0..K-1, without gaps."""
        return np.unique(self.table["fold"].to_numpy(), return_inverse=True)[1]

    @cached_property
    def groups(self) -> np.ndarray | None:
        """(N,) text, or none where a patch has none."""
        groups = self.table["group"].astype(str).to_numpy()
        return None if (groups == "").any() else groups

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.fold_of.max(initial=-1)) + 1

    @property
    def standing(self) -> str:
        """The set and how many patches of it, for below a figure; ready for Markdown."""
        drawn = "whole groups drawn" if self.groups is not None else "patches drawn one by one"
        return (
            f"{self.words}; n = {len(self.table):,} patches, {int(self.labels.sum()):,} {escape_markdown(self.positive)}, "
            f"the positive class. 95 % intervals: bootstrap, {drawn}."
        )


def of_run(run: RunFolder, summary: Mapping, oof: pd.DataFrame, head: str) -> Scored:
    """One head of a finished run, out of fold."""
    table = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if "group" not in table:
        table["group"] = ""
    words = f"Out of fold over {len(summary['folds'])} folds; {escape_markdown(theme.head_title(head))}"
    key = f"{run.path}|{cache.file_version(run.path / 'oof.parquet')}|{head}"
    columns = ["id", "label", "fold", "group", "prob", "pred", "threshold", "outcome"]
    return Scored(key, f"{run.name}_{head}", words, head, tuple(summary["class_names"]), table[columns])


def of_csv(found: ScoreTable, key: str) -> Scored:
    """Somebody's probabilities; decided at the cross-fitted threshold of the best F1."""
    table = found.table.copy()
    chosen = nested(table["label"].to_numpy(), table["prob"].to_numpy(), table["fold"].to_numpy(), chooser("best_f1"))
    table["pred"], table["threshold"] = chosen.pred, np.array(chosen.thresholds)[table["fold"].to_numpy()]
    label, pred = table["label"].to_numpy(), table["pred"].to_numpy()
    table["outcome"] = np.array(["TN", "FP", "FN", "TP"])[2 * label + pred]
    n_folds = table["fold"].nunique()
    folds = f"{n_folds} folds " + (
        "drawn here" if found.drawn else f"of the column {escape_markdown(found.columns.fold)}"
    )
    words = f"{escape_markdown(found.name)}, probabilities of column {escape_markdown(found.columns.prob)}, {folds}"
    return Scored(key, found.name, words, "", found.class_names, table)


# ------------------------------------------------------------------------------------------- computed, and kept


@st.cache_data(max_entries=24, show_spinner="Drawing the patches again and again for the intervals…")
def _results(key: str, _scored: Scored) -> HeadResults:
    table = _scored.table.rename(columns={"prob": "prob_it", "pred": "pred_it"})
    if _scored.groups is None:
        table = table.assign(group="")
    return head_results(table, "it")


def results(scored: Scored) -> HeadResults:
    """Every metric with its interval, by fold, and both curves."""
    return _results(scored.key, scored)


@st.cache_resource(max_entries=24, show_spinner=False)
def _sweep(key: str, _scored: Scored) -> Sweep:
    return sweep(_scored.labels, _scored.probs)


def sweep_of(scored: Scored) -> Sweep:
    """Counts at every threshold; shared, not to be written to."""
    return _sweep(scored.key, scored)


@st.cache_data(max_entries=16, show_spinner="Calibrating each fold on the others…")
def _calibrations(key: str, _scored: Scored) -> list[Calibrated]:
    return compare_calibrations(_scored.labels, _scored.probs, _scored.fold_of, _scored.groups)


def calibrations(scored: Scored) -> list[Calibrated]:
    """Each way of calibrating, out of fold."""
    return _calibrations(scored.key, scored)


@st.cache_data(max_entries=64, show_spinner=False)
def _nested(key: str, _scored: Scored, rule: str, recall: float, cost_miss: float) -> Nested:
    choose = chooser(rule, recall=recall, cost_miss=cost_miss)
    return nested(_scored.labels, _scored.probs, _scored.fold_of, choose)


def nested_of(scored: Scored, rule: str, recall: float = 0.95, cost_miss: float = 10.0) -> Nested:
    """A rule of choosing the threshold, judged on folds that did not choose; a false alarm costs 1."""
    return _nested(scored.key, scored, rule, recall, cost_miss)


@st.cache_data(max_entries=24, show_spinner="Comparing slices…")
def _slices(key: str, looks: tuple, metric: str, _scored: Scored, _facts: pd.DataFrame) -> SliceReport:
    from core.data.tabular.patch_metadata import slicing_columns

    rows = _facts.set_index("id").reindex(_scored.table["id"].astype(str)).reset_index()
    facts = slicing_columns(rows)
    if _scored.n_folds > 1:
        facts["fold"] = np.array([str(fold + 1) for fold in _scored.table["fold"]])
    return slice_report(_scored.labels, _scored.pred, facts, _scored.groups, metric)


def slices(scored: Scored, facts: pd.DataFrame, metric: str) -> SliceReport:
    """The metric by slice. facts: id and what is known of each patch (``core.data.tabular.patch_metadata``)."""
    return _slices(scored.key, tuple(facts.columns), metric, scored, facts)
