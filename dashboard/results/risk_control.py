"""The recall-first desk: what may be missed, the threshold that promises it, and what it costs to look.

Comes in: a :class:`dashboard.results.predictions.Scored`. The promise is made, or refused with the number needed, in
``core.evaluate.risk_control``.
"""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.risk_control import DELTA, Desk, Target, desk, desk_by_fold
from dashboard import theme
from dashboard.results import charts
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

KINDS = {"missed_per_1000": "missed in 1000 patches", "miss_rate": "missed of 100 landslides"}


def desk_view(of: Scored) -> None:
    """The view."""
    target, accept = _form()
    try:
        found = desk(of.labels, of.probs, target, of.groups, false_per_1000=accept)
    except LandslideLensError as error:
        st.error(f"**No promise can be made.** {escape_markdown(error)}", icon=":material/gpp_maybe:")
        st.caption(of.standing)
        return
    st.markdown(f"**{escape_markdown(found.sentence(of.positive))}**")
    _cards(found, of)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        downloads.show(charts.piles(found.cleared.value, found.workload.value, found.accepted.value), key="desk_piles")
        st.markdown(plain_words(found, of.positive))
    with grid.cell():
        miss_rate = target.kind == "miss_rate"
        downloads.show(charts.desk_path(found.path, target.limit, found.threshold, miss_rate), key="desk_path")
        st.caption("Each point is a threshold: what is called, and what the misses stay under in 95 of 100 cases.")
    _elsewhere(found, of)
    _by_fold(of, target)
    st.caption(_standing(found, of))
    downloads.download(found.path, f"{of.name}_desk", "The thresholds tested (CSV)")


def _form() -> tuple[Target, float | None]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "What is counted", list(KINDS), default="missed_per_1000", required=True, format_func=KINDS.get,
            key="desk_kind",
        )  # fmt: skip
        most = st.number_input(
            "At most", 0.1, 99.0, 10.0, 1.0, format="%.1f",
            key=f"desk_limit_{kind}", width=140,
        )  # fmt: skip
        accept = st.toggle(
            "Accept the surest unseen", key="desk_accept",
            help="Patches so probable that, with the same confidence, at most so many in 1000 patches are false alarms "
            "among them are accepted without a look.",
        )  # fmt: skip
        false = None
        if accept:
            false = st.number_input("False alarms in 1000", 0.1, 500.0, 5.0, 1.0, key="desk_false", width=170)
    limit = most / 100 if kind == "miss_rate" else most
    return Target(kind, limit), false


def _cards(found: Desk, of: Scored) -> None:
    bound = (
        (f"{found.miss_rate_upper:.1%}", "missed of all of them")
        if found.target.kind == "miss_rate"
        else (f"{found.missed_per_1000_upper:.1f}", "missed in 1000")
    )
    shown = (
        ("Threshold", _threshold(found), "called from here on"),
        ("To look at, of 1000", f"{found.workload.value:.0f}", f"{found.workload.lo:.0f} to {found.workload.hi:.0f}"),
        ("Cleared, of 1000", f"{found.cleared.value:.0f}", f"{found.cleared.lo:.0f} to {found.cleared.hi:.0f}"),
        ("Missed here", f"{found.missed:,}", f"of {found.n_positive:,}"),
        ("At most, 95 % sure", *bound),
    )
    with st.grid(min_column_width=165):
        for label, value, detail in shown:
            st.metric(
                label, value, detail, delta_color="off", delta_arrow="off", border=True, height="stretch"
            )  # fmt: skip


def _threshold(found: Desk) -> str:
    return f"{found.threshold:.3f}" if math.isfinite(found.threshold) else "none"


def plain_words(found: Desk, positive: str) -> str:
    """What to do with each pile, in Markdown."""
    name = escape_markdown(positive)
    if found.all_must_be_seen:
        return "Every patch is looked at: nothing can be cleared unseen under this promise."
    lines = [f"- **Below {found.threshold:.3f}**: cleared without a look; {found.missed:,} {name} are lost there."]
    precision = found.precision
    if math.isfinite(precision.value):
        lines.append(
            f"- **From {found.threshold:.3f} on**"
            + (f" to {found.accept_at:.3f}" if math.isfinite(found.accept_at) else "")
            + f": the network abstains, a person looks; {precision.value:.0%} of these are {name} "
            f"(95 % interval {precision.lo:.0%} to {precision.hi:.0%})."
        )
    if math.isfinite(found.accept_at):
        lines.append(f"- **From {found.accept_at:.3f} on**: accepted as {name} without a look.")
    return "\n".join(lines)


def _elsewhere(found: Desk, of: Scored) -> None:
    share = found.n_positive / found.n
    with st.container(horizontal=True, vertical_alignment="bottom"):
        other = st.number_input(
            f"Where another share of patches has a {escape_markdown(of.positive)}: in 1000", 0.1, 999.0,
            float(round(1000 * share, 1)), 10.0, format="%.1f", key=f"desk_share_{of.name}",
            width=440,
        )  # fmt: skip
        there = found.elsewhere(other / 1000)
        st.markdown(
            f"{there['workload']:.0f} of 1000 patches are called, {there['missed_per_1000']:.1f} missed, at most "
            f"{there['missed_per_1000_upper']:.1f} (95 % sure), if landslides look there as they do here."
        )


def _by_fold(of: Scored, target: Target) -> None:
    if of.n_folds < 2:
        return
    with st.expander("Put to the test: each fold at the threshold that the others promise with"):
        table = desk_by_fold(of.labels, of.probs, of.fold_of, target, of.groups)
        names = {
            "fold": "Fold", "n": "Patches", "n_positive": "Positive", "threshold": "Threshold", "missed": "Missed",
            "miss_rate": "Miss rate", "missed_per_1000": "Missed in 1000", "workload": "Called of 1000",
            "kept": "At or under the target", "reason": "Why no threshold",
        }  # fmt: skip
        table = table[[name for name in names if name in table]].assign(fold=lambda t: t["fold"].map(theme.fold_title))
        if not table["reason"].any():
            table = table.drop(columns="reason")
        st.dataframe(table.round(3).rename(columns=names), hide_index=True, width="stretch", height="content")
        st.caption("A small fold may exceed the target by chance: the promise is about many patches like these.")
        downloads.download(pd.DataFrame(table), f"{of.name}_desk_folds", "By fold (CSV)")


def _standing(found: Desk, of: Scored) -> str:
    groups = "" if found.n_groups is None else f", in {found.n_groups:,} groups"
    return (
        f"{of.words}; n = {found.n:,} patches, {found.n_positive:,} {escape_markdown(of.positive)}{groups}; worth "
        f"{number(found.effective, 0)} independent ones for this promise. Learn then test with exact binomial tails, "
        f"delta {DELTA:g}: of 100 sets of patches like these, in at least 95 the true rate stays under the target."
    )
