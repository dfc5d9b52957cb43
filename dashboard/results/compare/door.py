"""The way to a comparison from other pages."""

from __future__ import annotations

from dashboard import state, url_state

OTHER, OTHER_HEAD, HOW = "compare", "compare_head", "compare_how"  # names in the URL


def open_compare(run: str, other: str) -> None:
    """Go to the comparison of a run with another one, by their names. Does not return."""
    url_state.forget(OTHER, OTHER_HEAD, HOW)
    state.open_view("results", run=run, view="compare", filters={OTHER: other})
