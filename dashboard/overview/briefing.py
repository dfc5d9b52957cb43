"""The best finished run of the chosen dataset for someone with three minutes: a sentence, numbers, six pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.prevalence import with_intervals
from core.runs.labels import label_of, title_of
from core.runs.store import RunFolder
from core.wording.results import how_frequent, of_a_hundred
from dashboard import state, theme
from dashboard.overview.runs import run_row
from dashboard.patches import card, gallery, outcomes
from dashboard.results import interpretation, prevalence
from dashboard.results import predictions as scored
from dashboard.results.predictions import Predictions
from dashboard.results.trainings.known import spread_of
from dashboard.ui import guards
from dashboard.ui.formatting import escape_markdown, interval, interval_percent, number, percent

SHOWN = ("TP", "FN", "FP")  # two pictures of each
EACH = 2


@dataclass(frozen=True)
class Briefing:
    """A finished run and what is said of it. rates: ``core.evaluate.prevalence.with_intervals`` of its decisions."""

    run: RunFolder
    summary: Mapping[str, Any]
    predicted: Predictions
    rates: Mapping[str, Any]
    stated: bool  # whether the share of landslides in rates was stated, or is that of these patches


def best_run(runs: tuple[RunFolder, ...]) -> tuple[RunFolder | None, int]:
    """The finished run with the highest F1, of equal ones the newest, and how many have one; without archived runs."""
    scores = [(run_row(run, "")["F1"], run) for run in runs if not label_of(run).archived]
    known = [(f1, run) for f1, run in scores if f1 is not None]
    return (max(known, key=lambda pair: pair[0])[1] if known else None), len(known)


def briefing_of(run: RunFolder) -> Briefing | None:
    """What there is to say about a run; None, with the reason shown, where its numbers cannot be read."""
    try:
        summary, oof = run.summary(), run.oof()
        head = _head(run, summary, outcomes.heads_of(oof))
        predicted = scored.of_run(run, summary, oof, head)
        known = prevalence.stated(run)
        own = float(predicted.labels.mean())
        if not 0 < own < 1:
            st.warning("The labelled patches of this run are all of one class.", icon=":material/warning:")
            return None
        return Briefing(
            run, summary, predicted, _rates(predicted.key, known.share if known else own, predicted), bool(known)
        )
    except (LandslideLensError, LookupError, TypeError, ValueError) as error:
        st.warning(f"The numbers of this run cannot be read: {escape_markdown(error)}", icon=":material/warning:")
        return None


def _head(run: RunFolder, summary: Mapping, heads: tuple[str, ...]) -> str:
    """The head chosen in the sidebar, where that speaks of this run; else the headline head."""
    wanted = st.session_state.get(state.HEAD)
    return wanted if run.name == state.choice().run and wanted in heads else summary["head"]


@st.cache_data(max_entries=32, show_spinner=False)
def _rates(key: str, share: float, _predicted: Predictions) -> dict[str, Any]:
    return with_intervals(_predicted.labels, _predicted.pred, share, _predicted.groups)


def sentence(brief: Briefing) -> str:
    """What the run finds and misses of a hundred, and how many of a hundred alarms are false."""
    positives, hits = brief.predicted.labels == 1, brief.predicted.pred == 1
    precision = brief.rates["precision"] if hits.any() else None
    return of_a_hundred(escape_markdown(brief.predicted.positive), float(hits[positives].mean()), precision)


def frequency(brief: Briefing) -> str:
    """At which prevalence, in words."""
    return how_frequent(escape_markdown(brief.predicted.positive), brief.rates["share"], brief.stated)


def briefing(brief: Briefing, n_runs: int) -> None:
    """The sentence, what it stands on, and three numbers."""
    name = escape_markdown(brief.predicted.positive)
    st.header(sentence(brief), anchor=False)
    chosen = f"best F1 of {n_runs} finished runs" if n_runs > 1 else "the only finished run"
    st.caption(f"{escape_markdown(title_of(brief.run))} · {chosen} · {frequency(brief)}", help=basis(brief, n_runs))
    with st.grid(3, min_column_width=150, gap="small", key="overview_numbers"):
        for label, value, around, help in numbers(brief, name):
            st.metric(label, value, around or None, delta_color="off", delta_arrow="off", border=True, help=help)


def numbers(brief: Briefing, name: str) -> list[tuple[str, str, str, str]]:
    """Three numbers with their intervals: label, value, interval, help."""
    rates, ends = brief.rates, brief.rates["intervals"]
    facts = brief.summary["heads"].get(brief.predicted.head, {})
    return [
        ("Found (TP)", percent(facts.get("recall"), 0), interval_percent(facts.get("intervals", {}).get("recall")),
         f"Share of the {name} patches that it calls {name} (recall)."),
        ("Correct alarms", percent(rates["precision"], 0), interval_percent(ends["precision"]),
         f"Share of its alarms that are {name} patches (precision), at the prevalence named above."),
        ("Alarms per 1,000", number(rates["alarms_per_1000"], 0), interval(ends["alarms_per_1000"], 0),
         "How many of 1,000 patches someone has to look at, at the prevalence named above."),
    ]  # fmt: skip


def basis(brief: Briefing, n_runs: int) -> str:
    """The set, n, folds, head, threshold and interval behind the numbers, as Markdown for a tooltip."""
    labels = brief.predicted.labels
    flattered = " The best of several runs, chosen on these patches, looks a little better than it is." * (n_runs > 1)
    head = brief.predicted.head
    return (
        f"{interpretation.basis(brief.summary, head, spread_of(brief.run, head))} Prevalence in these patches: "
        f"{percent(labels.mean())}.{flattered} Folder: {escape_markdown(brief.run.name)}"
    )


def pictures(brief: Briefing, data: Dataset) -> None:
    """Two found, two missed, two false alarms: those it is surest of. A click opens the patch."""
    table = examples(brief.predicted.table)
    if table.empty:
        return
    look = gallery.Look(composites(data.bands)[0])
    gallery.gallery(data, table, look, "overview_examples", columns=len(SHOWN))
    lacking = [outcome for outcome in SHOWN if outcome not in set(table["outcome"])]
    words = f" There is no {' and no '.join(theme.OUTCOME_WORDS[kind] for kind in lacking)}." if lacking else ""
    planted = int(table["id"].isin(data.planted_ids).sum())
    if planted:
        be = "is" if planted == 1 else "are"
        words += f" {planted} of these {len(table)} labels {be} wrong on purpose, for reviewers to find."
    st.caption(
        f"The patches of each kind that the model is surest of, in {escape_markdown(look.composite.name)}.{words}"
    )
    card.show_opened(data, brief.run, table["id"].astype(str).tolist())


def is_same_data(brief: Briefing, data: Dataset) -> bool:
    """Whether the dataset file is still the one of the run; where not, that is said, and no patch is shown."""
    text = guards.changed_data(brief.run, data)
    if text:
        st.warning(escape_markdown(text), icon=":material/history:")
    return not text


def examples(table: pd.DataFrame) -> pd.DataFrame:
    """Up to two patches of each outcome of ``SHOWN``, the surest first, a row of each. table: judged patches."""
    table = table.assign(
        confidence=outcomes.confidence(table["prob"].to_numpy(float), table["threshold"].to_numpy(float))
    )
    kinds = [outcomes.chosen(table, [kind]).head(EACH) for kind in SHOWN]
    rows = [found.iloc[[place]] for place in range(EACH) for found in kinds if place < len(found)]
    return pd.concat(rows, ignore_index=True) if rows else table.iloc[:0]


def sure_errors(table: pd.DataFrame, least: float = 0.9) -> int:
    """How many decisions are wrong although the model is sure of them: labels worth a second look."""
    sure = outcomes.confidence(table["prob"].to_numpy(float), table["threshold"].to_numpy(float)) >= least
    return int(np.count_nonzero(sure & (table["pred"].to_numpy() != table["label"].to_numpy())))


def other_run(brief: Briefing) -> None:
    """Where the run in the sidebar is another one: which, and the way to the best."""
    chosen = guards.chosen_run()
    if chosen is None or chosen.name == brief.run.name:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"The other pages show the run in the sidebar: {escape_markdown(title_of(chosen))}.", width="content"
        )
        if st.button("Choose the best run", key="overview_choose_best", type="tertiary"):
            state.ask_for(run=brief.run.name)
            st.rerun()
