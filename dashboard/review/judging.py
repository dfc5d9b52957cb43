"""Judging a patch: landslide or not, one key each; notes, tags, by whom, undo, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core import access
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review.entry import MOST_NAME, MOST_NOTE, Entry
from core.review.judgements import Judgements
from dashboard import allowed
from dashboard.patches import chosen, gallery
from dashboard.review import table as review_table
from dashboard.review.filters import DIFFER
from dashboard.reviewer import REVIEWER, TAKEN, reviewer
from dashboard.ui.formatting import escape_markdown, parse_time

NAMED, NOTE, TAGS, TROUBLE, STAY = "review_named", "review_note", "review_tags", "review_trouble", "review_stay"
BUTTONS = {  # verdict -> words, icon, key
    "landslide": ("Landslide", ":material/check:", "L"),
    "not": ("No landslide", ":material/close:", "N"),
    "unsure": ("Unsure", ":material/question_mark:", "U"),
    "bad image": ("Bad image", ":material/broken_image:", "B"),
    "duplicate": ("Duplicate", ":material/content_copy:", "D"),
}
WORDS = {verdict: words.lower() for verdict, (words, _, _) in BUTTONS.items()} | {DIFFER: "judged differently"}


def name_field() -> None:
    """Who judges; whoever has signed in is not asked."""
    if access.actor().name:
        return
    if not st.session_state.get(REVIEWER) and st.session_state.get(TAKEN):
        st.session_state[REVIEWER] = st.session_state[TAKEN]
    st.text_input(
        "Your name", key=REVIEWER, on_change=_forget_taken, max_chars=MOST_NAME, placeholder="Your name",
        persist_state="session", width=200, label_visibility="collapsed", icon=":material/person:",
        help="Kept with each judgement, so that several people can judge the same patches.",
    )  # fmt: skip


def card_controls(data: Dataset, known_tags: Sequence[str], patch_id: str, order: list[str]) -> None:
    """For the card of a patch: a button and a key for each verdict, undo, note and tags, and what was said."""
    judgements = Judgements(data.path)
    try:
        said = review_table.said_of(judgements).get(patch_id, [])
    except LandslideLensError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        return
    mine = next((entry.verdict for entry in said if entry.by == reviewer()), None)
    if not reviewer():
        st.text_input(
            "Your name, to judge", key=NAMED, max_chars=MOST_NAME, width=260, on_change=_take_name,
            placeholder="Kept with each judgement",
        )  # fmt: skip
    buttons("review", mine, lambda verdict: judge(data, verdict, order), lambda: undo(data))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text_input(
            "Note", key=NOTE, max_chars=MOST_NOTE, placeholder="Note: what you see, kept with the judgement",
            label_visibility="collapsed", width=360,
        )  # fmt: skip
        st.multiselect(
            "Tags", sorted({*known_tags, *(st.session_state.get(TAGS) or ())}), key=TAGS, accept_new_options=True,
            placeholder="Tags", label_visibility="collapsed", width=240,
        )  # fmt: skip
        st.toggle("Stay", key=STAY, persist_state="session", help="Stay on this patch after judging it.")
    tell_trouble()
    if shown := [entry for entry in said if not reviewer() or mine is not None]:
        st.caption("  \n".join(map(said_words, shown)))
    elif said:
        st.caption(unseen_words(len(said)))


def buttons(
    key: str, mine: str | None, said: Callable[[str], None], undone: Callable[[], None], keys: bool = True
) -> None:
    """One for each verdict, each with its key, and undo. mine: the verdict that stands. said, undone: callbacks."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"{key}_judge"):
        for verdict, (words, icon, letter) in BUTTONS.items():
            st.button(
                words, icon=icon, key=f"{key}_judge_{verdict}", shortcut=letter if keys else None, on_click=said,
                args=(verdict,), type="primary" if verdict == mine else "secondary", **allowed.to("review"),
            )  # fmt: skip
        st.button("Undo", icon=":material/undo:", key=f"{key}_undo", type="tertiary", shortcut="Z" if keys else None,
                  on_click=undone, **allowed.to("review"))  # fmt: skip


def history(data: Dataset, patch_id: str) -> None:
    """Everything that was ever said of a patch, undos included; of others only how many, before one has judged it."""
    try:
        said = [e for e in Judgements(data.path).history() if e.kind == "patch" and e.subject == patch_id]
    except LandslideLensError:
        return  # the card itself has told it
    st.markdown("**Judgements**")
    if not said:
        st.caption("Nobody has judged this patch yet. Keys: L, N, U, B, D.")
        return
    by_others = [entry for entry in said if entry.by != reviewer()]
    if reviewer() and len(by_others) == len(said):
        st.caption(unseen_words(len({entry.by for entry in by_others})))
        return
    st.markdown("\n".join(f"- {said_words(entry)}" for entry in reversed(said)))


def tell_trouble() -> None:
    """Why nothing was kept or taken back, told once."""
    if trouble := st.session_state.pop(TROUBLE, None):
        st.warning(escape_markdown(trouble), icon=":material/person:")


def unseen_words(n: int) -> str:
    """In place of what others said, before one has judged a patch oneself: agreement is of independent people."""
    return f"Judged by {'another person' if n == 1 else f'{n} others'}; shown when you have judged it."


