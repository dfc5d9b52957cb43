"""The way to a comparison from other pages.

Its names in the URL: ``compare_with`` is the name of the other run's folder (absent or empty: this run, with another of
its heads), ``compare_head`` that run's head, ``compare_how`` is ``one`` or ``several``.
"""

from __future__ import annotations

from dashboard import state, url_state

OTHER, OTHER_HEAD, HOW = "compare_with", "compare_head", "compare_how"


def open_compare(run: str, other: str) -> None:
    """Go to the comparison of a run with another one, by the names of their folders. Does not return."""
    url_state.forget(OTHER, OTHER_HEAD, HOW)
    state.open_view("results", run=run, view="compare", filters={OTHER: other})
