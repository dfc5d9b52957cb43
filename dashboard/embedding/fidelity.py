"""What a projection shows and how far to believe it: ``core.wording.projection`` as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from core.wording import projection
from core.wording.projection import GOAL, METHODS, METRICS, NO_LINE, compared, measured, projection_title
from dashboard.ui.formatting import MARKDOWN

__all__ = [
    "GOAL", "METHODS", "METRICS", "NO_LINE", "compared", "head_words", "measured", "projection_title", "sentence",
    "story",
]  # fmt: skip


def sentence(card: Mapping, head: str, fold: int) -> str:
    """How often the drawn boundary is the head's, with interval and majority. card: of this head."""
    return projection.sentence(card, head, fold, MARKDOWN)


def head_words(head: str) -> str:
    """A head within a sentence."""
    return projection.head_words(head, MARKDOWN)


def story(n_train: int, card: Mapping, fold: int) -> str:
    """What the projection is and how far it can be trusted. card: the projection's; fold: from 0."""
    return projection.story(n_train, card, fold, MARKDOWN)
