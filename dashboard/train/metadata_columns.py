"""Columns beside the pixels on the Train page: which a network shall read, and whether one gives the label away.

Comes in: the chosen dataset. Goes out: the settings that follow from what was chosen. The check is numpy alone
(``core.data.tabular.leaks``); a run makes it again before it starts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.data.tabular.columns import kind_of
from core.data.tabular.leaks import PERMUTATIONS, ColumnReport, column_reports
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard.ui.formatting import escape_markdown, interval, number

NONE = "none"


def columns(data: Dataset) -> list[str]:
    """The choice, and what is found of it; settings as section.key=value, none where nothing was chosen."""
    if not data.columns:
        return []
    with st.expander("Columns beside the pixels"):
        st.caption(
            "What else is known of a patch (slope, rain, land cover) can be joined to the embedding. The network also "
            "learns to answer without: a share of the training patches loses all its columns."
        )
        names = list(data.columns)
        chosen = st.multiselect("Columns that the network reads", names, placeholder="none", key="train_columns")
        kinds = [name for name in names if kind_of(data.columns[name]) == "category"]
        size = st.selectbox(
            "Size class that a second head answers", [NONE, *kinds], key="train_size_column",
            help="A category of landslides, such as small or large. Learnt beside the label, reported by itself.",
        )  # fmt: skip
        allowed = _checked(data, chosen) if chosen else False
    settings = [f"model.columns={json.dumps(chosen)}"] if chosen else []
    settings += ["model.columns_leak=allow"] if allowed else []
    return settings + ([f"model.size_column={json.dumps(size)}"] if size != NONE else [])


def found(run: RunFolder) -> None:
    """What the columns of a finished run gave, and how well sizes are told; nothing where it has neither."""
    try:
        summary = run.summary()
    except (LandslideLensError, OSError):
        return
    if "columns" in summary:
        told, known, unknown = (summary["columns"][key] for key in ("names", "known", "unknown"))
        st.caption(
            f"The network's own head, out of fold over all folds, n = {known['n']:,}: with {escape_markdown(', '.join(told))} "
            f"F1 {_with_interval(known)}; with them unknown {_with_interval(unknown)} (95 % intervals)."
        )
    if "size" in summary:
        size = summary["size"]
        st.caption(
            f"Size class ({escape_markdown(size['column'])}) of landslides, out of fold, n = {size['n']:,}: "
            f"{number(size['accuracy'])} right {interval(size['accuracy_interval'])}, macro F1 "
            f"{number(size['macro_f1'])}; always the commonest class: {number(size['majority'])}."
        )


def _with_interval(metrics: Mapping[str, Any]) -> str:
    return f"{number(metrics['f1'])} {interval(metrics['intervals']['f1'])}"


def _checked(data: Dataset, chosen: list[str]) -> bool:
    """The check of the chosen columns; whether leaking ones were allowed."""
    reports = [ColumnReport(**one) for one in _reports(data.content_hash, tuple(chosen), data)]
    st.dataframe(pd.DataFrame([_row(one) for one in reports]), hide_index=True)
    st.caption(
        f"Mutual information with the label over {reports[0].n:,} labelled patches, as a share of the label's "
        f"{reports[0].entropy:.2f} bits; by chance: what 95 % of {PERMUTATIONS} shuffles of the labels stay below."
    )
    leaking = [one for one in reports if one.leaks]
    if not leaking:
        st.success("No column gives the label away.", icon=":material/check_circle:")
        return False
    for one in leaking:
        st.error(escape_markdown(one.reason), icon=":material/water_drop:")
    return st.checkbox(
        "Read them all the same: they will be known in the same way where the model is used",
        key="train_columns_leak",
    )


@st.cache_data(max_entries=32, show_spinner="Asking what the columns say of the label…")
def _reports(content_hash: str, chosen: tuple[str, ...], _data: Dataset) -> list[dict]:
    return [asdict(one) for one in column_reports(_data.columns, _data.labels, chosen)]


def _row(one: ColumnReport) -> dict[str, str]:
    def share(bits: float) -> str:
        return f"{bits / one.entropy:.0%}" if one.entropy else "undefined"

    return {
        "Column": one.name,
        "Kind": one.kind,
        "Unknown": f"{one.n_unknown / max(one.n, 1):.0%}",
        "Says of the label": f"{share(one.information)} (by chance {share(one.chance)})",
        "Its being unknown says": f"{share(one.of_unknown)} (by chance {share(one.chance_unknown)})",
        "Verdict": "gives the label away" if one.leaks else "may be read",
    }
