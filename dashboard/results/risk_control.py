"""Risk control: the threshold that keeps a safety target, what it costs to inspect, and what can be cleared.

The guarantee is given, or refused with the number of patches needed, by ``core.evaluate.risk_control``.
"""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.risk_control import DELTA, UNGROUPED_EFFECT, Target, TriageRule, triage_by_fold, triage_rule
from dashboard import theme
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

KINDS = {"missed_per_1000": "Missed per 1,000 patches", "miss_rate": "Missed per 100 landslides"}


def risk_control_view(predictions: Predictions) -> None:
    """The view."""
    target, accept, effect = _form(predictions)
    try:
        rule = triage_rule(
            predictions.labels, predictions.probs, target, predictions.groups, false_per_1000=accept, effect=effect
        )
    except LandslideLensError as error:
        st.error(f"**This target cannot be guaranteed.** {escape_markdown(error)}", icon=":material/gpp_maybe:")
        st.caption(predictions.basis)
        return
    st.markdown(f"**{escape_markdown(rule.sentence(predictions.positive, predictions.n_models))}**")
    st.caption(escape_markdown(rule.rests_on(predictions.n_models)))
    _cards(rule)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        figure = charts.triage_bar(rule.cleared.value, rule.workload.value, rule.accepted.value)
        downloads.show(figure, key="risk_control_bar")
        st.markdown(plain_words(rule, predictions.positive))
    with grid.cell():
        miss_rate = target.kind == "miss_rate"
        downloads.show(charts.risk_path(rule.path, target.limit, rule.threshold, miss_rate), key="risk_control_path")
        st.caption("Each point is a threshold: the alarms it raises, and the upper 95% bound of what it misses.")
    _at_prevalence(rule, predictions)
    _by_fold(predictions, target, effect)
    st.caption(_basis(rule, predictions))
    downloads.download(rule.path, f"{predictions.name}_risk_control", "Thresholds tested (CSV)")


def _form(predictions: Predictions) -> tuple[Target, float | None, float]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Target", list(KINDS), default="missed_per_1000", required=True, format_func=KINDS.get,
            key="risk_control_kind",
        )  # fmt: skip
        most = st.number_input(
            "At most", 0.1, 99.0, 10.0, 1.0, format="%.1f", key=f"risk_control_limit_{kind}", width=140
        )
        accept = st.toggle(
            "Auto-accept very confident alarms", key="risk_control_accept",
            help="Alarms above a second threshold are accepted without inspection. With the same confidence, at most "
            "this many patches per 1,000 are false alarms among them.",
        )  # fmt: skip
        false_alarms = None
        if accept:
            false_alarms = st.number_input(
                "False alarms per 1,000", 0.1, 500.0, 5.0, 1.0, key="risk_control_false", width=190
            )
        effect = 1.0
        if predictions.groups is None:
            effect = st.number_input(
                "Design effect", 1.0, 100.0, UNGROUPED_EFFECT, 0.5, format="%.1f", key="risk_control_effect", width=140,
                help="No groups are known. So many patches count as one independent patch: 1 if every patch is another "
                "place; more where several patches come from one scene.",
            )  # fmt: skip
    limit = most / 100 if kind == "miss_rate" else most
    return Target(kind, limit), false_alarms, effect


def _cards(rule: TriageRule) -> None:
    bound = (
        (f"{rule.miss_rate_upper:.1%}", "of all landslides missed")
        if rule.target.kind == "miss_rate"
        else (f"{rule.missed_per_1000_upper:.1f}", "missed per 1,000")
    )
    cards = (
        ("Threshold", f"{rule.threshold:.3f}" if math.isfinite(rule.threshold) else "none", "alarm from here on"),
        ("Inspect, per 1,000", f"{rule.workload.value:.0f}", f"{rule.workload.lo:.0f} to {rule.workload.hi:.0f}"),
        ("Cleared, per 1,000", f"{rule.cleared.value:.0f}", f"{rule.cleared.lo:.0f} to {rule.cleared.hi:.0f}"),
        ("Missed here", f"{rule.missed:,}", f"of {rule.n_positive:,}"),
        ("Upper bound (95%)", *bound),
    )
    with st.grid(min_column_width=165):
        for label, value, detail in cards:
            st.metric(
                label, value, detail, delta_color="off", delta_arrow="off", border=True, height="stretch"
            )  # fmt: skip


