"""One set of patches that everything on Review is narrowed to, under ``review_set=KIND:NAME`` in the URL.

Each kind says which patches a name stands for and what people call it; ``dashboard.review.page`` lists the kinds. What
is marked on a map is the kind ``marked``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review import patch_sets
from core.runs.store import RunFolder
from dashboard import state, url_state
from dashboard.patches import gallery, outcomes
from dashboard.review import saved_views
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.view_switch import open_from_within

SET = "review_set"
MARKED = "marked"
MARKS = "review_marks"  # how often the maps were drawn anew, without their lasso
_HERE = "review_marked_here"  # in the session: sets of a run whose folder cannot be written to
_MOST_HERE = 20


@dataclass(frozen=True)
class Kind:
    """A way to name patches.

    ids(run, data, name): the patches, None where there is no set of that name; may raise a LandslideLensError.
    title(run, data, name): what people call it, plain text; asked only where there are ids.
    """

    ids: Callable[[RunFolder, Dataset, str], frozenset[str] | None]
    title: Callable[[RunFolder, Dataset, str], str]


@dataclass(frozen=True)
class Chosen:
    """What the URL names. ids: None where ``trouble`` says why there are none; nothing is left out then."""

    kind: str
    name: str
    title: str
    ids: frozenset[str] | None
    trouble: str = ""


def chosen(run: RunFolder, data: Dataset, kinds: Mapping[str, Kind]) -> Chosen | None:
    """The set that the URL names, None where it names none."""
    named = url_state.read_query_text(SET)
    st.session_state[SET] = named
    url_state.write_query_param(SET, named, "")
    if not named:
        return None
    kind, _, name = named.partition(":")
    if kind not in kinds:
        return Chosen(kind, name, "", None, f"There is no kind of set named '{kind}' here.")
    try:
        ids = kinds[kind].ids(run, data, name)
        title = "" if ids is None else kinds[kind].title(run, data, name)
    except LandslideLensError as error:
        return Chosen(kind, name, "", None, str(error))
    if ids is None:
        return Chosen(kind, name, "", None, "The patches that this link names are not kept here any more.")
    return Chosen(kind, name, title, ids)


def tell_trouble(one: Chosen | None) -> None:
    """Why a set is not shown, with the button that takes it out of the URL."""
    if one is not None and one.ids is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(escape_markdown(f"{one.trouble} All patches are looked at."), icon=":material/link_off:")
            st.button("Clear it", key="review_unset", type="tertiary", on_click=clear)


def open_set(kind: str, name: str) -> None:
    """Callback: this set alone in the Patches view, right and wrong answers alike."""
    for key in state.ERRORS_FILTERS:
        url_state.forget(key)
        st.query_params.pop(key, None)
    st.query_params.pop(gallery.PATCH, None)
    st.session_state[SET] = f"{kind}:{name}"
    st.session_state[state.ERRORS_OUTCOME] = list(outcomes.OUTCOMES)
    _draw_maps_anew()
    open_from_within("review", "patches")


def clear() -> None:
    """Callback: no set, and the maps without their lasso."""
    url_state.forget(SET)
    st.query_params.pop(SET, None)
    _draw_maps_anew()


def _draw_maps_anew() -> None:
    st.session_state[MARKS] = st.session_state.get(MARKS, 0) + 1


# -------------------------------------------------------------------------------------------- what is marked on a map


def mark(run: RunFolder, ids: Collection[str], within: frozenset[str] | None = None) -> None:
    """Callback: only these patches from now on. within: of another set that is looked at, only those in it."""
    ids = frozenset(ids) if within is None else within & frozenset(ids)
    if not ids:
        st.toast("None of the marked patches is in the set that is looked at.", icon=":material/lasso_select:")
        return
    try:
        name = patch_sets.keep(run, ids, _in_views(run))
    except (LandslideLensError, OSError) as error:
        name = patch_sets.name_of(ids)
        here = st.session_state.setdefault(_HERE, {})
        here[run.name, name] = ids
        for old in list(here)[:-_MOST_HERE]:
            del here[old]
        st.toast(escape_markdown(f"Marked, but a link to it works in this session only: {error}"),
                 icon=":material/lock:")  # fmt: skip
    st.session_state[SET] = f"{MARKED}:{name}"


def _in_views(run: RunFolder) -> set[str]:
    """The names of the marked sets that saved views hold."""
    named = [value for view in saved_views.saved(run).values() for value in view["query"].get(SET, ())]
    return {name for kind, _, name in (value.partition(":") for value in named) if kind == MARKED}


def _marked(run: RunFolder, data: Dataset, name: str) -> frozenset[str] | None:
    here = st.session_state.get(_HERE, {}).get((run.name, name))
    return here if here is not None else patch_sets.read(run, name, data.ids.tolist())


MARKED_KIND = Kind(_marked, lambda run, data, name: "marked on a map")
