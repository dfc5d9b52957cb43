"""The safety target: how many landslides may be missed, which threshold keeps that, and what it costs to inspect.

The guarantee is given, or refused with the number of patches needed, by ``core.evaluate.risk_control``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
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
from dashboard.ui.formatting import escape_markdown, interval, number

KINDS = {"missed_per_1000": "Per 1,000", "miss_rate": "% of landslides"}
MOST = {"missed_per_1000": 100.0, "miss_rate": 50.0}  # where the dial ends
LEAST = 0.1  # where it begins, and its steps
USUAL = 10.0  # per 1,000 patches, or a tenth of the landslides where these are fewer
SAME = 5e-5  # shares that differ by less are the same: the prevalence is typed with one digit per 1,000
KIND, ACCEPT, EFFECT = "risk_control_kind", "risk_control_accept", "risk_control_effect"


@dataclass(frozen=True)
class Wish:
    """What the controls hold. accept: false alarms per 1,000 that may be accepted unseen, or None.

    share: of landslides where the model is used; is_own: as many as among these patches.
    """

    target: Target
    share: float
    is_own: bool
    accept: float | None
    effect: float

    @property
    def dial(self) -> float:
        """The target as the dial shows it."""
        return 100 * self.target.limit if self.target.kind == "miss_rate" else self.target.limit

    @property
    def in_share(self) -> bool:
        """Whether it is a share of the landslides."""
        return self.target.kind == "miss_rate"


@dataclass(frozen=True)
class Answer:
    """What becomes of a wish.

    wanted: the target that the threshold has to keep; None where even missing every landslide stays within it. path:
    what every threshold promises. found: None where the target cannot be guaranteed; then ``reason`` says why.
    """

    wanted: Target | None
    path: pd.DataFrame
    found: Decision | None
    reason: str


def target_view(predictions: Predictions, run: RunFolder | None = None) -> None:
    """The view."""
    left, right = st.columns([1, 2], gap="medium")
    with left:
        wish, inspections = _controls(predictions)
        keep = st.container(gap="xsmall")
    answer = answer_to(predictions, wish)
    with right:
        say(predictions, wish, answer)
        if answer.found is not None:
            _cards(answer.found, inspections)
        if len(answer.path):
            _curve(predictions, wish, answer)
    if answer.found is not None:
        with keep:
            _keep(answer.found, inspections, predictions, run)
        _how(predictions, wish, answer)
    else:
        st.caption(predictions.basis)


def target_in_short(predictions: Predictions, open_more: Callable[[], None]) -> None:
    """The dial and what it costs, for the summary. open_more: callback that leads to :func:`target_view`."""
    wish = Wish(_dial(predictions), *_share(predictions, drawn=False), None, _effect(predictions, drawn=False))
    say(predictions, wish, answer_to(predictions, wish, drawn=False), refusal=st.info)
    st.button(
        "Cost, prevalence and decision", icon=":material/arrow_forward:", type="tertiary", key="summary_to_safety",
        on_click=open_more,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- controls


def _controls(predictions: Predictions) -> tuple[Wish, Inspections]:
    target = _dial(predictions)
    inspections = _inspections()
    share, is_own = _share(predictions)
    with st.popover("More options", icon=":material/tune:"):
        accept = _accept(is_own)
        effect = _effect(predictions)
    return Wish(target, share, is_own, accept, effect), inspections


def _dial(predictions: Predictions) -> Target:
    kind = url_state.choose(
        st.segmented_control, "How many landslides may we miss?", list(KINDS), key=KIND, default="missed_per_1000",
        required=True, format_func=KINDS.get, wrap=True,
        help="Per 1,000 patches: among all patches that are screened. % of landslides: holds wherever landslides look "
        "as they do here, however frequent they are.",
    )  # fmt: skip
    key, most = f"risk_control_limit_{kind}", MOST[kind]
    first = USUAL if kind == "miss_rate" else min(USUAL, max(LEAST, round(100 * _stated_share(predictions), 1)))
    url_state.read_query_number(key, LEAST, most, first)
    value = st.slider("At most", LEAST, most, step=LEAST, format="%.1f", key=key, label_visibility="collapsed")
    url_state.write_query_param(key, value, first)
    return Target(kind, value / 100 if kind == "miss_rate" else value)


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


def _stated_share(predictions: Predictions) -> float:
    """Of landslides where the model is used: as stated for the run, or as among these patches."""
    return _own_share(predictions) if predictions.prevalence is None else predictions.prevalence


def _own_share(predictions: Predictions) -> float:
    return float(predictions.labels.mean()) if len(predictions.labels) else 0.0


def _share(predictions: Predictions, drawn: bool = True) -> tuple[float, bool]:
    """The share of landslides to reckon with, and whether it is that of these patches."""
    own, stated = _own_share(predictions), _stated_share(predictions)
    key, ends = f"risk_control_share_{stated:.4f}", (0.1, 999.0)
    first = float(min(max(round(1000 * stated, 1), ends[0]), ends[1]))
    if drawn:
        per_1000 = url_state.number(
            f"Prevalence: {escape_markdown(predictions.positive)} patches per 1,000", *ends, first, key=key, step=10.0,
            format="%.1f",
            help=f"These patches hold {1000 * own:.0f} per 1,000. Where landslides are rarer, fewer can be missed and "
            "fewer alarms are raised.",
        )  # fmt: skip
    else:
        url_state.read_query_number(key, *ends, first)
        per_1000 = st.session_state[key]
    is_own = abs(per_1000 / 1000 - own) <= SAME
    return (own if is_own else per_1000 / 1000), is_own


def _effect(predictions: Predictions, drawn: bool = True) -> float:
    """How many patches count as one independent patch; 1 where groups are known."""
    if predictions.groups is not None:
        return 1.0
    if not drawn:
        url_state.read_query_number(EFFECT, 1.0, 100.0, UNGROUPED_EFFECT)
        return st.session_state[EFFECT]
    return url_state.number(
        "Design effect", 1.0, 100.0, UNGROUPED_EFFECT, key=EFFECT, step=0.5, format="%.1f",
        help="No groups are known. So many patches count as one independent patch: 1 if every patch is another place; "
        "more where several patches come from one scene.",
    )  # fmt: skip


def _accept(is_own: bool) -> float | None:
    accept = url_state.toggle(
        "Auto-accept very confident alarms", key=ACCEPT, disabled=not is_own,
        help="Alarms above a second threshold are accepted without inspection. With the same confidence, at most this "
        "many patches per 1,000 are false alarms among them. Only at the prevalence of these patches.",
    )  # fmt: skip
    if not accept or not is_own:
        return None
    return url_state.number("False alarms per 1,000", 0.1, 500.0, 5.0, key="risk_control_false", step=1.0)


# --------------------------------------------------------------------------------------------------------- answer


def answer_to(predictions: Predictions, wish: Wish, drawn: bool = True) -> Answer:
    """The threshold that keeps the target where landslides are as frequent as stated, and what it costs.

    drawn: whether the path is needed where the target can be kept; with many patches that takes a while.
    """
    wanted = wish.target if wish.is_own else target_where(wish.target, wish.share)
    if wanted is None:
        return Answer(None, pd.DataFrame(), None, "")
    found, reason = None, ""
    try:
        rule = predictions.triage(wanted, wish.accept, wish.effect)
        found = decision.decide(predictions, wish.target, rule, wish.share, wish.is_own)
    except LandslideLensError as error:
        reason = str(error)
    if found is not None and not drawn:
        return Answer(wanted, pd.DataFrame(), found, "")
    scale = 100.0 if wish.in_share else 1000.0 * (1.0 if wish.is_own else wish.share)
    path = decision.path_at(predictions, predictions.tradeoff(wanted.kind, wish.effect), wish.share, scale)
    return Answer(wanted, path, found, reason)


def say(predictions: Predictions, wish: Wish, answer: Answer, refusal: Callable = st.error) -> None:
    """The answer in one sentence; ``refusal`` draws the one that says why there is none."""
    positive = predictions.positive
    if answer.wanted is None:
        st.info(
            f"**Nothing needs to be inspected.** At {1000 * wish.share:.3g} {escape_markdown(positive)} patches per "
            "1,000, missing all of them stays within this target. Allow fewer misses.", icon=":material/info:",
        )  # fmt: skip
    elif answer.found is None:
        refusal(
            f"**This target cannot be guaranteed.** {escape_markdown(answer.reason)} "
            f"{decision.smallest(answer.path, wish.in_share, positive)}", icon=":material/gpp_maybe:",
        )  # fmt: skip
    else:
        st.markdown(f"**{escape_markdown(answer.found.promise(positive))}**")


def _cards(found: Decision, inspections: Inspections) -> None:
    rule, (value, low, high) = found.rule, found.inspect
    cards = (
        ("Inspect, of 1,000", f"{value:.0f}", interval((low, high), 0)),
        ("Cost", inspections.words(value), f"of {inspections.words(1000)}"),
        ("Threshold", number(rule.threshold) if math.isfinite(rule.threshold) else "none", "inspect from here"),
    )
    with st.grid(3, min_column_width=150, gap="small"):
        for label, words, detail in cards:
            st.metric(
                label, words, detail or None, delta_color="off", delta_arrow="off", border=True, height="stretch"
            )  # fmt: skip


def _curve(predictions: Predictions, wish: Wish, answer: Answer) -> None:
    path, found, point = answer.path, answer.found, None
    title = "Missed at most, % of landslides" if wish.in_share else "Missed at most, per 1,000 patches"
    if found is not None:
        bound = 100 * found.missed_most if wish.in_share else found.missed_most
        point = (bound, found.inspect[0] + found.rule.accepted.value)
    most = min(max(3 * wish.dial, 1.2 * float(path["most"].min())), float(path["most"].max()) * 1.02)
    downloads.show(
        charts.inspections(path, wish.dial, point, title, max(most, wish.dial * 1.1)), key="risk_control_path"
    )
    st.caption(
        f"Each step is a threshold. n = {len(predictions.labels):,} patches that the model had not seen, at "
        f"{1000 * wish.share:.3g} {escape_markdown(predictions.positive)} patches per 1,000. Dashed: the target."
    )


def _keep(found: Decision, inspections: Inspections, predictions: Predictions, run: RunFolder | None) -> None:
    name, dataset = (run.name, state.choice().dataset or "") if run is not None else ("", predictions.name)
    kept = decision.record(found, inspections, predictions, name, dataset)
    st.download_button(
        "Save this decision", decision.as_json(kept), file_name=f"{predictions.name}_decision.json",
        mime="application/json", icon=":material/download:", on_click="ignore", key="decision_json", type="primary",
        help="JSON: target, threshold, promise, what it assumes, inspections and their cost.",
    )  # fmt: skip
    downloads.download(decision.as_table(kept), f"{predictions.name}_decision", "The same as a table (CSV)")


# -------------------------------------------------------------------------------------------------- how it is known


def _how(predictions: Predictions, wish: Wish, answer: Answer) -> None:
    rule, wanted = answer.found.rule, answer.wanted
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(plain_words(rule, predictions.positive))
        st.markdown(escape_markdown(rule.rests_on(predictions.n_models)))
        if not wish.is_own:
            st.markdown(
                f"At this prevalence the target allows {100 * wanted.limit:.3g}% of landslides to be missed; the "
                "threshold keeps that. It holds if landslides and other ground look the same there."
            )
        st.markdown(_basis(rule, predictions))
        _by_fold(predictions, wanted, wish.effect)
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
