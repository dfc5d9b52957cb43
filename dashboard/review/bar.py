"""The filter bar: which patches are looked at and in which order, all of it in the URL.

The names in the URL that begin with ``errors_`` are those of the page that Review took the place of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import state, theme, url_state
from dashboard.patches import chosen, outcomes
from dashboard.review import judging, sets
from dashboard.review.filters import ISSUES, JUDGEMENTS, ORDERS, Filters
from dashboard.ui.formatting import escape_markdown

ANY = ""
NOBODY, NO_HEAD = "", "(no other head)"
VERSUS = {"fixed": "Fixed: only this head is right", "broken": "Broken: only the other is", "both wrong": "Both wrong"}
WRONG = ["FN", "FP"]
ORDER, ALIKE = "errors_order", "review_alike"
LOW, HIGH, ISSUE, TAG, JUDGEMENT = "review_low", "review_high", "review_issue", "review_tag", "review_judgement"
_IN_POPOVER = (
    state.ERRORS_AT, "errors_other", "errors_column", "errors_value", "errors_folds", LOW, HIGH, ISSUE, TAG, JUDGEMENT,
)  # fmt: skip


def send_again() -> None:
    """Before the filters are drawn in a popover: the browser draws what is in one when it is opened first.

    It would show defaults then, as what a widget holds is sent to it only when that has changed.
    """
    for key in _IN_POPOVER:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


def threshold() -> float | None:
    """One threshold in place of each fold's own."""
    return url_state.number(
        "Threshold", 0.0, 1.0, None, key=state.ERRORS_AT, step=0.01, format="%.3f", placeholder="each fold's own",
        help="One threshold for all folds. Empty: each fold's, learnt on the other folds.",
    )  # fmt: skip


def other_head(heads: Sequence[str], head: str) -> str:
    """A head to compare with, or ``NOBODY``."""
    return url_state.choose(
        st.selectbox, "Compared with", [NOBODY, *(name for name in heads if name != head)], key="errors_other",
        default=NOBODY, format_func=lambda name: NO_HEAD if name == NOBODY else theme.head_title(name),
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


def order_picker(table: pd.DataFrame, alike: str) -> str:
    """The order; those of which something is known."""
    usable = [name for name in ORDERS if (name != "issue" or "issue_rank" in table) and (name != "alike" or alike)]
    return url_state.choose(
        st.selectbox, "Order", usable, key=ORDER, default=usable[0], width=210, format_func=ORDERS.get,
        label_visibility="collapsed",
    )  # fmt: skip


def versus(table: pd.DataFrame, other: str) -> str:
    """What this head has fixed or broken that the other one had decided otherwise."""
    counts = table["versus"].value_counts()
    which = url_state.choose(
        st.pills, f"Against {theme.head_title(other)}", list(VERSUS), key="errors_versus", default=None, wrap=True,
        format_func=lambda name: f"{VERSUS[name]} · {counts.get(name, 0):,}",
    )  # fmt: skip
    return which or ANY


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
    return sorted({name for tags in table["tags"] for name in tags})


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
    known = patch_id if patch_id in set(table["id"].astype(str)) else ""
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
    words += [known[value] for value, known in ((filters.issue, ISSUES), (filters.judgement, JUDGEMENTS)) if value]
    words += [f"tag {filters.tag}"] * bool(filters.tag) + [VERSUS.get(filters.versus, "")] * bool(filters.versus)
    if not words and order != "alike":
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