def said_words(entry: Entry) -> str:
    """Who said what and when, in Markdown."""
    at = parse_time(entry.at)
    when = f", {at.day} {at:%b %H:%M} UTC" if at else ""
    tags = f" [{', '.join(entry.tags)}]" if entry.tags else ""
    note = f": {entry.note}" if entry.note else ""
    return escape_markdown(f"{entry.by}{when}: {WORDS.get(entry.verdict, entry.verdict)}{tags}{note}")


def _take_name() -> None:
    """Callback: from the card, behind which the page's own field is not drawn anew and keeps what it holds."""
    st.session_state[TAKEN] = st.session_state.get(NAMED) or ""


def _forget_taken() -> None:
    st.session_state.pop(TAKEN, None)


def judge(data: Dataset, verdict: str, order: list[str]) -> None:
    """Callback: keep the judgement of the patch that the URL names now, and go on to the next of ``order``."""
    patch_id = st.query_params.get(gallery.PATCH)
    if patch_id is None or not _add(data, [patch_id], verdict):
        return
    st.session_state[NOTE], st.session_state[TAGS] = "", []
    st.toast(f"{escape_markdown(gallery.short(patch_id))}: {WORDS[verdict]}", icon=BUTTONS[verdict][1])
    if patch_id in order and not st.session_state.get(STAY):
        place = order.index(patch_id) + 1
        if place < len(order):
            gallery.open_patch(order[place])
        else:
            st.toast("That was the last patch of this list.", icon=":material/done_all:")


def _add(data: Dataset, ids: Sequence[str], verdict: str) -> bool:
    """Whether all were kept; otherwise the reason is told."""
    note, tags = st.session_state.get(NOTE) or "", list(st.session_state.get(TAGS) or ())
    return keep(data.path, "patch", {patch_id: place_of(data, patch_id) for patch_id in ids}, verdict, note, tags)


def keep(
    judged: Path,
    kind: str,
    subjects: Mapping[str, Mapping[str, Any]],
    verdict: str,
    note: str = "",
    tags: Sequence[str] = (),
) -> bool:
    """One verdict for all subjects (name -> place), beside ``judged``; whether all were kept, else it is told why."""
    if not reviewer():
        st.session_state[TROUBLE] = "Write your name first: a judgement says who made it."
        return False
    judgements = Judgements(judged)
    try:
        for name, place in subjects.items():
            judgements.add(kind, name, verdict, reviewer(), note, tags, place)
    except (LandslideLensError, OSError) as error:
        st.session_state[TROUBLE] = str(error)
        return False
    return True


def place_of(data: Dataset, patch_id: str) -> dict:
    if data.lonlat is None:
        return {}
    lonlat = data.lonlat[int(data.index_of([patch_id])[0])]
    return {"lonlat": tuple(map(float, lonlat))} if np.isfinite(lonlat).all() else {}


def take_back(judged: Path) -> Entry | None:
    """This person's last judgement beside ``judged``, taken back; None where there is none, and the reason is told."""
    if not reviewer():
        st.session_state[TROUBLE] = "Write your name first: only your own judgements are taken back."
        return None
    try:
        last = Judgements(judged).undo(reviewer())
    except (LandslideLensError, OSError) as error:
        st.session_state[TROUBLE] = str(error)
        return None
    if last is None:
        st.session_state[TROUBLE] = "You have no judgement to take back here. Is your name the same?"
        return None
    words = f"{gallery.short(last.subject)}: {WORDS.get(last.verdict, last.verdict)}"
    st.toast(f"Taken back: {escape_markdown(words)}", icon=":material/undo:")
    return last


def undo(data: Dataset) -> None:
    """Callback: take back this person's last judgement, and show its patch again."""
    last = take_back(data.path)
    if last is not None and gallery.PATCH in st.query_params and last.subject in set(data.ids.tolist()):
        gallery.open_patch(last.subject)


def judge_chosen(some: chosen.Chosen, key: str) -> None:
    """An action of the gallery: one verdict for all chosen patches."""
    with st.popover("Judge", icon=":material/fact_check:", type="tertiary", key=key):
        if not reviewer():
            st.caption("Write your name above the pictures first.")
        for verdict, (words, icon, _) in BUTTONS.items():
            st.button(
                f"{words}: {len(some.ids):,}", icon=icon, key=f"{key}_{verdict}", type="tertiary",
                on_click=_judge_all, args=(some, verdict), **allowed.to("review", not reviewer()),
            )  # fmt: skip
        st.button("Undo my last judgement", icon=":material/undo:", key=f"{key}_undo", type="tertiary",
                  on_click=_undo_here, args=(some.data,), **allowed.to("review", not reviewer()))  # fmt: skip


def _judge_all(some: chosen.Chosen, verdict: str) -> None:
    if _add(some.data, some.ids, verdict):
        st.toast(f"{len(some.ids):,} patches: {WORDS[verdict]}", icon=BUTTONS[verdict][1])
    st.session_state[chosen.OPENED] = True  # the whole page is drawn anew


def _undo_here(data: Dataset) -> None:
    undo(data)
    st.session_state[chosen.OPENED] = True
