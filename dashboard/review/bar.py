"""The filter bar: which patches are looked at and in which order, all of it in the URL.

The names in the URL that begin with ``errors_`` are those of the page that Review took the place of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.predict.novelty.own import OwnNovelty
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.patches import chosen, outcomes
from dashboard.review import judging, sets
from dashboard.review.filters import DIFFER_BY, ISSUES, JUDGEMENTS, NOVELTY, ORDERS, Filters
from dashboard.ui.formatting import escape_markdown

ANY = ""
WRONG = ["FN", "FP"]
ORDER, ALIKE = "errors_order", "review_alike"
LOW, HIGH, ISSUE, TAG, JUDGEMENT = "review_low", "review_high", "review_issue", "review_tag", "review_judgement"
RUNS, DIFFER, LEAST, NOVEL = "review_runs", "review_differ", "review_least", "review_novelty"
NEEDS = ("issue", "alike", "folds", "runs", "novel", "outlier", "unique")  # orders of something that not every run has
TOLD = {
    "folds": "Only a patch's own fold has not learnt it; the other folds have.",
    "novel": "Unlike what its own fold was trained on, compared with the other held-out groups.",
    "outlier": "By the distance from the nearest patches that its own fold has learnt from, in its network's space.",
    "unique": "By the distance from the nearest other held-out patches, in the space of its own fold's network.",
}
DIFFER_HELP = (
    "The standard deviation of their probabilities. Of the folds only the patch's own has not learnt it; other runs "
    "answer out of fold."
)


def threshold() -> float | None:
    """One threshold in place of each fold's own."""
    return url_state.number(
        "Threshold", 0.0, 1.0, None, key=state.ERRORS_AT, step=0.01, format="%.3f", placeholder="each fold's own",
        help="One threshold for all folds. Empty: each fold's, learnt on the other folds.",
    )  # fmt: skip


def column(columns: Mapping[str, np.ndarray]) -> tuple[str, str]:
    """A column or slice, and its value; empty where none is chosen."""
    if not columns:
        return ANY, ANY
    name = url_state.choose(
        st.selectbox, "Only where", [ANY, *columns], key="errors_column", default=ANY,
        format_func=lambda name: name or "(any)", help="Columns of the dataset; numbers in four ranges.",
    )  # fmt: skip
    if name == ANY:
        return ANY, ANY
    values = sorted(set(columns[name].tolist()) - {""})
    return name, url_state.choose(st.selectbox, "is", values, key="errors_value", default=values[0])


def outcome_pills(table: pd.DataFrame) -> list[str]:
    """Which outcomes; each with how many there are."""
    counts = outcomes.counts(table)
    return url_state.choose_several(
        st.pills, "Outcome", outcomes.OUTCOMES, key=state.ERRORS_OUTCOME, default=WRONG, selection_mode="multi",
        wrap=True, format_func=lambda name: f"{theme.OUTCOME_WORDS[name]} · {counts[name]:,}", width="content",
        label_visibility="collapsed",
    )  # fmt: skip


def order_picker(known: Collection[str]) -> str:
    """The order. known: those that need something which not every run has (``NEEDS``) and that can be had."""
    usable = [name for name in ORDERS if name not in NEEDS or name in known]
    return url_state.choose(
        st.selectbox, "Order", usable, key=ORDER, default=usable[0], width=210, format_func=ORDERS.get,
        label_visibility="collapsed",
    )  # fmt: skip


def other_runs(runs: Mapping[str, RunFolder]) -> list[RunFolder]:
    """Runs whose answers are held against this one's; nothing is drawn where there is no other."""
    if not runs:
        return []
    titles = titles_of(runs.values())
    names = url_state.choose_several(
        st.multiselect, "Other runs", list(runs), key=RUNS, format_func=titles.get, placeholder="none",
        help="Finished runs on the same patches: sort or filter by where they disagree with this one. Each answers by "
        "its own main head and out of fold.",
    )  # fmt: skip
    return [runs[name] for name in names]


def differing(folds: bool, runs: bool) -> tuple[str, float]:
    """Between whom answers differ ("" for no matter), and by which standard deviation at least."""
    usable = [name for name in DIFFER_BY if name == "heads" or (folds if name == "folds" else runs)]
    with st.container(horizontal=True):
        who = url_state.choose(
            st.selectbox, "Answers differ between", [ANY, *usable], key=DIFFER, default=ANY,
            format_func=lambda name: DIFFER_BY[name].lower() if name else "(any)", help=DIFFER_HELP,
        )  # fmt: skip
        if not who:
            return ANY, 0.0
        return who, url_state.number("by at least", 0.0, 0.5, 0.1, key=LEAST, step=0.05, format="%.2f")


def novelty(own: OwnNovelty | None, n: int) -> str:
    """How unlike the training set; where that was not measured, how to get it. n: how many patches are judged."""
    if own is None:
        st.caption(
            "Not measured yet: which patches are unlike the training set. Results › External test › Wrong or foreign "
            "data measures it."
        )
        return ANY
    words = {name: text.format(n=rarest(own.level)) for name, text in NOVELTY.items()}
    found = _pick("Novelty", words, NOVEL)
    if len(own.rows) < n:
        st.caption(f"Known of {len(own.rows):,} patches; the others pass no choice of it.")
    return found


