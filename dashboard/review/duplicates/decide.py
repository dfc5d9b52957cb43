"""Deciding on a group: one key each, by whom, undo, and the next group that is open."""

from __future__ import annotations

from collections.abc import Container, Sequence

import streamlit as st

from core.data.leakage.groups import PatchGroup
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review.entry import MOST_NOTE, Entry
from core.review.groups import APART, EXCLUDE, GROUP, TOGETHER, keeping, kept_by, members
from core.review.judgements import Judgements
from dashboard import allowed
from dashboard.patches import gallery
from dashboard.review import judging
from dashboard.review.duplicates.known import Said, said_of, text_of
from dashboard.ui.formatting import escape_markdown, parse_time

SHOWN_GROUP = "review_group"  # in the URL: the group that is looked at
NOTE = "review_group_note"
BUTTONS = {  # verdict -> words, icon, key, what it does
    TOGETHER: ("Keep together", ":material/join_inner:", "T", "All stay, in one fold of every run that is trained "
               "with the version of the labels made from it."),
    EXCLUDE: ("Exclude all", ":material/block:", "X", "All are left out."),
    APART: ("Not duplicates", ":material/call_split:", "N", "Nothing changes; folds stay as careful as before."),
}  # fmt: skip
MOST_KEYS = 9  # patches of a group with a number key of their own


def keep_button(
    data: Dataset, groups: Sequence[PatchGroup], group: PatchGroup, patch_id: str, place: int, mine: str | None
) -> None:
    """Below the picture of a patch, at that place: it is kept, the others are left out as its duplicates."""
    verdict = keeping(patch_id)
    st.button(
        "Keep this", icon=":material/check:", key=f"review_group_keep_{place}", width="stretch",
        on_click=decide, args=(data, groups, group, verdict), type="primary" if verdict == mine else "secondary",
        shortcut=str(place + 1) if place < MOST_KEYS else None,
        **allowed.to("review", help="The others are left out as duplicates."),
    )  # fmt: skip


def buttons(data: Dataset, groups: Sequence[PatchGroup], group: PatchGroup, mine: str | None) -> None:
    """What is said of the group as a whole, undo, and a note."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for verdict, (words, icon, key, what) in BUTTONS.items():
            st.button(
                words, icon=icon, key=f"review_group_{verdict}", shortcut=key, on_click=decide,
                args=(data, groups, group, verdict), type="primary" if verdict == mine else "secondary",
                **allowed.to("review", help=what)
            )  # fmt: skip
        st.button("Undo", icon=":material/undo:", key="review_group_undo", type="tertiary", shortcut="Z",
                  on_click=undo, args=(data, groups), **allowed.to("review"))  # fmt: skip
        st.text_input(
            "Note", key=NOTE, max_chars=MOST_NOTE, placeholder="Note, kept with the decision", width=260,
            label_visibility="collapsed",
        )  # fmt: skip


def decide(data: Dataset, groups: Sequence[PatchGroup], group: PatchGroup, verdict: str) -> None:
    """Callback: keep what was decided on this group, and go on to the next that this person has not decided on."""
    by = judging.reviewer()
    if not by:
        st.session_state[judging.TROUBLE] = "Write your name first: a decision says who made it."
        return
    judgements = Judgements(data.path)
    try:
        judgements.add(GROUP, text_of(group), verdict, by, st.session_state.get(NOTE) or "")
        said = said_of(judgements)
    except (LandslideLensError, OSError) as error:
        st.session_state[judging.TROUBLE] = str(error)
        return
    st.session_state[NOTE] = ""
    st.toast(f"{escape_markdown(title(group))}: {escape_markdown(verdict_words(verdict))}", icon=":material/task_alt:")
    following = next_open(groups, group, mine_of(said, by))
    if following is None:
        st.toast("That was the last group without your decision.", icon=":material/done_all:")
    else:
        st.session_state[SHOWN_GROUP] = following.name


def undo(data: Dataset, groups: Sequence[PatchGroup]) -> None:
    """Callback: take back this person's last word, and show its group again. It may be on a patch: that is said."""
    by = judging.reviewer()
    if not by:
        st.session_state[judging.TROUBLE] = "Write your name first: only your own decisions are taken back."
        return
    judgements = Judgements(data.path)
    try:
        mine = judgements.latest(by=by)
        if mine and mine[-1].kind != GROUP:
            st.session_state[judging.TROUBLE] = (
                f"Your last judgement is of the patch {mine[-1].subject}; take it back on its card, then go on here."
            )
            return
        last = judgements.undo(by)
    except (LandslideLensError, OSError) as error:
        st.session_state[judging.TROUBLE] = str(error)
        return
    if last is None:
        st.session_state[judging.TROUBLE] = "You have no decision to take back here. Is your name the same?"
        return
    st.toast(f"Taken back: {escape_markdown(verdict_words(last.verdict))}", icon=":material/undo:")
    again = next((one for one in groups if one.ids == members(last.subject)), None)
    if again is not None:
        st.session_state[SHOWN_GROUP] = again.name


def go(name: str) -> None:
    """Callback: show another group."""
    st.session_state[SHOWN_GROUP] = name


def mine_of(said: Said, by: str) -> dict[str, str]:
    """What this person has decided, by the text of the group."""
    return {text: e.verdict for text, entries in said.items() for e in entries if e.by == by} if by else {}


def next_open(groups: Sequence[PatchGroup], after: PatchGroup | None, mine: Container[str]) -> PatchGroup | None:
    """The next group that is not among ``mine``, from after the given one, and from the front again."""
    names = [one.name for one in groups]
    start = 0 if after is None or after.name not in names else names.index(after.name) + 1
    return next((one for one in (*groups[start:], *groups[:start]) if text_of(one) not in mine), None)


def title(group: PatchGroup) -> str:
    """What a group is called: its first patch, and how many more there are."""
    more = len(group.ids) - 1
    return f"{gallery.short(group.ids[0], 24)} and {more:,} more"


def verdict_words(verdict: str) -> str:
    """For people."""
    kept = kept_by(verdict)
    return verdict if kept is None else f"keep {gallery.short(kept, 24)}"


def said_words(entry: Entry) -> str:
    """Who decided what and when, in Markdown."""
    at = parse_time(entry.at)
    when = f", {at.day} {at:%b %H:%M} UTC" if at else ""
    note = f": {entry.note}" if entry.note else ""
    return escape_markdown(f"{entry.by}{when}: {verdict_words(entry.verdict)}{note}")
