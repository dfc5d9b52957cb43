"""A number with its interval, and the sentence that stands behind it."""

from __future__ import annotations

import streamlit as st

from dashboard import theme
from dashboard.ui.formatting import escape_markdown, interval, number


def provenance_sentence(
    which: str,
    n: int,
    n_positive: int | None = None,
    positive: str = "landslide",
    folds: int | None = None,
    bounds: object = None,
    head: str | None = None,
    groups: bool = False,
) -> str:
    """The sentence that stands under a number: which set, which fold, how many patches, what interval.

    ``which``: "out of fold", "fold 2, validation part". ``bounds``: (low, high) of the 95 % bootstrap interval.
    """
    parts = [which[0].upper() + which[1:]]
    if folds:
        parts[0] += f" over {folds} folds"
    parts.append(
        f"{n:,} patches" + (f" ({n_positive:,} {escape_markdown(positive)})" if n_positive is not None else "")
    )
    if head:
        parts.append(escape_markdown(theme.head_title(head)))
    if interval(bounds):
        kind = "95 % bootstrap interval, groups kept together" if groups else "95 % bootstrap interval"
        parts.append(f"{kind} {interval(bounds)}")
    return "; ".join(parts) + "."


def headline(label: str, value: object, bounds: object, sentence: str) -> None:
    """A number in a card with its interval, and the sentence of :func:`provenance_sentence` below it."""
    st.metric(label, number(value), interval(bounds) or None, delta_color="off", delta_arrow="off", border=True)
    st.caption(sentence)