def rarest(level: float) -> str:
    """n of "1 in n"."""
    return f"{round(1 / level):,}"


def folds(table: pd.DataFrame) -> list[int]:
    """Which folds."""
    return url_state.choose_several(
        st.pills, "Fold", sorted(table["fold"].unique().tolist()), key="errors_folds", selection_mode="multi",
        format_func=theme.fold_title, wrap=True,
    )  # fmt: skip


def probability() -> tuple[float, float]:
    """The range of the probability; the lower end first."""
    with st.container(horizontal=True):
        low = url_state.number("Probability from", 0.0, 1.0, 0.0, key=LOW, step=0.05, format="%.2f")
        high = url_state.number("to", 0.0, 1.0, 1.0, key=HIGH, step=0.05, format="%.2f")
    return min(low, high), max(low, high)


def issue(table: pd.DataFrame) -> str:
    """Likely wrong labels only; nothing is drawn before they were looked for."""
    if "issue_rank" not in table:
        return ANY
    return _pick("Likely wrong labels", ISSUES, ISSUE)


def judgement() -> str:
    """What people have said."""
    return _pick("Judgement", JUDGEMENTS, JUDGEMENT)


def tag(table: pd.DataFrame) -> str:
    """A tag that somebody has given; nothing is drawn where nobody has."""
    tags = known_tags(table)
    return _pick("Tag", {name: name for name in tags}, TAG) if tags else ANY


def known_tags(table: pd.DataFrame) -> list[str]:
    """Every tag in use."""
    return sorted({name for tags in set(table["tags"]) for name in tags})


def _pick(label: str, options: Mapping[str, str], key: str) -> str:
    return url_state.choose(
        st.selectbox, label, [ANY, *options], key=key, default=ANY,
        format_func=lambda name: options.get(name, "(any)"),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------- likeness, what is told


def clear_all() -> None:
    """Callback: every filter but the outcomes is as at first."""
    sets.clear()
    for name in state.ERRORS_FILTERS:
        if name != state.ERRORS_OUTCOME:
            url_state.forget(name)
            st.query_params.pop(name, None)


def alike_to(table: pd.DataFrame) -> str:
    """The patch that others are sorted by their likeness to; "" for none."""
    patch_id = url_state.read_query_text(ALIKE)
    known = patch_id if patch_id and (table["id"].astype(str) == patch_id).any() else ""
    st.session_state[ALIKE] = known
    url_state.write_query_param(ALIKE, known, "")
    return known


def sort_alike(some: chosen.Chosen, key: str) -> None:
    """An action of the gallery: everything that is looked at, sorted by its likeness to the one chosen."""
    one = len(some.ids) == 1
    st.button(
        "Most alike", icon=":material/join_inner:", type="tertiary", key=key, disabled=not one, on_click=_sort_alike,
        args=(some.ids[0],), help=None if one else "Choose one patch, to sort the others by their likeness to it.",
    )  # fmt: skip


def _sort_alike(patch_id: str) -> None:
    st.session_state[ALIKE], st.session_state[ORDER] = patch_id, "alike"
    st.session_state["errors_page"] = 1
    st.session_state[chosen.OPENED] = True  # the whole page is drawn anew


ACTIONS: tuple[chosen.Action, ...] = (judging.judge_chosen, sort_alike, *chosen.ACTIONS)


def said_filters(table: pd.DataFrame, filters: Filters, shown_set: sets.Chosen | None, alike: str, order: str) -> None:
    """What is left out, in words, and the buttons that take it back. table: all judged patches."""
    words = []
    if shown_set is not None and shown_set.ids is not None:
        judged = int(table["id"].isin(shown_set.ids).sum())
        few = f" ({judged:,} of them have a label and an answer of this run)" if judged < len(shown_set.ids) else ""
        words.append(f"{len(shown_set.ids):,} {shown_set.title}{few}")
    if filters.folds:
        words.append(", ".join(theme.fold_title(fold) for fold in filters.folds))
    if filters.column:
        words.append(f"{filters.column} is {filters.value}")
    if (filters.low, filters.high) != (0.0, 1.0):
        words.append(f"probability {filters.low:.2f} to {filters.high:.2f}")
    if filters.novelty:
        words.append(NOVELTY[filters.novelty].format(n=rarest(filters.level)))
    if filters.differ:
        words.append(f"{DIFFER_BY[filters.differ].lower()} differ by {filters.least:.2f} or more")
    words += [known[value] for value, known in ((filters.issue, ISSUES), (filters.judgement, JUDGEMENTS)) if value]
    words += [f"tag {filters.tag}"] * bool(filters.tag)
    if not words and order != "alike" and order not in TOLD:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if words:
            st.caption(f"Only: {escape_markdown(' · '.join(words))}", width="content")
        if filters.ids is not None:
            st.button("Clear this set", icon=":material/close:", type="tertiary", key="review_unset",
                      on_click=sets.clear)  # fmt: skip
        if words:
            st.button("Clear all filters", icon=":material/filter_alt_off:", type="tertiary", key="review_clear",
                      on_click=clear_all)  # fmt: skip
        if order == "alike":
            st.caption(f"Sorted by likeness to {escape_markdown(alike)}, as its own fold's network sees them.",
                       width="content")  # fmt: skip
        elif told := TOLD.get(filters.differ) or TOLD.get(order):
            st.caption(told, width="content")
