"""Tabular inputs on the Train page: which columns the network reads, and whether one leaks the label.

A run checks the columns again before it starts (``core.data.tabular.leaks``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.config import ModelConfig
from core.data.inventories.join import join_path
from core.data.store import Dataset
from core.data.tabular.joined import all_columns
from core.data.tabular.leaks import PERMUTATIONS, ColumnReport, column_reports
from core.data.tabular.second import second_classes, second_words
from core.errors import ConfigError, LandslideLensError
from core.evaluate.second_head import kept_facts
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.results.second.view import basis, sentence
from dashboard.train.draft import Draft
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.messages import show_error

NONE = "none"
SECOND_OF = {"known": "all patches where it is known", "landslides": "landslides only"}
MOST_SAID = 6  # classes that are counted aloud


def columns(data: Dataset, draft: Draft) -> None:
    """Draw the choice and its check, and note it in the form's settings; nothing where there are no columns."""
    try:
        there = all_columns(data)
    except LandslideLensError as error:  # of the joined events: what the file itself has can still be used
        show_error(error)
        there = dict(data.columns)
    if not there:
        return
    with st.expander("Tabular inputs"):
        st.caption(
            "Other facts about a patch (slope, rainfall, land cover) can be joined to the embedding. The network also "
            "learns to do without them: in training, a share of the patches has all its columns removed."
        )
        names = list(there)
        held = [name for name in draft.value("model.columns") if name in names]
        chosen = st.multiselect("Columns", names, held, placeholder="none", key=draft.key("model.columns"))
        if chosen != held:
            draft.note("model.columns", chosen)
        _second(data, there, draft)
        if chosen:
            allowed = _checked(data, there, chosen, draft)
            draft.note("model.columns_leak", "allow" if allowed else "refuse")


def _second(data: Dataset, there: Mapping[str, np.ndarray], draft: Draft) -> None:
    """The choice of the column that a second head answers, and of the patches that it learns from."""
    held, held_of = draft.value("model.second_column") or NONE, draft.value("model.second_of")
    kinds = [NONE, *(name for name in there if name == held or _is_of_classes(there[name]))]
    left, right = st.columns(2, gap="medium")
    second = left.selectbox(
        "Second head", kinds, kinds.index(held) if held in kinds else 0, key=draft.key("model.second_column"),
        help="A column of classes (size, age, trigger) that the network learns to answer beside the label. It may be "
        "known of landslides alone: the network does not read it. Reported separately.",
    )  # fmt: skip
    if second != held and (second != NONE or held in kinds):
        draft.note("model.second_column", None if second == NONE else second)
    if second == NONE:
        return
    of = right.segmented_control(
        "Learns from", list(SECOND_OF), default=held_of, key=draft.key("model.second_of"), required=True,
        format_func=SECOND_OF.get,
    )  # fmt: skip
    if of != held_of:
        draft.note("model.second_of", of)
    model = ModelConfig(second_column=second, second_of=of)
    try:
        words = second_words(model, there, data.labels)
        second_classes(model, words, np.flatnonzero(data.labels >= 0))
    except ConfigError as error:
        show_error(error)
        return
    names, counts = np.unique(words[(words != "") & (data.labels >= 0)], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    said = ", ".join(f"{escape_markdown(names[i])} {counts[i]:,}" for i in order[:MOST_SAID])
    more = f" and {len(names) - MOST_SAID} more" if len(names) > MOST_SAID else ""
    st.caption(f"{counts.sum():,} labelled patches have a known class: {said}{more}.")


@st.cache_data(max_entries=256, show_spinner=False)
def _is_of_classes(values: np.ndarray) -> bool:
    """Whether a column may be answered by a second head: kinds, or a few codes."""
    try:
        second_words(ModelConfig(second_column="column"), {"column": values}, np.zeros(len(values)))
    except ConfigError:
        return False
    return True


def contribution(run: RunFolder) -> None:
    """What the columns of a finished run contributed, and what its second head reaches; nothing without them."""
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
    if second := kept_facts(summary):
        st.caption(f"Second head, {sentence(second)} {basis(second, summary)}")


def _with_interval(metrics: Mapping[str, Any]) -> str:
    return f"{number(metrics['f1'])} {interval(metrics['intervals']['f1'])}"


def _checked(data: Dataset, there: Mapping[str, np.ndarray], chosen: list[str], draft: Draft) -> bool:
    """Check the chosen columns; whether leaking ones were allowed."""
    reports = [ColumnReport(**values) for values in _reports(_versions(data), tuple(chosen), data, there)]
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
def _reports(versions: tuple, chosen: tuple[str, ...], _data: Dataset, _there: Mapping[str, np.ndarray]) -> list[dict]:
    return [asdict(report) for report in column_reports(_there, _data.labels, chosen, groups=_data.groups)]


def _versions(data: Dataset) -> tuple:
    return data.content_hash, cache.file_version(join_path(data.path))


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
