"""The live threshold: a slider that moves numbers, the point on three curves and the patches beside it together.

Comes in: a :class:`dashboard.results.predictions.Scored`, an open dataset or none. Counts of all thresholds are made once
(``core.evaluate.sweep``); the part that moves is a fragment, so that the rest of the page is not drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data.store import Dataset
from core.evaluate.metrics import Confusion
from core.evaluate.sweep import Sweep
from core.evaluate.thresholds import Nested
from core.runs.store import RunFolder
from dashboard import state, theme
from dashboard.patches import card, gallery
from dashboard.results import charts, predictions
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

AT, RULE, WHOSE = "threshold_at", "threshold_rule", "threshold_whose"
RECALL, COST, SIDE = "threshold_recall", "threshold_cost", "threshold_side"
STEP = 0.001
SHOWN = 12  # patches beside the threshold
RULES = {"best_f1": "Best F1", "recall": "Recall at least", "cost": "Least cost"}
SIDES = {
    "both": "Either side of the threshold",
    "FN": "Missed, nearest first",
    "FP": "False alarms, nearest first",
}


@dataclass(frozen=True)
class Live:
    """What the fragment needs, made once: nothing in it is computed again while the slider moves."""

    of: Scored
    sweep: Sweep
    data: Dataset | None
    run: RunFolder | None
    first: float  # where the slider stands at first
    figures: dict[str, go.Figure]  # rates, pr, roc: only the line and the points are moved


def threshold_view(of: Scored, data: Dataset | None, run: RunFolder | None, deployed: float | None = None) -> None:
    """The view. ``deployed``: the run's own threshold for new patches, where the slider stands at first."""
    first = predictions.nested_of(of, "best_f1").deployed if deployed is None else deployed
    if st.session_state.get(WHOSE) != of.key:  # another head or table: its slider stands where it would decide
        st.session_state[WHOSE], st.session_state[AT] = of.key, float(np.clip(first, 0, 1))
        st.session_state.pop(RULE, None)
    sweep = predictions.sweep_of(of)
    figures = {
        "rates": charts.rates_over_threshold(sweep, first),
        "pr": charts.pr_at(sweep, first),
        "roc": charts.roc_at(sweep, first),
    }
    live = Live(of, sweep, data, run, float(np.clip(first, 0, 1)), figures)
    st.fragment(_moving)(live)
    downloads.download(lambda: sweep_table(live.sweep), f"{of.name}_thresholds", "Every threshold (CSV)")


def _moving(live: Live) -> None:
    st.session_state.setdefault(AT, live.first)
    _choosers(live)
    at = st.slider(
        f"Called {escape_markdown(live.of.positive)} from this probability on",
        0.0,
        1.0,
        step=STEP,
        format="%.3f",
        key=AT,
    )
    cells = live.sweep.at(at)
    _numbers(live, at, cells)
    charts.move_line(live.figures["rates"], at)
    grid = st.grid(min_column_width=250, gap="medium")
    for name, figure in live.figures.items():
        if name != "rates":
            charts.move_point(figure, live.sweep, at, name)
        with grid.cell():
            downloads.show(figure, key=f"threshold_{name}")
    st.caption(
        f"{live.of.standing} The slider is one threshold for all folds, judged on the patches that it is chosen by: "
        "its numbers flatter. What a rule is worth on patches that did not choose stands beside its button."
    )
    _patches(live, at)


# ------------------------------------------------------------------------------------------------------- choosing


def _choosers(live: Live) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        recall = st.number_input(
            "Recall at least", 0.5, 1.0, 0.95, 0.01, format="%.2f", key=RECALL, width=130,
            help="The share of landslides that must be found among these patches.",
        )  # fmt: skip
        cost = st.number_input(
            "A miss costs", 0.1, 1000.0, 10.0, 1.0, format="%.1f", key=COST, width=130,
            help="In false alarms: 10 means that a missed landslide is as bad as ten inspections for nothing.",
        )  # fmt: skip
        for rule, words in RULES.items():
            st.button(
                words + (f" {recall:.2f}" if rule == "recall" else ""), key=f"threshold_to_{rule}",
                icon=":material/my_location:", on_click=_go, args=(live.of, rule, recall, cost),
            )  # fmt: skip
    if (rule := st.session_state.get(RULE)) in RULES:
        st.info(nested_words(predictions.nested_of(live.of, rule, recall, cost), rule, recall, cost, live.of.n_folds))


def _go(of: Scored, rule: str, recall: float, cost: float) -> None:
    st.session_state[RULE] = rule
    st.session_state[AT] = float(np.clip(predictions.nested_of(of, rule, recall, cost).deployed, 0.0, 1.0))


