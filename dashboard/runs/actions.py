"""What can be done with the runs that are ticked in a list: open, copy, compare, tag, archive, delete; the deleted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import LandslideLensError
from core.jobs.run_sets import Listed
from core.runs import labels
from core.runs.store import RunFolder
from dashboard import allowed, cache, state, url_state
from dashboard.results.compare.door import open_compare, open_compare_several
from dashboard.results.compare.several import MOST
from dashboard.train import prefill
from dashboard.ui import guards, run_actions
from dashboard.ui.formatting import escape_markdown

MOST_DELETED = 20


def actions(ticked: Sequence[RunFolder], place: str, whole: Listed | None = None) -> None:
    """The buttons. place: where the list stands, for their keys. whole: the set of runs that alone is ticked."""
    one = ticked[0] if len(ticked) == 1 and whole is None else None
    if st.button("Open", disabled=one is None and whole is None, icon=":material/open_in_new:",
                 key=f"{place}_open_run", help="Tick one row to open it."):  # fmt: skip
        if whole is not None:
            open_set(whole)
        page = "results" if guards.run_state(one)["state"] == "succeeded" else "train"
        state.open_view(page, run=one.name, view="follow")
    if st.button("Duplicate and edit", disabled=one is None, icon=":material/content_copy:", key=f"{place}_duplicate",
                 help="Tick one run: Train opens with all its settings."):  # fmt: skip
        prefill.duplicate(one)
    why = not_comparable(ticked)
    if st.button("Compare", disabled=bool(why), icon=":material/compare_arrows:", key=f"{place}_compare",
                 help=why or "What differs in settings, numbers and patches."):  # fmt: skip
        _compare(ticked)
    if whole is not None and st.button(
        f"List its {len(ticked)} run{'s' * (len(ticked) != 1)}", icon=":material/list:", type="tertiary",
        disabled=not ticked, key=f"{place}_unfold",
    ):  # fmt: skip
        url_state.forget("runs_tags", "runs_show")
        state.open_view("runs", filters={"runs_tags": [whole.facts.name], "runs_show": "runs"})
    if one is not None:
        run_actions.menu(one, place)
    elif ticked:
        _of_several(ticked, place)
    else:
        st.caption("Tick a run for more, several to compare.", width="content")


def open_set(one: Listed) -> None:
    """Go to the page where an experiment or a search is shown. Does not return."""
    filters = {one.analysis.sets.chosen: one.facts.name}
    url_state.forget(one.analysis.sets.chosen)
    state.open_view(one.analysis.page, dataset=one.facts.dataset, view=one.analysis.view, filters=filters)


def _of_several(ticked: Sequence[RunFolder], place: str) -> None:
    with st.popover(f"Tag {len(ticked)}", icon=":material/label:", type="tertiary", key=f"{place}_tag"):
        with st.form(f"{place}_tag_form", border=False):
            word = st.text_input("Tag", max_chars=labels.MOST_TAG, key=f"{place}_tag_word")
            if st.form_submit_button("Add to all", **allowed.to("organise")):
                run_actions.tag(ticked, [word])
    if st.button(f"Archive {len(ticked)}", icon=":material/archive:", key=f"{place}_archive", type="tertiary",
                 **allowed.to("organise")):  # fmt: skip
        run_actions.archive(ticked)
    if st.button(f"Delete {len(ticked)}", icon=":material/delete:", key=f"{place}_delete", type="tertiary",
                 **allowed.to("delete")):  # fmt: skip
        run_actions.delete(ticked)


def _compare(ticked: Sequence[RunFolder]) -> None:
    first, *others = ticked
    if len(others) == 1:
        open_compare(first.name, others[0].name)
    heads = {}
    for other in others:
        try:
            heads[other.name] = cache.run(other.path).summary()["head"]
        except (LandslideLensError, KeyError):
            continue  # damaged since the list was drawn
    open_compare_several(first.name, heads)


def not_comparable(ticked: Sequence[RunFolder]) -> str:
    """Why these runs cannot be compared; empty where they can."""
    if not 2 <= len(ticked) <= MOST + 1:
        return f"Tick two to {MOST + 1} finished runs on the same dataset."
    if any(guards.run_state(run)["state"] != "succeeded" for run in ticked):
        return "All of them have to be finished."
    owner = state.choice().owner
    return "" if len({owner.get(run.name) for run in ticked}) == 1 else "The runs are on different datasets."


def deleted() -> None:
    """The deleted runs, to bring back or to remove for good; nothing where there are none."""
    gone = labels.deleted_runs(state.checkpoints())
    if not gone:
        return
    with st.popover(f"Deleted ({len(gone)})", icon=":material/delete:", type="tertiary", key="overview_deleted"):
        for run in gone[:MOST_DELETED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(escape_markdown(labels.title_of(run)), help=escape_markdown(run.name))
                if st.button("Bring back", key=f"restore_{run.name}", icon=":material/undo:", type="tertiary",
                             **allowed.to("delete")):  # fmt: skip
                    run_actions.restore(run.name)
        if len(gone) > MOST_DELETED:
            st.caption(f"And {len(gone) - MOST_DELETED:,} more.")
        if st.button(f"Remove all {len(gone)} for good", key="empty_deleted", icon=":material/delete_forever:",
                     **allowed.to("delete")):  # fmt: skip
            run_actions.remove_for_good()
