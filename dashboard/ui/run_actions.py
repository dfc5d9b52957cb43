"""What can be done with a run wherever it is listed: name it, note, tag, star, archive, delete and take back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import LandslideLensError, RunError
from core.jobs import queue
from core.runs import labels
from core.runs.store import FINAL_STATES, RunFolder
from core.text import list_names
from dashboard import allowed, state
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import run_state
from dashboard.ui.messages import show_error

_UNDO = "deleted_runs"  # in the session: (folder's name, title) of those deleted last


def menu(run: RunFolder, place: str) -> None:
    """The button that opens what can be done with this run. place: where it stands, for the keys of its widgets."""
    label = labels.label_of(run)
    key = f"{place}_run"
    with st.popover("Edit", icon=":material/edit:", type="tertiary", help="Title, note, tags, star, archive, delete."):
        _form(run, label, key)


def _form(run: RunFolder, label: labels.Label, key: str) -> None:
    with st.form(f"{key}_form_{run.name}", border=False):
        title = st.text_input(
            "Title", label.title, max_chars=labels.MOST_TITLE, placeholder=labels.made_title(run),
            help="Empty: made from the run's settings.",
        )  # fmt: skip
        note = st.text_area("Note", label.note, max_chars=labels.MOST_NOTE)
        tags = st.multiselect(
            "Tags", label.tags, default=label.tags, accept_new_options=True, max_selections=labels.MOST_TAGS,
            placeholder="Type a tag", help="Runs can be filtered by their tags on the Runs page.",
        )  # fmt: skip
        if st.form_submit_button("Save", **allowed.to("organise")):
            change(run, title=title, note=note, tags=tuple(tags))
    st.caption(f"Folder: {escape_markdown(run.name)}")
    with st.container(horizontal=True):
        if st.button("Remove star" if label.starred else "Star", key=f"{key}_star", icon=":material/star:",
                     **allowed.to("organise")):  # fmt: skip
            change(run, starred=not label.starred)
        word = "Unarchive" if label.archived else "Archive"
        if st.button(word, key=f"{key}_archive", icon=":material/archive:",
                     **allowed.to("organise",
                                  help="An archived run leaves the lists; nothing of it is lost.")):  # fmt: skip
            change(run, archived=not label.archived)
        can = run_state(run)["state"] in FINAL_STATES
        if st.button("Delete", key=f"{key}_delete", icon=":material/delete:",
                     **allowed.to("delete", not can,
                                  None if can else "Cancel the run before deleting it.")):  # fmt: skip
            delete([run])


def change(run: RunFolder, **changes: object) -> None:
    """Write what a person wants of the label and draw the page anew, or show why it cannot be."""
    try:
        labels.write_label(run, **changes)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.rerun()


def tag(runs: Sequence[RunFolder], tags: Sequence[str]) -> None:
    """Give these runs further tags."""
    try:
        for run in runs:
            labels.write_label(run, tags=(*labels.label_of(run).tags, *tags))
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.rerun()


def archive(runs: Sequence[RunFolder]) -> None:
    """Take these runs out of the lists; nothing of them is lost."""
    try:
        for run in runs:
            labels.write_label(run, archived=True)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.rerun()


def delete(runs: Sequence[RunFolder]) -> None:
    """Delete these runs and offer to take that back; what cannot be deleted is named and stays."""
    gone, refused = [], None
    for run in runs:
        title = labels.title_of(run)
        try:
            _must_be_idle(run, title)
            labels.delete(run)
        except (LandslideLensError, OSError) as error:
            refused = error
            continue
        gone.append((run.name, title))
    if gone:
        st.session_state[_UNDO] = gone
        if state.choice().run in dict(gone):
            state.ask_for(state.choice().dataset)
    if refused is not None:
        show_error(refused)
    else:
        st.rerun()


def _must_be_idle(run: RunFolder, title: str) -> None:
    """Raises RunError while a job on this run waits or runs."""
    job = next((job for job in queue.active(run.checkpoints) if job.run == run.name), None)
    if job is not None:
        raise RunError(f"{job.title} of {title} is {job.state}. Cancel it before deleting the run.")


def offer_undo() -> None:
    """After runs were deleted in this session: their titles, and the button that brings them back."""
    gone = st.session_state.get(_UNDO)
    if not gone:
        return
    with st.container(border=True):
        st.markdown(f"Deleted: {escape_markdown(list_names([title for _, title in gone], 3))}")
        with st.container(horizontal=True):
            if st.button("Undo", icon=":material/undo:", key="undo_delete"):
                restore(*(name for name, _ in gone))
            if st.button("Dismiss", key="dismiss_delete", type="tertiary"):
                del st.session_state[_UNDO]
                st.rerun()


def restore(*names: str) -> None:
    """Bring deleted runs back and open the first."""
    try:
        for name in names:
            labels.restore(state.checkpoints(), name)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.session_state[_UNDO] = [pair for pair in st.session_state.get(_UNDO, []) if pair[0] not in names]
    state.ask_for(run=names[0])
    st.rerun()


def remove_for_good() -> None:
    """Empty the folder of deleted runs; they cannot be brought back then."""
    try:
        labels.empty_deleted(state.checkpoints())
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.session_state.pop(_UNDO, None)
    st.rerun()
