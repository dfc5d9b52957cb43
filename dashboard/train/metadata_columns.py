"""Tabular inputs on the Train page: which columns the network reads, and whether one leaks the label.

A run checks the columns again before it starts (``core.data.tabular.leaks``).
"""

from __future__ import annotations

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
from dashboard.train.draft import Draft
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

NONE = "none"


def columns(data: Dataset, draft: Draft) -> None:
    """Draw the choice and its check, and note it in the form's settings; nothing where there are no columns."""
    if not data.columns:
        return
    with st.expander("Tabular inputs"):
        st.caption(
            "Other facts about a patch (slope, rainfall, land cover) can be joined to the embedding. The network also "
            "learns to do without them: in training, a share of the patches has all its columns removed."
        )
        names = list(data.columns)
        held = [name for name in draft.value("model.columns") if name in names]
        chosen = st.multiselect("Columns", names, held, placeholder="none", key=draft.key("model.columns"))
        if chosen != held:
            draft.note("model.columns", chosen)
        kinds = [NONE, *(name for name in names if kind_of(data.columns[name]) == "category")]
        held_size = draft.value("model.size_column") or NONE
        size = st.selectbox(
            "Size class (second head)", kinds, kinds.index(held_size) if held_size in kinds else 0,
            key=draft.key("model.size_column"),
            help="A category of landslides, such as small or large. Learnt with the label and reported separately.",
        )  # fmt: skip
        if size != held_size and (size != NONE or held_size in kinds):
            draft.note("model.size_column", None if size == NONE else size)
        if chosen:
            allowed = _checked(data, chosen, draft)
            draft.note("model.columns_leak", "allow" if allowed else "refuse")


def contribution(run: RunFolder) -> None:
    """What the columns of a finished run contributed, and how well size classes are predicted; nothing without them."""
    try:
        summary = run.summary()
    except (LandslideLensError, OSError):
        return
    if "columns" in summary:
        names, known, unknown = (summary["columns"][key] for key in ("names", "known", "unknown"))
        st.caption(
            f"The network's own head, out of fold, n = {known['n']:,}: with {escape_markdown(', '.join(names))} F1 "
            f"{_with_interval(known)}; without them {_with_interval(unknown)} (95% intervals)."
        )
    if "size" in summary:
        size = summary["size"]
        st.caption(
            f"Size class ({escape_markdown(size['column'])}) of landslides, out of fold, n = {size['n']:,}: "
            f"accuracy {number(size['accuracy'])} {interval(size['accuracy_interval'])}, macro F1 "
            f"{number(size['macro_f1'])}; majority class alone: {number(size['majority'])}."
        )


def _with_interval(metrics: Mapping[str, Any]) -> str:
    return f"{number(metrics['f1'])} {interval(metrics['intervals']['f1'])}"


def _checked(data: Dataset, chosen: list[str], draft: Draft) -> bool:
    """Check the chosen columns; whether leaking ones were allowed."""
    reports = [ColumnReport(**values) for values in _reports(data.content_hash, tuple(chosen), data)]
    downloads.table(pd.DataFrame([_row(report) for report in reports]), hide_index=True)
    st.caption(
        f"Mutual information with the label over {reports[0].n:,} labelled patches, as a share of the label's "
        f"{reports[0].entropy:.2f} bits. By chance: the 95th percentile of {PERMUTATIONS} shuffles of the labels."
    )
    leaking = [report for report in reports if report.leaks]
    if not leaking:
        st.success("No column leaks the label.", icon=":material/check_circle:")
        return False
    for report in leaking:
        st.error(escape_markdown(report.reason), icon=":material/water_drop:")
    return st.checkbox(
        "Use them anyway: they will be known in the same way where the model is used",
        draft.value("model.columns_leak") == "allow",
        key=draft.key("model.columns_leak"),
    )


@st.cache_data(max_entries=32, show_spinner="Checking the columns…")
def _reports(content_hash: str, chosen: tuple[str, ...], _data: Dataset) -> list[dict]:
    return [asdict(report) for report in column_reports(_data.columns, _data.labels, chosen, groups=_data.groups)]


def _row(report: ColumnReport) -> dict[str, str]:
    def share(bits: float) -> str:
        return f"{bits / report.entropy:.0%}" if report.entropy else "undefined"

    return {
        "Column": report.name,
        "Kind": report.kind,
        "Missing": f"{report.n_unknown / max(report.n, 1):.0%}",
        "Information about the label": f"{share(report.information)} (by chance {share(report.chance)})",
        "Information in missing values": f"{share(report.of_unknown)} (by chance {share(report.chance_unknown)})",
        "Verdict": "leaks the label" if report.leaks else "can be used",
    }