def nested_words(found: Nested, rule: str, recall: float, cost: float, n_folds: int) -> str:
    """What a rule is worth on folds that did not choose, in Markdown."""
    judged, ends = found.metrics, (min(found.thresholds), max(found.thresholds))
    wanted = {"best_f1": "the best F1", "recall": f"a recall of at least {recall:.2f}", "cost": "the least cost"}[rule]
    if n_folds < 2:
        return f"The threshold of {wanted} is {found.deployed:.3f}, judged on what chose it: there are no folds."
    cells = Confusion(**judged["confusion"])
    words = (
        f"**{RULES[rule]}**, cross-fitted: each of {n_folds} folds is decided by the threshold that the others chose "
        f"for {wanted} ({ends[0]:.3f} to {ends[1]:.3f}). So judged: recall {number(judged['recall'])}, precision "
        f"{number(judged['precision'])}, F1 {number(judged['f1'])}, {cells.fn:,} missed, {cells.fp:,} false alarms"
    )
    if rule == "cost":
        words += f", cost {cost * cells.fn + cells.fp:,.0f} (a miss {cost:g}, a false alarm 1)"
    if rule == "recall" and judged["recall"] is not None and judged["recall"] < recall:
        words += ". That is less than asked for: a threshold promises nothing of other patches; the desk does"
    return f"{words}. For new patches: {found.deployed:.3f}, chosen on all folds, where the slider now stands."


# ------------------------------------------------------------------------------------------------- what it gives


def _numbers(live: Live, at: float, cells: Confusion) -> None:
    row = {name: values[live.sweep.index(at)] for name, values in live.sweep.rates.items()}
    n = len(live.of.labels)
    called = cells.tp + cells.fp
    shown = (
        ("Found", f"{cells.tp:,}", f"of {cells.tp + cells.fn:,}"),
        ("Missed", f"{cells.fn:,}", f"of {cells.tp + cells.fn:,}"),
        ("False alarms", f"{cells.fp:,}", f"of {called:,}"),
        ("To inspect", f"{1000 * called / n:.0f}", "of 1000"),
        ("Recall", number(row["recall"]), None),
        ("Precision", number(row["precision"]), None),
        ("F1", number(row["f1"]), None),
    )
    with st.grid(min_column_width=120):
        for label, value, detail in shown:
            st.metric(
                label, value, detail, delta_color="off", delta_arrow="off", border=True, height="stretch"
            )  # fmt: skip


def beside(of: Scored, sweep: Sweep, at: float, side: str, most: int = SHOWN) -> pd.DataFrame:
    """The patches nearest to a threshold, the highest probability first: id, label, fold, prob, outcome.

    side: ``both`` halves above and below; ``FN`` missed landslides, ``FP`` false alarms.
    """
    called = int(sweep.called[sweep.index(at)])
    above, below = sweep.order[:called][::-1], sweep.order[called:]  # nearest first
    if side == "both":
        rows = np.concatenate([above[: most // 2][::-1], below[: most - most // 2]])
    elif side == "FN":
        rows = below[of.labels[below] == 1][:most]
    else:
        rows = above[of.labels[above] == 0][:most]
    table = of.table.iloc[rows][["id", "label", "fold", "prob"]]
    positive, is_called = table["label"].to_numpy() == 1, table["prob"].to_numpy() >= at
    words = np.array([["TN", "FP"], ["FN", "TP"]])[positive.astype(int), is_called.astype(int)]
    return table.assign(outcome=words)


def _patches(live: Live, at: float) -> None:
    side = st.segmented_control(
        "Patches", list(SIDES), default="both", required=True, format_func=SIDES.get, key=SIDE, wrap=True
    )
    if live.run is not None and live.data is not None:
        with st.container(horizontal=True):
            for outcome, words in (("FN", "Open all that are missed"), ("FP", "Open all false alarms")):
                if st.button(words, icon=":material/arrow_outward:", key=f"threshold_open_{outcome}", type="tertiary"):
                    state.open_errors(live.of.head, outcome, at)
    table = beside(live.of, live.sweep, at, side)
    if table.empty:
        st.caption("None at this threshold.")
        return
    if live.data is None:
        _plain_list(table)
        return
    look = gallery.look_controls(live.data, "threshold", stretch=False)
    gallery.outcome_legend()
    gallery.gallery(live.data, table, look, "threshold", caption=gallery.score_caption)
    card.show_opened(live.data, live.run, table["id"].astype(str).tolist())


def _plain_list(table: pd.DataFrame) -> None:
    shown = table.assign(
        fold=table["fold"] + 1, outcome=table["outcome"].map(theme.OUTCOME_WORDS), prob=table["prob"].round(4)
    )
    st.dataframe(
        shown.rename(columns={"id": "Id", "label": "Label", "fold": "Fold", "prob": "Probability",
                              "outcome": "Outcome"}),
        hide_index=True, width="stretch", height="content",
    )  # fmt: skip


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """Counts and rates at every threshold."""
    counts = {name: getattr(sweep, name) for name in ("threshold", "tp", "fp", "fn", "tn")}
    return pd.DataFrame(counts | sweep.rates)
