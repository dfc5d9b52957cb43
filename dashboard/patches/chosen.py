"""The patches chosen in a gallery, over its pages, and the bar of what can be done with them.

An action is a function that draws its control in the bar: it gets what is chosen and a key for its widgets. A page
gives a gallery actions of its own, beside ``ACTIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.data import exclusions
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import theme
from dashboard.patches import tiles
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

Draw = Callable[[Sequence[str]], list[np.ndarray]]
Table = pd.DataFrame | Callable[[], pd.DataFrame]  # a long one is made when patches are chosen
OPENED = "gallery_opened"  # in the session
MOST_COPIED = 2000  # ids in the field that they are copied from
COMPARED_PX = 440  # width of each of two
FACTS = {
    "label": "Label", "outcome": "Outcome", "prob": "Probability of the positive class", "threshold": "Threshold",
    "confidence": "Confidence", "loss": "Loss", "fold": "Fold", "group": "Group",
}  # fmt: skip
HINT = "Click a picture to open it; tick or shift-click to choose several."


@dataclass(frozen=True, eq=False)
class Chosen:
    """The chosen ids, what is known of each (a row an id, in that order), and how their pictures are drawn."""

    data: Dataset
    ids: list[str]
    rows: pd.DataFrame
    draw: Draw


Action = Callable[[Chosen, str], None]


def ids(data: Dataset, key: str) -> list[str]:
    """What is chosen in the gallery of this key, in the order of choosing; of another dataset: nothing."""
    known, chosen = st.session_state.get(_name(key), (str(data.path), []))
    return list(chosen) if known == str(data.path) else []


def put(data: Dataset, key: str, chosen: Sequence[str]) -> None:
    """Choose these in the gallery of this key, and nothing else."""
    st.session_state[_name(key)] = (str(data.path), list(dict.fromkeys(chosen)))


def seen(key: str) -> int:
    """The number of the browser's last answer."""
    return st.session_state.get(f"{key}_seen", 0)


def answered(data: Dataset, key: str, page: Sequence[str], chosen: Sequence[str], number: int) -> None:
    """Callback: of the ids on this page these are chosen; what is chosen on other pages stays."""
    kept = [patch_id for patch_id in ids(data, key) if patch_id not in set(page) - set(chosen)]
    put(data, key, [*kept, *chosen])
    st.session_state[f"{key}_seen"] = number


def _name(key: str) -> str:
    return f"{key}_chosen"


def bar(
    data: Dataset,
    table: Table,
    page: Sequence[str],
    key: str,
    actions: Sequence[Action],
    draw: Draw,
    idle: bool,
) -> None:
    """What can be done with the chosen; where none is: how to choose, or nothing without ``idle``.

    table: what is known of the patches that may be chosen. page: ids that are seen.
    """
    chosen = ids(data, key)
    if not chosen and not idle:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_bar"):
        if not chosen:
            st.caption(HINT, width="content")
            _button("Select all", "select_all", key, put, (data, key, page))
            return
        on_other = len(set(chosen) - set(page))
        st.markdown(f"**{len(chosen):,} chosen**" + (f" ({on_other:,} on other pages)" if on_other else ""),
                    width="content")  # fmt: skip
        _button("Open first", "open_in_full", key, open_card, (chosen[0],))
        some = Chosen(data, chosen, _rows(data, table, chosen), draw)
        downloads.download(some.rows, f"{data.name}_chosen", "CSV", key=f"{key}_csv")
        with st.popover("Copy ids", icon=":material/content_copy:", type="tertiary", key=f"{key}_copy"):
            st.code("\n".join(chosen[:MOST_COPIED]), language=None, height=200)
            if len(chosen) > MOST_COPIED:
                st.caption(f"The first {MOST_COPIED:,}; the CSV holds all.")
        for place, action in enumerate(actions):
            action(some, f"{key}_action_{place}")
        if set(page) - set(chosen):
            _button("Select all", "select_all", key, put, (data, key, [*chosen, *page]))
        _button("Select none", "deselect", key, put, (data, key, []))


