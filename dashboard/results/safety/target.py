"""The safety target: how many landslides may be missed, which threshold keeps that, and what it costs to inspect.

The guarantee is given, or refused with the number of patches needed, by ``core.evaluate.risk_control``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.risk_control import DELTA, UNGROUPED_EFFECT, Target, TriageRule, target_where, triage_by_fold
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.results.safety import decision
from dashboard.results.safety.decision import Decision, Inspections
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

KINDS = {"missed_per_1000": "Per 1,000 patches", "miss_rate": "% of landslides"}
DIALS = {"missed_per_1000": (0.5, 100.0, 10.0), "miss_rate": (0.5, 50.0, 5.0)}  # least, most, at first
STEP = 0.5
SAME = 5e-5  # shares that differ by less are the same: the prevalence is typed with one digit per 1,000


@dataclass(frozen=True)
class Asked:
    """What the controls hold. accept: false alarms per 1,000 that may be accepted unseen, or None."""

    target: Target
    share: float
    is_own: bool
    accept: float | None
    effect: float
    inspections: Inspections

    @property
    def dial(self) -> float:
        """The target as the dial shows it."""
        return 100 * self.target.limit if self.target.kind == "miss_rate" else self.target.limit


def target_view(predictions: Predictions, run: RunFolder | None = None) -> None:
    """The view."""
    grid = st.grid(3, min_column_width=250, gap="medium")
    with grid.cell():
        asked = _controls(predictions)
    with grid.cell(column_span=2):
        _answer(predictions, asked, run)


# ------------------------------------------------------------------------------------------------------- controls


def _controls(predictions: Predictions) -> Asked:
    kind = url_state.choose(
        st.segmented_control, "How many landslides may be missed?", list(KINDS), key="risk_control_kind",
        default="missed_per_1000", required=True, format_func=KINDS.get,
        help="Per 1,000 patches: among all patches that are screened. % of landslides: holds wherever landslides look "
        "as they do here, however frequent they are.",
    )  # fmt: skip
    low, high, first = DIALS[kind]
    key = f"risk_control_limit_{kind}"
    url_state.read_query_number(key, low, high, first)
    most = st.slider("At most", low, high, step=STEP, format="%.1f", key=key, label_visibility="collapsed")
    url_state.write_query_param(key, most, first)
    inspections = _inspections()
    positive = escape_markdown(predictions.positive)
    own = float(predictions.labels.mean()) if len(predictions.labels) else 0.0
    share = own if predictions.prevalence is None else predictions.prevalence
    per_1000 = url_state.number(
        f"Prevalence: {positive} patches per 1,000", 0.1, 999.0, float(min(max(round(1000 * share, 1), 0.1), 999.0)),
        key=f"risk_control_share_{share:.4f}", step=10.0, format="%.1f",
        help=f"These patches hold {1000 * own:.0f} per 1,000. Where landslides are rarer, fewer can be missed and "
        "fewer alarms are raised.",
    )  # fmt: skip
    is_own = abs(per_1000 / 1000 - own) <= SAME
    with st.popover("More options", icon=":material/tune:"):
        accept = _accept(is_own)
        effect = 1.0
        if predictions.groups is None:
            effect = url_state.number(
                "Design effect", 1.0, 100.0, UNGROUPED_EFFECT, key="risk_control_effect", step=0.5, format="%.1f",
                help="No groups are known. So many patches count as one independent patch: 1 if every patch is another "
                "place; more where several patches come from one scene.",
            )  # fmt: skip
    target = Target(kind, most / 100 if kind == "miss_rate" else most)
    return Asked(target, own if is_own else per_1000 / 1000, is_own, accept, effect, inspections)


def _inspections() -> Inspections:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        cost = url_state.number(
            "Cost per inspection", 0.0, 10_000.0, 2.0, key="inspection_cost", step=1.0, format="%.1f", width=165,
            help="Time or money to look at one patch.",
        )  # fmt: skip
        unit = url_state.choose(
            st.selectbox, "Unit", decision.UNITS, key="inspection_unit", default=decision.TIME, width=115,
            label_visibility="collapsed",
        )  # fmt: skip
    patches = url_state.number("Patches to screen", 1, 1_000_000_000, 1000, key="inspection_patches", step=1000)
    return Inspections(float(cost), unit, int(patches))


def _accept(is_own: bool) -> float | None:
    accept = url_state.toggle(
        "Auto-accept very confident alarms", key="risk_control_accept", disabled=not is_own,
        help="Alarms above a second threshold are accepted without inspection. With the same confidence, at most this "
        "many patches per 1,000 are false alarms among them. Only at the prevalence of these patches.",
    )  # fmt: skip
    if not accept or not is_own:
        return None
    return url_state.number("False alarms per 1,000", 0.1, 500.0, 5.0, key="risk_control_false", step=1.0)


# --------------------------------------------------------------------------------------------------------- answer


def _answer(predictions: Predictions, asked: Asked, run: RunFolder | None) -> None:
    positive = escape_markdown(predictions.positive)
    in_share = asked.target.kind == "miss_rate"
    wanted = asked.target if asked.is_own else target_where(asked.target, asked.share)
    if wanted is None:
        st.info(
            f"**Nothing needs to be inspected.** At {1000 * asked.share:.3g} {positive} patches per 1,000, missing all "
            "of them stays within this target. Allow fewer misses.", icon=":material/info:",
        )  # fmt: skip
        return
    path = predictions.tradeoff(wanted.kind, asked.effect)
    scale = 100.0 if in_share else 1000.0 * (1.0 if asked.is_own else asked.share)
    path = decision.path_at(predictions, path, asked.share, scale)
    found = None
    try:
        rule = predictions.triage(wanted, asked.accept, asked.effect)
        found = decision.decide(predictions, asked.target, rule, asked.share, asked.is_own)
    except LandslideLensError as error:
        st.error(
            f"**This target cannot be guaranteed.** {escape_markdown(error)} "
            f"{decision.unpromised(path, in_share, predictions.positive)}", icon=":material/gpp_maybe:",
        )  # fmt: skip
    if found is not None:
        st.markdown(f"**{escape_markdown(found.promise(predictions.positive))}**")
        _cards(found, asked)
    if len(path):
        _curve(path, asked, found, predictions)
    if found is not None:
        _keep(found, asked, predictions, run)
        _how(found, asked, predictions, wanted)
    else:
        st.caption(predictions.basis)


def _cards(found: Decision, asked: Asked) -> None:
    rule, (value, low, high) = found.rule, found.inspect
    cards = (
        ("Inspect", f"{value:.0f}", f"of 1,000 ({low:.0f} to {high:.0f})"),
        ("Cost", asked.inspections.words(value), f"instead of {asked.inspections.words(1000)}"),
        ("Threshold", f"{rule.threshold:.3f}" if math.isfinite(rule.threshold) else "none", "inspect from here on"),
    )
    with st.grid(3, min_column_width=150, gap="small"):
        for label, words, detail in cards:
            st.metric(
                label, words, detail, delta_color="off", delta_arrow="off", border=True, height="stretch"
            )  # fmt: skip


def _curve(path, asked: Asked, found: Decision | None, predictions: Predictions) -> None:
    title = "Missed at most, % of landslides" if asked.target.kind == "miss_rate" else "Missed at most, per 1,000"
    point = None
    if found is not None:
        bound = 100 * found.missed_most if asked.target.kind == "miss_rate" else found.missed_most
        point = (bound, found.inspect[0] + found.rule.accepted.value)
    most = min(max(3 * asked.dial, 1.2 * float(path["most"].min())), float(path["most"].max()) * 1.02)
    downloads.show(
        charts.inspections(path, asked.dial, point, title, max(most, asked.dial * 1.1)), key="risk_control_path"
    )
    st.caption(
        f"Each step is a threshold. n = {len(predictions.labels):,} patches that the model had not seen, at "
        f"{1000 * asked.share:.3g} {escape_markdown(predictions.positive)} patches per 1,000. Dashed: the target."
    )


def _keep(found: Decision, asked: Asked, predictions: Predictions, run: RunFolder | None) -> None:
    name, dataset = (run.name, state.choice().dataset or "") if run is not None else ("", predictions.name)
    kept = decision.record(found, asked.inspections, predictions, name, dataset)
    with st.container(horizontal=True):
        st.download_button(
            "Decision (JSON)", decision.as_json(kept), file_name=f"{predictions.name}_decision.json", type="tertiary",
            mime="application/json", icon=":material/download:", on_click="ignore", key="decision_json",
        )  # fmt: skip
        downloads.download(decision.as_table(kept), f"{predictions.name}_decision", "Decision (CSV)")


# -------------------------------------------------------------------------------------------------- how it is known


def _how(found: Decision, asked: Asked, predictions: Predictions, wanted: Target) -> None:
    rule = found.rule
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(plain_words(rule, predictions.positive))
        st.markdown(escape_markdown(rule.rests_on(predictions.n_models)))
        if not asked.is_own:
            st.markdown(
                f"At this prevalence the target allows {100 * wanted.limit:.3g}% of landslides to be missed; the "
                "threshold keeps that. It holds if landslides and other ground look the same there."
            )
        st.markdown(_basis(rule, predictions))
        _by_fold(predictions, wanted, asked.effect)
        downloads.download(rule.path, f"{predictions.name}_risk_control", "Thresholds tested (CSV)")


def plain_words(rule: TriageRule, positive: str) -> str:
    """What to do with each part of the patches, in Markdown."""
    name = escape_markdown(positive)
    if rule.inspects_all:
        return "Every patch is inspected: nothing can be cleared automatically under this target."
    lines = [
        f"- **Below {rule.threshold:.3f}**: cleared without inspection; misses {rule.missed:,} of {rule.n_positive:,} "
        f"{name} patches here."
    ]
    precision = rule.precision
    if math.isfinite(precision.value):
        lines.append(
            f"- **From {rule.threshold:.3f}**"
            + (f" to {rule.accept_at:.3f}" if math.isfinite(rule.accept_at) else " on")
            + f": inspected by a person; {precision.value:.0%} of these are {name} here "
            f"(95% interval {precision.lo:.0%} to {precision.hi:.0%})."
        )
    if math.isfinite(rule.accept_at):
        lines.append(f"- **From {rule.accept_at:.3f} on**: accepted as {name} without inspection.")
    return "\n".join(lines)


def _by_fold(predictions: Predictions, target: Target, effect: float) -> None:
    if predictions.n_folds < 2:
        return
    st.markdown("**Check: each fold at the threshold learnt on the other folds**")
    table = triage_by_fold(
        predictions.labels, predictions.probs, predictions.fold_of, target, predictions.groups, effect
    )
    names = {
        "fold": "Fold", "n": "Patches", "n_positive": "Positive", "threshold": "Threshold", "missed": "Missed",
        "miss_rate": "Miss rate", "missed_per_1000": "Missed per 1,000", "workload": "Alarms per 1,000",
        "kept": "Within target", "reason": "Why no threshold",
    }  # fmt: skip
    table = table[[name for name in names if name in table]].assign(fold=lambda t: t["fold"].map(theme.fold_title))
    if not table["reason"].any():
        table = table.drop(columns="reason")
    downloads.table(table.round(3).rename(columns=names), hide_index=True, width="stretch", height="content")
    st.caption("A small fold may exceed the target by chance: the guarantee is about many patches like these.")
    downloads.download(table, f"{predictions.name}_risk_control_folds", "By fold (CSV)")


def _basis(rule: TriageRule, predictions: Predictions) -> str:
    groups = "" if rule.n_groups is None else f" in {rule.n_groups:,} groups"
    return (
        f"{predictions.source}; n = {rule.n:,} patches, {rule.n_positive:,} {escape_markdown(predictions.positive)}"
        f"{groups}; effective sample size {number(rule.effective, 0)}. Learn then test with exact binomial tails, "
        f"delta {DELTA:g}: for at least 95 of 100 sets of patches like these, the true rate stays under the target."
    )
