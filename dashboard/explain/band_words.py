"""What a table of bands says in a sentence: ``core.wording.bands`` as Markdown."""

from __future__ import annotations

import pandas as pd

from core.wording import bands
from core.wording.bands import MOST_NAMED, order_words
from dashboard.ui.formatting import MARKDOWN

__all__ = ["MOST_NAMED", "group_verdict", "order_words", "verdict"]


def verdict(rows: pd.DataFrame, what: str = "band") -> str:
    """The first bands with what is lost without them. rows: title, drop_mean, lo, hi, rank_lo, rank_hi."""
    return bands.verdict(rows, what, MARKDOWN)


def group_verdict(rows: pd.DataFrame) -> str:
    """The group that contributes most. rows: group, shapley, lo, hi, total."""
    return bands.group_verdict(rows, MARKDOWN)
