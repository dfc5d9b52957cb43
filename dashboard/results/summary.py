"""A result for decision makers: one sentence, four numbers, and what they mean of 100 landslides and 100 alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from dashboard.charts import intervals, scores
from dashboard.results import interpretation, metrics, tables
from dashboard.results.predictions import Predictions
from dashboard.results.safety.target import target_in_short
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown


def header(predictions: Predictions, own: Mapping | None = None) -> None:
    """The result in one sentence and four numbers. own: the head's part of a run's summary."""
    missing_class(predictions)
    facts = facts_of(predictions, own)
    st.header(interpretation.headline(facts, predictions.positive, predictions.there()), anchor=False)
    with st.grid(4, min_column_width=150, gap="small", key="results_header"):
        for card in interpretation.cards(facts):
            st.metric(
                card.label, card.value, card.detail or None, delta_color="off", delta_arrow="off", border=True,
                height="stretch",
            )  # fmt: skip


def facts_of(predictions: Predictions, own: Mapping | None = None) -> Mapping:
    """Metrics, counts and intervals: those of a run's summary where there are any."""
    if own is not None:
        return own
    results = predictions.results()
    return {**results.values, "intervals": results.intervals}


def summary_view(
    predictions: Predictions, basis: str, open_safety: Callable[[], None], own: Mapping | None = None,
    summary: Mapping | None = None, notes: Sequence[str] = (),
) -> None:  # fmt: skip
    """The view. basis: what stands behind the numbers. summary: of a run, whose baselines are shown then.

    open_safety: callback that leads to the safety target. notes: further Markdown for "How this was measured".
    """
    facts = facts_of(predictions, own)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        for panel in panels(facts, predictions):
            title, _, counted = panel.sentence().partition(": ")
            st.markdown(f"{escape_markdown(title)}: **{escape_markdown(counted)}**")
            st.image(scores.squares(panel), width="stretch", output_format="PNG", alt=panel.sentence())
        st.caption(squares_caption(predictions))
    with right:
        target_in_short(predictions, open_safety)
    if summary:
        _baseline(summary)
    results = predictions.results()
    left, right = st.columns([2, 1], gap="medium")
    with left:
        st.header("All metrics", anchor=False)
        table = metrics.metric_table(results, predictions.positive, predictions.there())
        downloads.table(table, hide_index=True, width="stretch", height="content")
    with right:
        metrics.by_fold(results)
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(interpretation.counts_in_words(facts, predictions.positive))
        st.markdown(basis)
        for text in notes:
            st.markdown(text)
        metrics.fold_table_shown(predictions, results)
        downloads.download(metrics.numbers_of(results), f"{predictions.name}_metrics", "Metrics (CSV)")


def panels(facts: Mapping, predictions: Predictions) -> list[scores.Squares]:
    """A hundred landslides and a hundred alarms; alarms at the stated prevalence, where there is one."""
    bounds, there, name = facts.get("intervals", {}), predictions.there(), predictions.positive
    precision, around = facts.get("precision"), bounds.get("precision")
    if there is not None:
        precision, around = there["precision"], there["intervals"]["precision"]
    return [
        scores.Squares(
            f"100 {name} patches", facts.get("recall"), bounds.get("recall"), ("TP", "FN"), ("found", "missed")
        ),
        scores.Squares("100 alarms", precision, around, ("TP", "FP"), ("correct", "false")),
    ]


def squares_caption(predictions: Predictions) -> str:
    """What stands behind the squares, in one line of Markdown."""
    n, positive = len(predictions.labels), int(predictions.labels.sum())
    share, where = (positive / n if n else 0.0), "as in these patches"
    if predictions.prevalence is not None:
        share, where = predictions.prevalence, "as stated for where the model is used"
    folds = f", {predictions.n_folds}-fold cross-validation" if predictions.n_folds > 1 else ""
    return (
        f"n = {n:,} patches that the model had not seen ({positive:,} {escape_markdown(predictions.positive)}){folds}. "
        f"Alarms: {1000 * share:.3g} {escape_markdown(predictions.positive)} patches per 1,000, {where}. "
        "Faint squares: within the 95% interval."
    )


def _baseline(summary: Mapping) -> None:
    short, sentence = interpretation.against_baseline(summary)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        st.markdown(f"**Is the network better than a simple baseline? {short}.**", help=sentence)
        st.caption(interpretation.verdict(summary) or sentence)
    rows = tables.least_gain(summary)
    if rows:
        with right:
            title = "Network minus the strongest baseline, with 95% interval"
            downloads.show(intervals.differences(rows, title), key="summary_baseline")


def missing_class(predictions: Predictions) -> None:
    """A warning where one class is missing: most metrics are undefined then."""
    n_positive = int(predictions.labels.sum())
    if n_positive in (0, len(predictions.labels)):
        which = "None" if n_positive == 0 else "All"
        st.warning(
            f"{which} of these patches are {escape_markdown(predictions.positive)}. Metrics that need both classes are "
            "undefined.",
            icon=":material/warning:",
        )