def plain_words(rule: TriageRule, positive: str) -> str:
    """What to do with each part of the patches, in Markdown."""
    name = escape_markdown(positive)
    if rule.inspects_all:
        return "Every patch is inspected: nothing can be cleared automatically under this target."
    lines = [
        f"- **Below {rule.threshold:.3f}**: cleared without inspection; misses {rule.missed:,} {name} patches here."
    ]
    precision = rule.precision
    if math.isfinite(precision.value):
        lines.append(
            f"- **From {rule.threshold:.3f}**"
            + (f" to {rule.accept_at:.3f}" if math.isfinite(rule.accept_at) else " on")
            + f": inspected by a person; {precision.value:.0%} of these are {name} "
            f"(95% interval {precision.lo:.0%} to {precision.hi:.0%})."
        )
    if math.isfinite(rule.accept_at):
        lines.append(f"- **From {rule.accept_at:.3f} on**: accepted as {name} without inspection.")
    return "\n".join(lines)


def _at_prevalence(rule: TriageRule, predictions: Predictions) -> None:
    share = rule.n_positive / rule.n if predictions.prevalence is None else predictions.prevalence
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prevalence = st.number_input(
            f"At another prevalence: {escape_markdown(predictions.positive)} patches per 1,000", 0.1, 999.0,
            float(round(1000 * share, 1)), 10.0, format="%.1f", width=440,
            key=f"risk_control_share_{predictions.name}_{share:.4f}",
        )  # fmt: skip
        expected = rule.at_prevalence(prevalence / 1000)
        st.markdown(
            f"{expected['workload']:.0f} alarms per 1,000 patches, {expected['missed_per_1000']:.1f} missed, at most "
            f"{expected['missed_per_1000_upper']:.1f} (95% confidence), if landslides look the same there."
        )


def _by_fold(predictions: Predictions, target: Target, effect: float) -> None:
    if predictions.n_folds < 2:
        return
    with st.expander("Check: each fold at the threshold learnt on the other folds"):
        table = triage_by_fold(
            predictions.labels, predictions.probs, predictions.fold_of, target, predictions.groups, effect
        )
        names = {
            "fold": "Fold", "n": "Patches", "n_positive": "Positive", "threshold": "Threshold", "missed": "Missed",
            "miss_rate": "Miss rate", "missed_per_1000": "Missed per 1,000", "workload": "Alarms per 1,000",
            "kept": "Target met", "reason": "Why no threshold",
        }  # fmt: skip
        table = table[[name for name in names if name in table]].assign(fold=lambda t: t["fold"].map(theme.fold_title))
        if not table["reason"].any():
            table = table.drop(columns="reason")
        st.dataframe(table.round(3).rename(columns=names), hide_index=True, width="stretch", height="content")
        st.caption("A small fold may miss the target by chance: the guarantee is about many patches like these.")
        downloads.download(pd.DataFrame(table), f"{predictions.name}_risk_control_folds", "By fold (CSV)")


def _basis(rule: TriageRule, predictions: Predictions) -> str:
    groups = "" if rule.n_groups is None else f" in {rule.n_groups:,} groups"
    return (
        f"{predictions.source}; n = {rule.n:,} patches, {rule.n_positive:,} {escape_markdown(predictions.positive)}"
        f"{groups}; effective sample size {number(rule.effective, 0)}. Learn then test with exact binomial tails, "
        f"delta {DELTA:g}: for at least 95 of 100 sets of patches like these, the true rate stays under the target."
    )
