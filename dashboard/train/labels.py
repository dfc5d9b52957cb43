"""Which labels a new run learns from: those of the dataset file, or a version that a review has corrected."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.config.sections import DataConfig
from core.data.label_versions import LabelVersion, read_version, version_names
from core.errors import LandslideLensError
from dashboard.train.draft import VERSION, Draft
from dashboard.ui.formatting import count, escape_markdown, parse_time

FILE = "Labels of the file"


def labels_field(draft: Draft, dataset: Path) -> None:
    """The choice, where the dataset has versions of its labels; the draft holds the version's name."""
    names, held = version_names(dataset), draft.value(VERSION)
    if held is not None and held not in names:
        st.caption(
            f"{escape_markdown(held)} is no version of this dataset's labels: the labels of the file are used.",
        )
        draft.note(VERSION, held := None)
    if not names:
        return
    options = [None, *reversed(names)]
    key = draft.key(VERSION)
    changed = draft.differs(VERSION, st.session_state.get(key, held))
    chosen = st.selectbox(
        f"Labels{' :orange-badge[changed]' if changed else ''}", options, options.index(held), key=key, width=520,
        format_func=lambda name: FILE if name is None else version_words(dataset, name),
        help=DataConfig.model_fields["labels"].description,
    )  # fmt: skip
    draft.note(VERSION, chosen)


def version_words(dataset: Path, name: str) -> str:
    """A version for people: which, when, by whom, how many were corrected."""
    try:
        version = read_version(dataset, name)
    except (LandslideLensError, OSError):
        return f"{name}: damaged"
    return f"{name.partition('-')[0]} · {about(version)}"


def about(version: LabelVersion) -> str:
    """When it was made, by whom, how many labels it corrects or leaves out, and groups it keeps in one fold."""
    at = parse_time(version.made)
    when = [f"{at.day} {at:%b %Y %H:%M} UTC"] if at else []
    left = [f"{count(version.n_left_out)} left out"] if version.n_left_out else []
    kept = [f"{count(len(version.together))} kept in one fold"] if version.together else []
    corrected = f"{count(len(version.changes) - version.n_left_out)} corrected"
    return " · ".join([version.by, *when, corrected, *left, *kept])
