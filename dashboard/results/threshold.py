"""A threshold to try out: a slider that moves the numbers, the point on three curves and the patches near it.

Counts at all thresholds are made once (``core.evaluate.sweep``); the part that moves is a fragment, so that the rest of
the page is not drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data.store import Dataset
from core.evaluate.metrics import Confusion
from core.evaluate.prevalence import best_f1_threshold_at, of_counts
from core.evaluate.sweep import Sweep
from core.evaluate.thresholds import Nested
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.patches import card, gallery
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

AT, RULE, WHOSE = "threshold_at", "threshold_rule", "threshold_whose"
RECALL, COST, SIDE = "threshold_recall", "threshold_cost", "threshold_side"
STEP = 0.001
SHOWN = 12  # patches near the threshold
RULES = {"best_f1": "Best F1", "recall": "Recall at least", "cost": "Lowest cost"}
SIDES = {
    "both": "Nearest to the threshold",
    "FN": f"{theme.OUTCOME_WORDS['FN']}, nearest first",
    "FP": f"{theme.OUTCOME_WORDS['FP']}, nearest first",
}


@dataclass(frozen=True)
class Live:
    """What the fragment needs: none of it is computed again while the slider moves."""

    predictions: Predictions
    sweep: Sweep
    data: Dataset | None
    run: RunFolder | None
    first: float  # where the slider starts
    figures: dict[str, go.Figure]  # rates, pr, roc: only the line and the points move


def threshold_view(
    predictions: Predictions, data: Dataset | None, run: RunFolder | None, deployed: float | None = None
) -> None:
    """The view. ``deployed``: the run's own threshold for new patches, where the slider starts."""
    first = predictions.nested("best_f1").deployed if deployed is None else deployed
    if predictions.prevalence is not None:  # the best F1 is elsewhere where landslides are rarer
        first = best_f1_threshold_at(predictions.labels, predictions.probs, predictions.prevalence)
    first = float(np.clip(first, 0, 1))
    if st.session_state.get(WHOSE, predictions.key) != predictions.key:  # another head or table: its own threshold
        url_state.forget(AT)
        st.query_params.pop(AT, None)
        st.session_state.pop(RULE, None)
    st.session_state[WHOSE] = predictions.key
    sweep = predictions.sweep()
    figures = {
        "rates": charts.rates_over_threshold(sweep, first),
        "pr": charts.pr_at(sweep, first),
        "roc": charts.roc_at(sweep, first),
    }
    live = Live(predictions, sweep, data, run, first, figures)
    st.fragment(_moving)(live)
    downloads.download(lambda: sweep_table(live.sweep), f"{predictions.name}_thresholds", "Every threshold (CSV)")


def _moving(live: Live) -> None:
    url_state.read_query_number(AT, 0.0, 1.0, live.first)
    _choosers(live)
    at = st.slider(
        f"Threshold: probability from which a patch counts as {escape_markdown(live.predictions.positive)}", 0.0, 1.0,
        step=STEP, format="%.3f", key=AT,
    )  # fmt: skip
    url_state.write_query_param(AT, at, live.first)
    cells = live.sweep.at(at)
    _numbers(live, at, cells)
    charts.move_line(live.figures["rates"], at)
    grid = st.grid(min_column_width=250, gap="medium")
    for name, figure in live.figures.items():
        if name != "rates":
            charts.move_point(figure, live.sweep, at, name)
        with grid.cell():
            downloads.show(figure, key=f"threshold_{name}")
    parts = live.predictions.parts_word
    st.caption(
        f"{live.predictions.basis}{_elsewhere(live.predictions.prevalence)} "
        "The slider sets one threshold for all patches and is evaluated on the patches it was "
        f"chosen on, so its numbers are optimistic. The buttons show what each rule achieves on held-out {parts}."
    )
    _patches(live, at)


def _elsewhere(share: float | None) -> str:
    return (
        "" if share is None else f" Precision, F1 and inspections: at {1000 * share:.3g} landslides per 1,000 patches."
    )


# ------------------------------------------------------------------------------------------------------- choosing


def _choosers(live: Live) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        recall = url_state.number(
            "Recall at least", 0.5, 1.0, 0.95, key=RECALL, step=0.01, format="%.2f", width=130,
            help="Share of landslides that must be found among these patches.",
        )  # fmt: skip
        cost = url_state.number(
            "Cost of a miss", 0.1, 1000.0, 10.0, key=COST, step=1.0, format="%.1f", width=130,
            help="In false alarms: 10 means that one missed landslide is as bad as ten false alarms.",
        )  # fmt: skip
        for rule, words in RULES.items():
            st.button(
                words + (f" {recall:.2f}" if rule == "recall" else ""), key=f"threshold_to_{rule}",
                icon=":material/my_location:", on_click=_set_rule, args=(live.predictions, rule, recall, cost),
            )  # fmt: skip
    if (rule := st.session_state.get(RULE)) in RULES:
        chosen = live.predictions.nested(rule, recall, cost)
        st.info(nested_words(chosen, rule, recall, cost, live.predictions))


def _set_rule(predictions: Predictions, rule: str, recall: float, cost: float) -> None:
    st.session_state[RULE] = rule
    st.session_state[AT] = float(np.clip(predictions.nested(rule, recall, cost).deployed, 0.0, 1.0))


