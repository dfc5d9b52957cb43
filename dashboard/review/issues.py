"""Labels that are likely wrong: looked for as a job, and how many of those that were judged really are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.review import label_issues
from core.analyses.review.label_issues import NAME, LabelIssues
from core.data.store import Dataset
from core.review.entry import LABELS
from core.review.judgements import Judgements
from core.review.label_issues import precision_as_one_goes
from core.review.versions import decided
from core.runs.store import RunFolder
from core.stats.design_effect import share_interval
from dashboard import state, url_state
from dashboard.jobs import analyses
from dashboard.patches import outcomes
from dashboard.review import bar, charts, sets
from dashboard.review import table as review_table
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, interval_percent, percent
from dashboard.ui.guards import or_stop

FIRST_ROWS = 200  # of the table on the page; the CSV holds all
COLUMNS = {
    "rank": "Number", "id": "Patch", "label": "Label", "prob": "Probability", "score": "Doubt", "heads": "Heads",
    "neighbours": "Neighbours", "trained": "Trained", "epochs": "Epochs", "runs": "Runs", "cleanlab": "Cleanlab",
    "judged": "Judged",
}  # fmt: skip


def issues_view(run: RunFolder, data: Dataset) -> None:
    """Draw it."""
    found = or_stop(label_issues.read, run)
    if found is None:
        analyses.nothing_yet(
            run, NAME, "The labels have not been checked",
            "Every label is doubted by what the run has learnt: by its heads, by the patch's neighbours, by the "
            "networks that learnt from it, and by cleanlab. Nothing is trained. The likeliest wrong come first.",
            "Find likely wrong labels", ":material/rule:",
        )  # fmt: skip
        return
    analyses.follow(run, NAME)
    table = or_stop(found.table)
    said = or_stop(review_table.said_of, Judgements(data.path))
    judged = judged_labels(said)
    st.markdown(f"{escape_markdown(found.report['message'])}{_so_far(table, judged)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        first = int(found.report["first"])
        if st.button(f"Review the first {count(first)}", type="primary", icon=":material/fact_check:",
                     key="review_issues_go"):  # fmt: skip
            look_at_first()
        with st.popover("Check again", icon=":material/refresh:", key="review_issues_again"):
            analyses.options_form(run, NAME, "Check again")
    rows = precision_as_one_goes(table["id"].tolist(), judged, dict(zip(table["id"], table["label"], strict=True)))
    if rows:
        downloads.show(charts.precision_curve(rows), key="review_precision")
        st.caption(
            f"{count(len(rows))} judged labels of {count(len(table))}, in the order of the list; people who differ "
            "count as not judged. A label is wrong where everybody who was sure says the other."
        )
    _listed(table, data, judged, run)
    _method(found)


def judged_labels(said: review_table.Said) -> dict[str, int | None]:
    """By id: the label on which all who were sure agree, 1 or 0; None where there is none."""
    found: dict[str, int | None] = {}
    for name, entries in said.items():
        sure = [entry for entry in entries if entry.verdict != "unsure"]
        label = decided(sure, "agreed") if sure else None
        found[name] = label if label in LABELS.values() else None
    return found


def look_at_first() -> None:
    """Go to the pictures of the likeliest wrong labels, whatever was filtered before. Does not return."""
    url_state.forget(bar.ORDER, *state.ERRORS_FILTERS)
    sets.clear()
    filters = {bar.ISSUE: "first", bar.ORDER: "issue", state.ERRORS_OUTCOME: list(outcomes.OUTCOMES)}
    state.open_view("review", view="patches", filters=filters)


def _so_far(table: pd.DataFrame, judged: dict[str, int | None]) -> str:
    """How many of the judged labels were wrong, with its interval; "" before any was judged."""
    mine = table[[judged.get(name) is not None for name in table["id"]]]
    if mine.empty:
        return ""
    wrong = np.array([judged[name] != label for name, label in zip(mine["id"], mine["label"], strict=True)], float)
    groups = mine["group"].to_numpy() if (mine["group"] != "").any() else np.arange(len(mine))
    share, low, high = share_interval(wrong, groups)
    return (
        f" Of {count(len(mine))} judged so far **{count(int(wrong.sum()))} were wrong** "
        f"({percent(share, 0)}, 95%: {interval_percent([low, high])})."
    )


def _listed(table: pd.DataFrame, data: Dataset, judged: dict[str, int | None], run: RunFolder) -> None:
    named = table.assign(
        label=table["label"].map(dict(enumerate(data.class_names))),
        judged=[data.class_names[judged[name]] if judged.get(name) is not None else None for name in table["id"]],
    )
    shown = named[
        [name for name in COLUMNS if name in named and (name not in ("runs", "epochs") or named[name].notna().any())]
    ]
    numbers = [COLUMNS[name] for name in shown if shown[name].dtype.kind == "f"]
    config = {name: st.column_config.NumberColumn(name, format="%.2f") for name in numbers}
    downloads.table(
        shown.head(FIRST_ROWS).rename(columns=COLUMNS), hide_index=True, width="stretch", column_config=config,
        height=330,
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"The first {count(min(FIRST_ROWS, len(table)))} of {count(len(table))} labels.", width="content")
        downloads.download(table, f"{run.name}_label_issues", "All labels (CSV)")


def _method(found: LabelIssues) -> None:
    with st.expander("How this was measured"):
        expected = found.report["cleanlab_expected"]
        st.markdown(
            f"{count(found.report['n'])} labelled patches, {count(found.report['n_positive'])} of them positive, each "
            "by the fold that held it out. **Doubt** is the mean of what is known: **Heads**, the probability of the "
            "other class over all heads; **Neighbours**, the share of the 20 nearest training patches with the other "
            "label, patches of the same group left out; **Trained**, what the networks that learnt from the label came "
            "to believe; **Runs**, other runs' answers. **Cleanlab** is its own doubt"
            + ("." if expected is None else f"; it estimates {count(expected)} wrong labels.")
        )
