"""What a run's numbers mean, in sentences for people who have not trained it.

Text for Markdown, with every name that a user chose escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.wording import results
from core.wording.results import least_gain, verdict
from dashboard import theme
from dashboard.ui.formatting import MARKDOWN, escape_markdown, interval, interval_percent, number

__all__ = [
    "Card", "against_baseline", "basis", "cards", "counts_in_words", "headline", "least_gain", "verdict", "warnings_of",
]  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One number for a stakeholder: its label, the number, a line of detail below."""

    label: str
    value: str
    detail: str


def cards(facts: Mapping) -> list[Card]:
    """Found, missed, false alarms and F1 of one head, with 95% intervals. facts: an entry of ``summary["heads"]``."""
    cells, bounds = facts["confusion"], facts.get("intervals", {})
    landslides = f"{cells['tp'] + cells['fn']:,}"
    recall, precision = bounds.get("recall"), bounds.get("precision")
    return [
        Card(theme.OUTCOME_WORDS["TP"], f"{cells['tp']:,}", _of(landslides, recall)),
        Card(theme.OUTCOME_WORDS["FN"], f"{cells['fn']:,}", _of(landslides, _rest(recall))),
        Card(theme.OUTCOME_WORDS["FP"], f"{cells['fp']:,}", _of("alarms", _rest(precision))),
        Card("F1", number(facts.get("f1")), interval(bounds.get("f1"))),
    ]


def _of(whole: str, bounds: object) -> str:
    """What a count is a part of, with the interval of its share: "78–89% of 211"."""
    return f"{interval_percent(bounds)} of {whole}".strip()


def _rest(bounds: Sequence[float | None] | None) -> tuple[float, float] | None:
    """The interval of what is missing from a share."""
    low, high = bounds or (None, None)
    return None if low is None or high is None else (1 - high, 1 - low)


def headline(facts: Mapping, positive: str, there: Mapping | None = None) -> str:
    """``core.wording.results.headline``, as Markdown."""
    return results.headline(facts, positive, there, MARKDOWN)


def counts_in_words(facts: Mapping, positive: str) -> str:
    """``core.wording.results.counts_in_words``, as Markdown."""
    return results.counts_in_words(facts, positive, MARKDOWN)


def basis(summary: Mapping, head: str, spread: Mapping | None = None) -> str:
    """``core.wording.results.basis``, as Markdown."""
    return results.basis(summary, head, spread, MARKDOWN)


def against_baseline(summary: Mapping) -> tuple[str, str]:
    """``core.wording.results.against_baseline``, as Markdown."""
    return results.against_baseline(summary, MARKDOWN)


def warnings_of(summary: Mapping) -> list[str]:
    """The run's own warnings about how far its numbers can be trusted, ready for Markdown."""
    return [escape_markdown(text) for text in summary.get("warnings") or []]