def nested_words(chosen: Nested, rule: str, recall: float, cost: float, predictions: Predictions) -> str:
    """What a rule achieves on folds that did not choose the threshold, in Markdown."""
    parts = predictions.parts_word
    values, ends = chosen.metrics, (min(chosen.thresholds), max(chosen.thresholds))
    goal = {"best_f1": "the best F1", "recall": f"a recall of at least {recall:.2f}", "cost": "the lowest cost"}[rule]
    if predictions.n_parts < 2:
        return f"The threshold for {goal} is {number(chosen.deployed)}. Without folds, it was chosen on these patches."
    cells = Confusion(**values["confusion"])
    words = (
        f"**{RULES[rule]}**, cross-fitted: each of {predictions.n_parts} {parts} uses the threshold for {goal} on the "
        f"other {parts} ({interval(ends)}). Result: recall {number(values['recall'])}, precision "
        f"{number(values['precision'])}, F1 {number(values['f1'])}, {cells.fn:,} missed, {cells.fp:,} false alarms"
    )
    if rule == "cost":
        words += f", cost {cost * cells.fn + cells.fp:,.0f} (a miss {cost:g}, a false alarm 1)"
    if rule == "recall" and values["recall"] is not None and values["recall"] < recall:
        words += ". That is less than required: a threshold guarantees nothing on other patches; the safety target does"
    return f"{words}. For new patches: {number(chosen.deployed)}, chosen on all {parts}; the slider now stands there."


# --------------------------------------------------------------------------------------------------- its numbers


def _numbers(live: Live, at: float, cells: Confusion) -> None:
    row = {name: values[live.sweep.index(at)] for name, values in live.sweep.rates.items()}
    n = len(live.predictions.labels)
    called = cells.tp + cells.fp
    precision, f1, inspect, where = row["precision"], row["f1"], 1000 * called / n, "of these patches"
    if (share := live.predictions.prevalence) is not None:
        there = of_counts(vars(cells), share)
        precision, f1, inspect = there["precision"], there["f1"], there["alarms_per_1000"]
        where = f"at {1000 * share:.3g} per 1,000"
    shown = (
        (theme.OUTCOME_WORDS["TP"], f"{cells.tp:,}", f"recall {number(row['recall'])}"),
        (theme.OUTCOME_WORDS["FN"], f"{cells.fn:,}", f"of {cells.tp + cells.fn:,}"),
        (theme.OUTCOME_WORDS["FP"], f"{cells.fp:,}", f"precision {number(precision)}"),
        ("F1", number(f1), where),
        ("To inspect, per 1,000", f"{inspect:.0f}", where),
    )
    with st.grid(5, min_column_width=150, gap="small"):
        for label, value, detail in shown:
            st.metric(label, value, detail, delta_color="off", delta_arrow="off", border=True, height="stretch")


def nearest(predictions: Predictions, sweep: Sweep, at: float, side: str, most: int = SHOWN) -> pd.DataFrame:
    """The patches nearest to a threshold, the highest probability first: id, label, fold, prob, outcome.

    side: ``both``: half above, half below; ``FN`` missed landslides, ``FP`` false alarms.
    """
    called = int(sweep.called[sweep.index(at)])
    above, below = sweep.order[:called][::-1], sweep.order[called:]  # nearest first
    if side == "both":
        rows = np.concatenate([above[: most // 2][::-1], below[: most - most // 2]])
    elif side == "FN":
        rows = below[predictions.labels[below] == 1][:most]
    else:
        rows = above[predictions.labels[above] == 0][:most]
    table = predictions.table.iloc[rows][["id", "label", "fold", "prob"]]
    positive, is_called = table["label"].to_numpy() == 1, table["prob"].to_numpy() >= at
    words = np.array([["TN", "FP"], ["FN", "TP"]])[positive.astype(int), is_called.astype(int)]
    return table.assign(outcome=words)


def _patches(live: Live, at: float) -> None:
    side = url_state.choose(
        st.segmented_control, "Patches", list(SIDES), key=SIDE, default="both", required=True, format_func=SIDES.get,
        wrap=True,
    )  # fmt: skip
    if live.run is not None and live.data is not None:
        with st.container(horizontal=True):
            for outcome, words in (("FN", "Open all missed"), ("FP", "Open all false alarms")):
                if st.button(words, icon=":material/arrow_outward:", key=f"threshold_open_{outcome}", type="tertiary"):
                    state.open_errors(live.predictions.head, outcome, at)
    table = nearest(live.predictions, live.sweep, at, side)
    if table.empty:
        st.caption("No such patches at this threshold.")
        return
    if live.data is None:
        _plain_list(table)
        return
    look = gallery.look_controls(live.data, "threshold", stretch=False)
    gallery.outcome_legend()
    gallery.gallery(live.data, table, look, "threshold", caption=gallery.score_caption)
    card.show_opened(live.data, live.run, table["id"].astype(str).tolist(), live.predictions.head or None, at)


def _plain_list(table: pd.DataFrame) -> None:
    shown = table.assign(
        fold=table["fold"] + 1, outcome=table["outcome"].map(theme.OUTCOME_WORDS), prob=table["prob"].round(4)
    )
    downloads.table(
        shown.rename(columns={"id": "Id", "label": "Label", "fold": "Fold", "prob": "Probability",
                              "outcome": "Outcome"}),
        hide_index=True, width="stretch", height="content",
    )  # fmt: skip


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """Counts and rates at every threshold."""
    counts = {name: getattr(sweep, name) for name in ("threshold", "tp", "fp", "fn", "tn")}
    return pd.DataFrame(counts | sweep.rates)
