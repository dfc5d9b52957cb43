"""What is compared with what: its names in the URL, the way there from other pages, and its patches as a set.

A is the chosen run with the chosen head. B is another head of it, another run, or the same answers judged by other
labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.data.store import Dataset
from core.errors import RunError
from core.review.versus import CELLS, FILE, Versus, relabelled, versus
from core.runs.labels import short_title
from core.runs.store import RunFolder
from dashboard import cache, state, theme, url_state
from dashboard.review.sets import SET, Kind

VERSUS = "versus"  # of a set of patches, see ``dashboard.review.sets``
OTHER, OTHER_HEAD, LABELS, CELL = "versus_with", "versus_head", "versus_labels", "versus_cell"
ITSELF, RELABELLED = "heads", "labels"  # what B is, where it is not another run's name
OWN = "own"  # the labels that both runs judged by
CELL_WORDS = {
    "fixed": "Fixed: only A is right",
    "broken": "Broken: only B is right",
    "both wrong": "Both wrong",
    "both right": "Both right",
}
_OLD = ("errors_versus", "errors_other")  # filters of the Patches view, before there was this view
_BETWEEN = "~"


@dataclass(frozen=True)
class Asked:
    """head: of A. other: ``ITSELF``, ``RELABELLED`` or the name of a run. other_head: of B.

    labels: what both are judged by (``OWN``, ``FILE`` or a version); where B is ``RELABELLED``, what A is judged by.
    """

    head: str
    other: str = ITSELF
    other_head: str = ""
    labels: str = OWN

    def name(self, cell: str) -> str:
        """As a set of patches is named in the URL."""
        return _BETWEEN.join([cell, self.head, self.other, self.other_head, self.labels])


def of_name(name: str) -> tuple[str, Asked] | None:
    """The cell, and what is compared; None for a name that says nothing."""
    parts = name.split(_BETWEEN)
    return (parts[0], Asked(*parts[1:])) if len(parts) == 5 and parts[0] in CELLS else None


def found(run: RunFolder, asked: Asked) -> Versus:
    """The comparison; kept until one of its tables or the dataset changes. Raises as ``core.review.versus``."""
    other = other_run(run, asked)
    files = [one.path / "oof.parquet" for one in (run, other)]
    if asked.labels != OWN:
        files.append(run.dataset_path())
    return _found(str(run.path), str(other.path), asked, cache.file_versions(*files))


@st.cache_data(max_entries=32, show_spinner="Comparing on the same patches…")
def _found(run: str, other: str, asked: Asked, versions: tuple[cache.Version, ...]) -> Versus:
    this = cache.run(run)
    if asked.other == RELABELLED:
        return relabelled(this, asked.head, asked.labels)
    return versus(this, asked.head, cache.run(other), asked.other_head, None if asked.labels == OWN else asked.labels)


def other_run(run: RunFolder, asked: Asked) -> RunFolder:
    """The run of B. Raises RunError where it is not beside this one."""
    if asked.other in (ITSELF, RELABELLED):
        return run
    known = {one.name: one for one in state.choice().runs}
    if asked.other not in known:
        raise RunError(f"There is no run '{asked.other[:60]}' on this dataset. Choose another one to compare with.")
    return known[asked.other]


def titles(run: RunFolder, asked: Asked) -> tuple[str, str]:
    """What A and B are called, plain text."""
    own = run.config().data.labels
    if asked.other == RELABELLED:
        return f"by {labels_title(asked.labels)}", f"by {labels_title(own or FILE)}"
    heads = [theme.head_title(name) for name in (asked.head, asked.other_head)]
    if asked.other == ITSELF:
        return heads[0], heads[1]
    other = other_run(run, asked)
    named = [short_title(run), short_title(other)]
    theirs = other.config().data.labels
    if own != theirs:
        labels = [labels_title(one or FILE) for one in (own, theirs)]
        if named[0] == named[1]:
            named = ["trained", "trained"]
        named = [f"{title} with {words}" for title, words in zip(named, labels, strict=True)]
    if heads[0] != heads[1]:
        named = [f"{title} ({head})" for title, head in zip(named, heads, strict=True)]
    return (named[0], named[1]) if named[0] != named[1] else ("this run", "the other run")


def labels_title(labels: str) -> str:
    """A version of the labels in words: "labels v2"."""
    return "the labels of the file" if labels == FILE else f"labels {labels.partition('-')[0]}"


# --------------------------------------------------------------------------------------------------- ways there


def open_versus(run: RunFolder, asked: Asked, cell: str = "") -> None:
    """Go to the comparison. Does not return."""
    url_state.forget(state.HEAD, OTHER, OTHER_HEAD, LABELS, CELL)
    named = {state.HEAD: asked.head, OTHER: asked.other, OTHER_HEAD: asked.other_head, LABELS: asked.labels, CELL: cell}
    filters = {name: value for name, value in named.items() if value}
    state.open_view("review", run=run.name, view="versus", filters=filters)


def adopt_old_link(run: RunFolder) -> None:
    """A link to what a head has fixed or broken since another one, of before this view, names the set of it."""
    cell, other = (st.query_params.get(name) for name in _OLD)
    if cell not in CELLS or not other:
        return
    head = st.session_state.get(state.HEAD) or run.summary()["head"]
    for name in _OLD:
        st.query_params.pop(name, None)
    st.query_params[SET] = f"{VERSUS}:{Asked(head, other_head=other).name(cell)}"
    if state.ERRORS_OUTCOME not in st.query_params:
        st.query_params[state.ERRORS_OUTCOME] = list(theme.OUTCOME_WORDS)  # what was fixed is right now


# ------------------------------------------------------------------------------------------------ as a set of patches


def ids(run: RunFolder, data: Dataset, name: str) -> frozenset[str] | None:
    """The patches of one cell."""
    if (known := of_name(name)) is None:
        return None
    cell, asked = known
    table = found(run, asked).table
    return frozenset(table["id"][table["cell"] == cell])


def title(run: RunFolder, data: Dataset, name: str) -> str:
    """What a set is called."""
    cell, asked = of_name(name)
    a, b = titles(run, asked)
    return f"{CELL_WORDS[cell].partition(':')[0].lower()}, {a} against {b}"


VERSUS_KIND = Kind(ids, title)
