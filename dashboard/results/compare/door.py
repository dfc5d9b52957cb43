"""The way to a comparison from other pages.

Its names in the URL: ``compare_with`` is the name of the other run's folder (absent or empty: this run, with another of
its heads), ``compare_head`` that run's head, ``compare_how`` is ``one`` or ``several``; ``significance_chosen``
names the others of several, each as the text of (folder, head).
"""

from __future__ import annotations

from dashboard import state, url_state

OTHER, OTHER_HEAD, HOW = "compare_with", "compare_head", "compare_how"
SEVERAL = "significance_chosen"


def open_compare(run: str, other: str) -> None:
    """Go to the comparison of a run with another one, by the names of their folders. Does not return."""
    url_state.forget(OTHER, OTHER_HEAD, HOW)
    state.open_view("results", run=run, view="compare", filters={OTHER: other})


def open_compare_several(run: str, others: dict[str, str]) -> None:
    """Go to the comparison of a run with several others. others: folder -> head. Does not return."""
    url_state.forget(OTHER, OTHER_HEAD, HOW, SEVERAL)
    filters = {HOW: "several", SEVERAL: [str(pair) for pair in others.items()]}
    state.open_view("results", run=run, view="compare", filters=filters)
