"""The sentence that stands under a number: what it was measured on."""

from __future__ import annotations

from dashboard import theme
from dashboard.ui.formatting import escape_markdown, interval


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

    ``which``: "out of fold", "fold 2, validation part". ``bounds``: (low, high) of the 95% bootstrap interval.
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
        kind = "95% bootstrap interval, groups kept together" if groups else "95% bootstrap interval"
        parts.append(f"{kind} {interval(bounds)}")
    return "; ".join(parts) + "."
