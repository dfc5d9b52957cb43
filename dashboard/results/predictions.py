"""Patches with a probability each, wherever they come from: one head of a run, or an uploaded CSV.

Every view of the Results page draws a :class:`Predictions`; what is computed from it is kept in bounded caches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st

from core.data.scores_csv import DRAWN, ScoreTable
from core.ensembles.folder import EnsembleFolder
from core.errors import FoldError
from core.evaluate.calibration.calibrators import Calibrated, compare_calibrations
from core.evaluate.prevalence import with_intervals
from core.evaluate.results import HeadResults, head_results
from core.evaluate.risk_control import Target, TriageRule, tradeoff, triage_rule
from core.evaluate.slices import SliceReport, slice_report
from core.evaluate.sweep import Sweep, sweep
from core.evaluate.thresholds import Nested, chooser, nested
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import outcomes
from dashboard.ui.formatting import escape_markdown

COLUMNS = ["id", "label", "fold", "group", "prob", "pred", "threshold", "outcome"]


@dataclass(frozen=True)
class Predictions:
    """Labelled patches with out-of-fold probabilities.

    table: id, label (0/1), fold (from 0), group ("" where unknown), prob, pred (at the fold's threshold), threshold,
    outcome. key: names the table's content for caches and widgets. name: of files. source: which set this is, for
    people, ready for Markdown. head: of the run, or "". class_names: (negative, positive).
    """

    key: str
    name: str
    source: str
    head: str
    class_names: tuple[str, str]
    table: pd.DataFrame
    n_models: int = 1  # that answer together for new patches
    prevalence: float | None = None  # share of landslides where the model is used, where one was stated

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
        """(N,) text, or None where a patch has none."""
        groups = self.table["group"].astype(str).to_numpy()
        return None if (groups == "").any() else groups

    @cached_property
    def parts(self) -> np.ndarray:
        """(N,) 0..P-1: the folds; those of a single split are drawn among its own patches, by group.

        What is chosen or fitted for one part is learnt on the others.
        """
        if self.n_folds > 1:
            return self.fold_of
        from core.data.folds import make_folds

        for n in range(DRAWN, 1, -1):
            try:
                return make_folds(self.labels, self.groups, n).fold_of.astype(np.int64)
            except FoldError:
                continue
        return self.fold_of

    @property
    def n_parts(self) -> int:
        """How many :attr:`parts` there are."""
        return int(self.parts.max(initial=-1)) + 1

    @property
    def parts_word(self) -> str:
        """What :attr:`parts` are called."""
        return "folds" if self.n_folds > 1 else "parts of the validation patches"

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.fold_of.max(initial=-1)) + 1

    @property
    def basis(self) -> str:
        """The set, its size and the kind of interval, for below a figure; ready for Markdown."""
        drawn = "whole groups resampled" if self.groups is not None else "patches resampled"
        return (
            f"{self.source}; n = {len(self.table):,} patches, {int(self.labels.sum()):,} "
            f"{escape_markdown(self.positive)} (positive class). 95% confidence intervals: bootstrap, {drawn}."
        )

    # Computed once, then read from the cache ------------------------------------------------------------------

    def results(self) -> HeadResults:
        """Every metric with its interval, by fold, and both curves."""
        return _results(self.key, self)

    def there(self) -> dict | None:
        """Precision, F1, alarms and misses at the stated prevalence, with intervals; None where none was stated."""
        return None if self.prevalence is None else _there(self.key, self.prevalence, self)

    def sweep(self) -> Sweep:
        """Counts at every threshold; shared, not to be written to."""
        return _sweep(self.key, self)

    def triage(self, target: Target, accept: float | None = None, effect: float = 1.0) -> TriageRule:
        """The threshold that keeps a safety target; raises as ``core.evaluate.risk_control.triage_rule``."""
        return _triage(self.key, target, accept, effect, self)

    def tradeoff(self, kind: str, effect: float = 1.0) -> pd.DataFrame:
        """What every threshold promises (``core.evaluate.risk_control.tradeoff``)."""
        return _tradeoff(self.key, kind, effect, self)

    def calibrations(self) -> list[Calibrated]:
        """Each way of calibrating, out of fold."""
        return _calibrations(self.key, self)

    def nested(self, rule: str, recall: float = 0.95, cost_miss: float = 10.0) -> Nested:
        """A rule for choosing the threshold, evaluated on folds that did not choose; a false alarm costs 1."""
        return _nested(self.key, self, rule, recall, cost_miss)

    def slicing_facts(self, facts: pd.DataFrame) -> dict[str, np.ndarray]:
        """What patches can be sliced by, in the table's order, their fold among it: name -> (N,). facts: by id."""
        from core.data.tabular.patch_metadata import slicing_columns

        rows = facts.set_index("id").reindex(self.table["id"].astype(str)).reset_index()
        found = slicing_columns(rows)
        if self.n_folds > 1:
            found["fold"] = np.array([str(fold + 1) for fold in self.table["fold"]])
        return found

    def slices(self, facts: pd.DataFrame, metric: str, version: cache.Version | None = None) -> SliceReport:
        """The metric by slice.

        facts: id and what is known of each patch (``core.data.tabular.patch_metadata``); version: of the dataset file
        that they were read from.
        """
        return _slices(self.key, version, tuple(facts.columns), metric, self, facts)


def of_run(
    run: RunFolder | EnsembleFolder, summary: Mapping, oof: pd.DataFrame, head: str, prevalence: float | None = None
) -> Predictions:
    """One head of a finished run or of an ensemble, out of fold. prevalence: stated for the run or its dataset."""
    table = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if "group" not in table:
        table["group"] = ""
    several = len(summary["folds"]) > 1
    how = f"Out of fold over {len(summary['folds'])} folds" if several else "Validation part of one split"
    source = f"{how}; {escape_markdown(theme.head_title(head))}"
    versions = [cache.file_version(run.path / name) for name in ("oof.parquet", "summary.json")]
    key = f"{run.path}|{versions}|{head}"
    return Predictions(
        key,
        f"{run.name}_{head}",
        source,
        head,
        tuple(summary["class_names"]),
        table[COLUMNS],
        n_models=len(summary["folds"]),
        prevalence=prevalence,
    )


def of_csv(scores: ScoreTable, key: str) -> Predictions:
    """Uploaded probabilities; decided at the cross-fitted threshold of the best F1."""
    table = scores.table.copy()
    chosen = nested(table["label"].to_numpy(), table["prob"].to_numpy(), table["fold"].to_numpy(), chooser("best_f1"))
    table["pred"], table["threshold"] = chosen.pred, np.array(chosen.thresholds)[table["fold"].to_numpy()]
    label, pred = table["label"].to_numpy(), table["pred"].to_numpy()
    table["outcome"] = np.array(["TN", "FP", "FN", "TP"])[2 * label + pred]
    from_column = f"from column {escape_markdown(scores.columns.fold)}"
    folds = f"{table['fold'].nunique()} folds {'drawn here' if scores.drawn else from_column}"
    column = escape_markdown(scores.columns.prob)
    source = f"{escape_markdown(scores.name)}, probabilities from column {column}, {folds}"
    return Predictions(key, scores.name, source, "", scores.class_names, table)


# ------------------------------------------------------------------------------------------------------ caches


@st.cache_data(max_entries=24, show_spinner="Computing confidence intervals…")
def _results(key: str, _predictions: Predictions) -> HeadResults:
    table = _predictions.table.rename(columns={"prob": "prob_head", "pred": "pred_head"})
    if _predictions.groups is None:
        table = table.assign(group="")
    return head_results(table, "head")


@st.cache_data(max_entries=24, show_spinner=False)
def _there(key: str, share: float, _predictions: Predictions) -> dict:
    return with_intervals(_predictions.labels, _predictions.pred, share, _predictions.groups)


@st.cache_resource(max_entries=24, show_spinner=False)
def _sweep(key: str, _predictions: Predictions) -> Sweep:
    return sweep(_predictions.labels, _predictions.probs)


@st.cache_data(max_entries=64, show_spinner=False)
def _triage(key: str, target: Target, accept: float | None, effect: float, _predictions: Predictions) -> TriageRule:
    of = _predictions
    return triage_rule(of.labels, of.probs, target, of.groups, false_per_1000=accept, effect=effect)


@st.cache_data(max_entries=24, show_spinner=False)
def _tradeoff(key: str, kind: str, effect: float, _predictions: Predictions) -> pd.DataFrame:
    return tradeoff(_predictions.labels, _predictions.probs, kind, _predictions.groups, effect)


@st.cache_data(max_entries=16, show_spinner="Calibrating each fold on the others…")
def _calibrations(key: str, _predictions: Predictions) -> list[Calibrated]:
    return compare_calibrations(_predictions.labels, _predictions.probs, _predictions.parts, _predictions.groups)


@st.cache_data(max_entries=64, show_spinner=False)
def _nested(key: str, _predictions: Predictions, rule: str, recall: float, cost_miss: float) -> Nested:
    choose = chooser(rule, recall=recall, cost_miss=cost_miss)
    return nested(_predictions.labels, _predictions.probs, _predictions.parts, choose)


@st.cache_data(max_entries=24, show_spinner="Comparing slices…")
def _slices(
    key: str,
    version: cache.Version | None,
    columns: tuple[str, ...],
    metric: str,
    _predictions: Predictions,
    _facts: pd.DataFrame,
) -> SliceReport:
    facts = _predictions.slicing_facts(_facts)
    return slice_report(_predictions.labels, _predictions.pred, facts, _predictions.groups, metric)
