"""Which runs, and which sets of runs, the Runs page lists, and the table of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.runs.registry.differences import from_others, from_preset, in_words, seed_spread
from core.runs.registry.entry import Entry
from core.runs.registry.run_set import RunSet, folded
from core.runs.store import STATES
from core.text import duration, interval, number
from dashboard import theme
from dashboard.ui import formatting

DIFFERS = (
    "Of a run: settings that most of the runs listed do not have, or that are not the preset's, as chosen under More. "
    "Of an experiment or a search: the row with the highest F1."
)
RUN_PX = 270  # a title that is made, with its star
RUN = "Run"  # the kind of a row that is one; those of sets say what they are
SHOW = {"all": "Runs and experiments", "runs": "Every run", "sets": "Experiments alone"}
COLUMNS: dict[str, Any] = {
    "Run": st.column_config.TextColumn("Run", pinned=True, width=RUN_PX),
    "Kind": st.column_config.TextColumn(
        "Kind", help="An experiment or a search is one row; its runs are listed when it is ticked, or searched for."
    ),
    "State": st.column_config.MultiselectColumn(
        "State", options=list(STATES), color=[theme.state_look(name)[0] for name in STATES]
    ),
    "F1": st.column_config.NumberColumn("F1", format="%.3f", help="Out of fold, of the headline head."),
    "95% interval": st.column_config.TextColumn("95% interval", help="Of F1, over patches, by bootstrap."),
    "Folds ±": st.column_config.NumberColumn("Folds ±", format="%.3f", help="Standard deviation of F1 over the folds."),
    "Seeds ±": st.column_config.TextColumn(
        "Seeds ±",
        help="Standard deviation of F1 over the trainings of the same recipe that differ in their seeds alone, and how "
        "many there are.",
    ),
    "AUC": st.column_config.NumberColumn("AUC", format="%.3f"),
    "Tags": st.column_config.ListColumn("Tags", help="What people wrote, and the experiment a run belongs to."),
    "Differs in": st.column_config.TextColumn("Differs in", width="medium", help=DIFFERS),
    "Started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
    "Seconds": st.column_config.NumberColumn("Seconds", format="%.0f", help="Of computing, to sort by."),
    "Code": st.column_config.TextColumn("Code", help="Commit or version that trained it."),
    "Data": st.column_config.TextColumn("Data", help="Hash of the dataset's content."),
}


@dataclass(frozen=True)
class Filters:
    """What is listed. Empty: everything. words: each has to be somewhere in the row. show: one of ``SHOW``."""

    words: str = ""
    datasets: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    starred: bool = False
    archived: bool = False
    show: str = "all"

    @property
    def narrowed(self) -> bool:
        """Whether something is searched for, so that runs are listed beside the set that they belong to."""
        return bool(self.words.strip() or self.tags or self.starred)


def chosen(entries: Sequence[Entry], filters: Filters) -> list[Entry]:
    """The entries that pass, in their order. Of several tags one is enough."""
    words = filters.words.casefold().split()
    found = []
    for entry in entries:
        if (
            (entry.archived and not filters.archived)
            or (filters.starred and not entry.starred)
            or (filters.datasets and entry.dataset not in filters.datasets)
            or (filters.states and entry.state not in filters.states)
            or (filters.tags and not set(filters.tags) & set(entry.all_tags))
        ):
            continue
        if words:
            text = _searched(entry)
            if not all(word in text for word in words):
                continue
        found.append(entry)
    return found


def _searched(entry: Entry) -> str:
    parts = [
        entry.name, entry.title, entry.note, entry.dataset, entry.preset, entry.backbone, entry.head, entry.code,
        entry.data, *entry.all_tags, *(f"{path} {value}" for path, value in entry.settings.items()),
    ]  # fmt: skip
    return " ".join(parts).casefold()


def chosen_sets(sets: Sequence[RunSet], filters: Filters) -> list[RunSet]:
    """The sets that pass, in their order. A set is tagged with its name, and has no star."""
    words = filters.words.casefold().split()
    found = []
    for one in sets:
        if (
            filters.starred
            or (filters.datasets and one.dataset not in filters.datasets)
            or (filters.states and one.state not in filters.states)
            or (filters.tags and one.name not in filters.tags)
        ):
            continue
        text = " ".join([one.name, one.title, one.word, one.dataset, one.sentence, one.best]).casefold()
        if all(word in text for word in words):
            found.append(one)
    return found


def rows(entries: Sequence[Entry], sets: Sequence[RunSet], filters: Filters) -> list[Entry | RunSet]:
    """What the table lists, newest first: the runs of a set are folded into its row unless something is searched for.

    entries, sets: those that pass the filters.
    """
    if filters.show == "runs" or not sets:
        return list(entries)
    if filters.show == "sets":
        return list(sets)
    own = entries if filters.narrowed else folded(entries, sets)
    return sorted([*own, *sets], key=lambda one: one.started, reverse=True)


def table(listed: Sequence[Entry | RunSet], known: Sequence[Entry], against: str) -> pd.DataFrame:
    """A row for each. known: all runs, among which trainings of one recipe are looked for.

    against: ``others``, the settings that are not as in most runs listed; or ``preset``, that are not the preset's.
    """
    entries = [one for one in listed if isinstance(one, Entry)]
    differing = from_others(entries) if against == "others" else [from_preset(entry) for entry in entries]
    settings = {entry.name: one for entry, one in zip(entries, differing, strict=True)}
    seeds = seed_spread(known)
    found = []
    for one in listed:
        of_run = isinstance(one, Entry)
        found.append(_of_run(one, settings[one.name], *seeds.get(one.name, (1, None))) if of_run else _of_set(one))
    return pd.DataFrame(found)


def table_key(place: str, names: Sequence[str]) -> str:
    """The key of a table of these rows: another one for other rows, since ticks are kept by their number.

    Without it a row that moves up into the place of a ticked one, that was deleted or filtered away, would be ticked.
    """
    return f"{place}_{hashlib.blake2b(' '.join(names).encode(), digest_size=6).hexdigest()}"


def _of_run(entry: Entry, settings: dict[str, Any], n_seeds: int, sd: float | None) -> dict[str, Any]:
    return {
        "Run": f"{'★ ' if entry.starred else ''}{entry.title}{' (archived)' if entry.archived else ''}",
        "Kind": RUN, "State": [entry.state], "F1": entry.f1,
        "95% interval": interval((entry.f1_low, entry.f1_high), 2), "Folds ±": entry.fold_sd,
        "Seeds ±": "" if sd is None else f"{number(sd)} of {n_seeds}", "Differs in": in_words(settings),
        "Tags": list(entry.all_tags), "Dataset": entry.dataset, "AUC": entry.auc, "Preset": entry.preset,
        "Started": formatting.parse_time(entry.started),
        "Took": duration(entry.seconds), "Seconds": entry.seconds, "Code": entry.code, "Data": entry.data,
        "Note": entry.note, "Folder": entry.name,
    }  # fmt: skip


def _of_set(one: RunSet) -> dict[str, Any]:
    failed = f", {one.failed} failed" if one.failed else ""
    kind = f"{one.word}, {one.progress}{failed}" if one.rows else one.word  # it has not begun
    return {
        "Run": one.title, "Kind": kind, "State": [one.state], "F1": one.f1,
        "95% interval": interval((one.f1_low, one.f1_high), 2), "Folds ±": None,
        "Seeds ±": "" if one.seeds_sd is None else f"{number(one.seeds_sd)} of {one.seeds}",
        "Differs in": f"best: {one.best}" if one.best else "", "Tags": [one.name], "Dataset": one.dataset,
        "AUC": one.auc, "Preset": "", "Started": formatting.parse_time(one.started),
        "Took": duration(one.seconds), "Seconds": one.seconds, "Code": "", "Data": "", "Note": one.sentence,
        "Folder": one.name,
    }  # fmt: skip
