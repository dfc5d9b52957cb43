"""Printed numbers of others: the confusion matrices that fit them, and what a printed difference can mean.

The search and the bounds are those of ``core.evaluate.published_metrics`` and ``core.evaluate.comparison.many``.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.comparison.many import printed_difference
from core.evaluate.published_metrics import MOST_COUNTED, PaperCheck, Reading, check_paper, counts_that_fit
from core.text import list_names
from dashboard import url_state
from dashboard.charts import scores
from dashboard.ui import downloads
from dashboard.ui.formatting import difference, escape_markdown, interval
from dashboard.ui.messages import show_error

NAMES = ("accuracy", "precision", "recall", "sensitivity", "specificity", "f1", "balanced_accuracy", "mcc", "npv")
TITLES = {
    "accuracy": "Accuracy", "precision": "Precision", "recall": "Recall", "sensitivity": "Sensitivity",
    "specificity": "Specificity", "f1": "F1", "balanced_accuracy": "Balanced accuracy", "mcc": "MCC",
    "npv": "NPV",
}  # fmt: skip
MOST = 5_000  # patches of a class; with more, trying all matrices takes too long for a page
MOST_TEXT = 20  # characters of a printed metric
MOST_SHOWN = 200  # matrices in the table
TABLE_IV = {"Baseline CNN": (".5053", ".5800", ".7230"), "EfficientNetB3": (".6340", ".6140", ".5380"),
            "ResNet50": (".5252", ".6538", ".3863"), "NasNetLarge": (".6270", ".7310", ".2920")}  # fmt: skip
EXAMPLES = {  # positives, negatives, tolerance, metrics as printed
    "Table V, EfficientNetB3 on Set 7": (
        31, 31, 0.0005,
        {"accuracy": ".8230", "precision": ".8120", "recall": ".8390", "sensitivity": ".8060", "f1": ".8250"},
    ),
} | {
    f"Table IV, {name} on Set 5": (44, 49, 0.0, dict(zip(("accuracy", "precision", "recall"), row, strict=True)))
    for name, row in TABLE_IV.items()
}  # fmt: skip


def published_metrics_view() -> None:
    """The view."""
    st.markdown(
        "Checks whether published metrics are possible. Every confusion matrix with these class counts is tried; if "
        "none gives the printed metrics, a number is wrong or carries the wrong name."
    )
    _examples()
    positives, negatives, tolerance, printed = _form()
    if printed:
        try:
            check = _check(positives, negatives, tuple(printed.items()), tolerance or None)
        except LandslideLensError as error:
            show_error(error)
        else:
            answer(check, tuple(printed.items()), tolerance or None)
    else:
        st.info("Enter at least one metric as printed, for example .8230 or 82.3%.", icon=":material/edit:")
    _difference()


def _examples() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = next(iter(EXAMPLES))
        name = url_state.choose(st.selectbox, "Example", list(EXAMPLES), key="paper_example", default=first, width=330)
        st.button("Fill it in", icon=":material/edit_note:", key="paper_fill", on_click=fill, args=(name,))


def fill(name: str) -> None:
    """Callback: fill an example into the form."""
    positives, negatives, tolerance, printed = EXAMPLES[name]
    st.session_state["paper_positives"], st.session_state["paper_negatives"] = positives, negatives
    st.session_state["paper_tolerance"] = tolerance
    for metric in NAMES:
        st.session_state[f"paper_{metric}"] = printed.get(metric, "")


def _form() -> tuple[int, int, float, dict[str, str]]:
    with st.container(border=True):
        with st.container(horizontal=True):
            positives = url_state.number("Positive patches", 0, MOST, 31, key="paper_positives", width=160)
            negatives = url_state.number("Other patches", 0, MOST, 31, key="paper_negatives", width=160)
            tolerance = url_state.number(
                "Tolerance", 0.0, 0.1, 0.0, step=0.0005, format="%.4f", key="paper_tolerance", width=160,
                help="How far the true value may be from the printed one. 0: half a unit of the last digit.",
            )  # fmt: skip
        printed = {}
        with st.grid(min_column_width=140):
            for metric in NAMES:
                text = url_state.text(TITLES[metric], key=f"paper_{metric}", placeholder="not printed")
                if text.strip():
                    printed[metric] = text.strip()[:MOST_TEXT]
    return int(positives), int(negatives), float(tolerance), printed


@st.cache_data(max_entries=32, show_spinner="Trying every matrix…")
def _check(positives: int, negatives: int, printed: tuple, tolerance: float | None) -> PaperCheck:
    return check_paper(positives, negatives, dict(printed), tolerance)


def answer(check: PaperCheck, printed: tuple, tolerance: float | None) -> None:
    """The verdict, the matrices behind it, and every reading of the names that was tried."""
    kind = {"fits": st.success, "swapped": st.warning, "impossible": st.error}[check.verdict]
    icon = {"fits": "check_circle", "swapped": "swap_horiz", "impossible": "block"}[check.verdict]
    kind(escape_markdown(check.sentence()), icon=f":material/{icon}:")
    reading = check.explanation or check.readings[0]
    total = check.n_positive + check.n_negative
    if check.verdict == "impossible" and 0 < total <= MOST_COUNTED:
        st.markdown(other_counts(total, _splits(total, printed, tolerance)))
    cells = reading.confusions(1)[0] if reading.fits else reading.nearest
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        st.caption("Matching matrix" if reading.fits else "Nearest matrix (no match)")
        downloads.show(scores.confusion_matrix(cells.to_dict(), ("negative", "positive")), key="paper_matrix")
    with grid.cell():
        downloads.table(_off(reading), hide_index=True, width="stretch", height="content")
        downloads.table(readings_table(check), hide_index=True, width="stretch", height="content")
    if reading.fits:
        table = pd.DataFrame(reading.matrices, columns=["TN", "FP", "FN", "TP"])
        if len(table) > 1:
            with st.expander(f"All {len(table):,} matching matrices"):
                downloads.table(table.head(MOST_SHOWN), hide_index=True, width="stretch")
        downloads.download(table, "published_metrics", "Matrices (CSV)")


@st.cache_data(max_entries=32, show_spinner="Trying other class counts…")
def _splits(total: int, printed: tuple, tolerance: float | None) -> list[tuple[int, int]]:
    return [(positives, others) for positives, others, _ in counts_that_fit(total, dict(printed), tolerance)]


def other_counts(total: int, splits: list[tuple[int, int]]) -> str:
    """Whether the class counts, rather than the metrics, may be misprinted."""
    if not splits:
        return f"No other split of {total:,} patches into two classes fits either: the metrics themselves are wrong."
    named = list_names([f"{positives:,} and {others:,}" for positives, others in splits])
    return f"The metrics fit other class counts (positive and other): {named}. The counts may be misprinted."


def _off(reading: Reading) -> pd.DataFrame:
    return pd.DataFrame(
        {"Metric": [TITLES.get(name, name) for name in reading.off],
         "Printed minus true": [difference(value, 4) for value in reading.off.values()]}
    )  # fmt: skip


def readings_table(check: PaperCheck) -> pd.DataFrame:
    """One row per reading of the names: how many matrices fit."""
    return pd.DataFrame(
        {
            "Matching matrices": [len(reading.matrices) for reading in check.readings],
            "Reading": [reading.name or "as printed" for reading in check.readings],
        }
    )


def _difference() -> None:
    st.header("Is a published difference significant?", anchor=False)
    with st.container(horizontal=True):
        first = url_state.number(
            "First F1", 0.01, 0.9999, 0.8915, key="paper_f1_a", step=0.001, format="%.4f", width=140
        )
        second = url_state.number(
            "Second F1", 0.01, 0.9999, 0.8938, key="paper_f1_b", step=0.001, format="%.4f", width=140
        )
        n = url_state.number("Test patches", 10, 10_000_000, 1619, key="paper_n", width=140)
        share = url_state.number(
            "Positive, per 100", 0.1, 99.9, 17.6, key="paper_share", step=0.1, format="%.1f", width=140
        )
    try:
        found = printed_difference(first, second, int(n), share / 100)
    except LandslideLensError as error:
        show_error(error)
        return
    (st.info if found.can_be_told else st.warning)(escape_markdown(found.sentence()), icon=":material/compare_arrows:")
    low, high = found.interval
    st.caption(
        f"95% interval of the first score: {interval((low, high))}. Example: Table 3 of the paper on the Zindi "
        "challenge, its classifier against the SVM with C 0.1, on the public test set."
    )