def _button(label: str, icon: str, key: str, then: Callable, args: tuple) -> None:
    st.button(
        label, icon=f":material/{icon}:", key=f"{key}_{icon}", type="tertiary", on_click=then, args=args,
    )  # fmt: skip


def open_card(patch_id: str) -> None:
    """Callback: the page, not the gallery alone, is drawn anew, with the card of this patch."""
    tiles.open_patch(patch_id)
    st.session_state[OPENED] = True


def _rows(data: Dataset, table: Table, chosen: Sequence[str]) -> pd.DataFrame:
    """A row a chosen patch, with its label; what the table knows of it is added."""
    labels = data.labels[data.index_of(list(chosen))]
    rows = pd.DataFrame(
        {"id": list(chosen), "label": ["" if label < 0 else data.class_names[label] for label in labels]}
    )
    table = table() if callable(table) else table
    known = table.assign(id=table["id"].astype(str)).drop_duplicates("id").drop(columns="label", errors="ignore")
    return rows.merge(known, on="id", how="left")


# ------------------------------------------------------------------------------------------------------ actions


def compare(some: Chosen, key: str) -> None:
    """Two patches side by side, drawn alike."""
    two = len(some.ids) == 2
    if st.button(
        "Compare", icon=":material/compare:", type="tertiary", key=key, disabled=not two,
        help=None if two else "Choose two patches to compare them.",
    ):  # fmt: skip
        _compare(some)


@st.dialog("Two patches compared", width="large")
def _compare(some: Chosen) -> None:
    for column, patch_id, rgb in zip(st.columns(2), some.ids, some.draw(some.ids, side=2 * COMPARED_PX), strict=True):
        with column:
            with st.container(horizontal=True, vertical_alignment="center", width=COMPARED_PX):
                st.markdown(f"**{escape_markdown(patch_id)}**")
                if st.button(
                    "Open", icon=":material/open_in_full:", key=f"compared_{patch_id}", on_click=tiles.open_patch,
                    args=(patch_id,), type="tertiary",
                ):  # fmt: skip
                    st.rerun()  # the page draws its card in place of this
            st.image(rgb, width=COMPARED_PX, output_format="PNG", alt=f"Patch {patch_id}")
    downloads.table(compared(some.rows), width="stretch", height="content")


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """What is known of some patches in words: a row a fact, a column a patch."""
    known = [name for name in FACTS if name in rows and rows[name].notna().any()]
    return pd.DataFrame(
        {row["id"]: [_in_words(name, row[name]) for name in known] for _, row in rows.iterrows()},
        index=pd.Index([FACTS[name] for name in known], name="Known"),
    )


def _in_words(name: str, value: object) -> str:
    if pd.isna(value):
        return ""
    if name == "outcome":
        return theme.OUTCOME_WORDS.get(str(value), str(value))
    return str(int(value) + 1) if name == "fold" else number(value) if isinstance(value, float) else str(value)


def exclude(some: Chosen, key: str) -> None:
    """Puts the chosen on the dataset's exclusion list, with a reason."""
    with st.popover("Exclude from training", icon=":material/block:", type="tertiary", key=key):
        reason = st.text_input("Reason", "chosen by eye", key=f"{key}_reason", max_chars=300, width=320)
        st.button(
            f"Exclude {len(some.ids):,}", key=f"{key}_go", type="primary", on_click=_exclude,
            args=(some.data, some.ids, reason),
        )  # fmt: skip
        st.caption(
            "Excluded patches count as unlabelled in every training that begins from now on. Existing runs are "
            "unaffected. Dataset → Check undoes it."
        )


def _exclude(data: Dataset, chosen: list[str], reason: str) -> None:
    try:
        exclusions.add(data.path, chosen, reason or "not stated")
        st.toast(f"{len(chosen):,} patches excluded from training.", icon=":material/check_circle:")
    except (LandslideLensError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")


ACTIONS: tuple[Action, ...] = (compare, exclude)
