"""The exclusion list on the Dataset page: patches are put on it with a reason, looked at, and taken off again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.data import exclusions
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import allowed, cache
from dashboard.patches import gallery
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

NOTE = "exclusion_note"  # what the last change was, shown once
MOST_SHOWN = 24  # pictures of the list


def labels_in_use(data: Dataset) -> np.ndarray:
    """(N,) int8: the labels, -1 for excluded patches. Where the list cannot be read: the reason, and all labels."""
    try:
        return exclusions.labels_in_use(data)
    except LandslideLensError as error:
        show_error(error)
        return data.labels


def exclude_button(data: Dataset, ids: Sequence[str], reason: str, key: str, words: str = "") -> None:
    """A field for the reason and the button that puts ``ids`` on the list."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        given = st.text_input("Reason", reason, key=f"{key}_reason", width=380, max_chars=300)
        st.button(
            words or f"Exclude {len(ids):,} from training", icon=":material/block:", key=f"{key}_exclude",
            on_click=_add, args=(data, list(ids), given), type="primary", **allowed.to("train", not len(ids)),
        )  # fmt: skip


def _add(data: Dataset, ids: list[str], reason: str) -> None:
    _change(lambda: exclusions.add(data.path, ids, reason or "not stated"), f"{len(ids):,} patches excluded.")


def _remove(data: Dataset, ids: list[str]) -> None:
    _change(lambda: exclusions.remove(data.path, ids), f"{len(ids):,} patches count again.")


def _change(change, words: str) -> None:
    try:
        change()
        st.session_state[NOTE] = (words, "success")
    except (LandslideLensError, OSError) as error:
        st.session_state[NOTE] = (str(error), "error")


def last_change() -> None:
    """What the last change to the list was, or why it could not be made; shown once."""
    words, kind = st.session_state.pop(NOTE, ("", ""))
    if words:
        getattr(st, kind)(
            escape_markdown(words), icon=":material/check_circle:" if kind == "success" else ":material/error:"
        )


def excluded(data: Dataset) -> None:
    """The list with its patches, and the way back."""
    st.header("Left out of training", anchor=False)
    try:
        table = exclusions.read_exclusions(data.path)
        stale = exclusions.current_exclusions(data)[1]
    except LandslideLensError as error:
        show_error(error)
        return
    if not len(table):
        st.markdown("No patch is excluded. Excluded patches stay in the file; they are never learnt from nor scored.")
        return
    st.markdown(
        f"{len(table) - len(stale):,} of {len(data):,} patches count as unlabelled in new training runs. The dataset "
        "file and existing runs are unaffected."
    )
    if stale:
        st.warning(escape_markdown(exclusions.stale_words(stale, data)), icon=":material/warning:")
    downloads.table(
        table, hide_index=True, width="stretch", height="content" if len(table) <= 8 else 320,
        column_config={"id": "Patch", "reason": st.column_config.TextColumn("Reason", width="large"),
                       "added_utc": "Since (UTC)"},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        back = st.multiselect("Take off the list", table["id"].tolist(), key="exclusions_back", width=420)
        st.button(
            f"Let {len(back):,} count again", icon=":material/undo:", key="exclusions_undo", on_click=_remove,
            args=(data, back), **allowed.to("train", not back)
        )  # fmt: skip
        newest = table[table["added_utc"] == table["added_utc"].max()]["id"].tolist()
        st.button(
            f"Undo the last change ({len(newest):,})", icon=":material/history:", key="exclusions_undo_last",
            on_click=_remove, args=(data, newest), **allowed.to("train")
        )  # fmt: skip
        downloads.download(table, f"{data.name}_excluded", "Exclusion list")
    known = table[~table["id"].isin(stale)].tail(MOST_SHOWN).iloc[::-1]
    with st.expander(f"The patches ({min(len(known), MOST_SHOWN)} newest)"):
        look = gallery.look_controls(data, "exclusions_look")
        gallery.gallery(
            data, known, look, "exclusions", caption=lambda row: escape_markdown(gallery.short(row["reason"], 60))
        )


def training_sentence(path) -> str:
    """How many patches of a dataset training leaves out, for the Train page; empty where none."""
    try:
        n = len(exclusions.current_exclusions(cache.dataset(path))[0])
    except (LandslideLensError, OSError):
        return ""
    return f" {n:,} patches on the exclusion list are left out." if n else ""
