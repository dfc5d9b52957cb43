"""The groups of patches of the same ground that are known of a run's dataset, and what people have decided on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.data.exclusions import exclusions_path, labels_in_use
from core.data.leakage.groups import HARM_WORDS, HARMS, PatchGroup, group_text, patch_groups
from core.data.leakage.split_audit import Leaks
from core.data.store import Dataset
from core.review.entry import Entry
from core.review.groups import GROUP
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.dataset.known_pairs import known_pairs
from dashboard.review.sets import Kind

ALL = "all"
Said = Mapping[str, Sequence[Entry]]  # by the text of the group


def groups_of(run: RunFolder, data: Dataset) -> tuple[PatchGroup, ...] | None:
    """The groups, the most harmful to this run first; None where nobody has looked for pairs yet."""
    found = known_pairs(data)
    if found is None:
        return None
    versions = (cache.file_version(run.path / "folds.json"), cache.file_version(exclusions_path(data.path)))
    return _groups(str(run.path), str(data.path), data.content_hash, len(found.pairs), versions, run, data, found)


@st.cache_resource(max_entries=4, show_spinner="Putting pairs together…")
def _groups(
    run_path: str,
    path: str,
    content: str,
    n_pairs: int,
    versions: tuple[cache.Version, cache.Version],
    _run: RunFolder,
    _data: Dataset,
    _found: Leaks,
) -> tuple[PatchGroup, ...]:
    return tuple(patch_groups(_data, labels_in_use(_data), _found.pairs, _run.folds()))


def said_of(judgements: Judgements) -> Said:
    """What stands of the groups; of each one entry a person. Raises DataError for a damaged file."""
    return _said(str(judgements.judged), judgements.stamp)


@st.cache_data(max_entries=8, show_spinner=False)
def _said(path: str, stamp: tuple[int, int]) -> dict[str, list[Entry]]:
    return {text: entries for (_, text), entries in Judgements(path).by_subject(GROUP).items()}


def text_of(group: PatchGroup) -> str:
    """What a decision on it is about."""
    return group_text(group.ids)


# ------------------------------------------------------------------------------------------------- sets of patches


def _ids(run: RunFolder, data: Dataset, name: str) -> frozenset[str] | None:
    groups = groups_of(run, data) or ()
    chosen = [one for one in groups if name in (ALL, one.harm, one.name)]
    return frozenset(patch for one in chosen for patch in one.ids) if chosen else None


def _title(run: RunFolder, data: Dataset, name: str) -> str:
    if name in HARMS:
        return f"in groups of duplicates: {HARM_WORDS[name].lower()}"
    return "in groups of duplicates" if name == ALL else "in one group of duplicates"


DUPLICATES = "duplicates"
DUPLICATES_KIND = Kind(_ids, _title)
