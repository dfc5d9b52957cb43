"""The patches on which several heads or runs differ: each with everyone's answer, and the attention of each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from dashboard import url_state
from dashboard.patches import card, derived_bands, gallery, pair
from dashboard.results.compare.sides import Side, answers
from dashboard.ui import downloads
from dashboard.ui.formatting import class_word, count, escape_markdown

SHOWN = 6
MOST_MAPS = 4  # pictures of one patch beside each other
ALL, FIXED, BROKEN = "all", "fixed", "broken"
WORDS = {
    ALL: "Decided differently",
    FIXED: "All the others fix it",
    BROKEN: "All the others break it",
}
LETTERS = "ABCDEFGHIJKLM"


def patches_view(sides: Sequence[Side], data: Dataset | None) -> None:
    """Pictures of the patches on which they differ. sides: the reference first."""
    tables = [answers(side) for side in sides]
    table = differing(tables)
    st.header("Patches decided differently", anchor=False)
    titles = dict(zip(LETTERS, (escape_markdown(side.title) for side in sides), strict=False))
    st.caption(" · ".join(f"**{letter}** {title}" for letter, title in titles.items()))
    cams = _maps(sides, data)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = {name: int(_of(table, name).sum()) for name in WORDS}
        which = url_state.choose(
            st.segmented_control, "Patches", list(WORDS), key="several_patches", default=ALL, required=True,
            format_func=lambda name: f"{WORDS[name]} · {count(n[name])}", label_visibility="collapsed",
            help="Fixed: only the reference A is wrong. Broken: only A is right.",
        )  # fmt: skip
        attention = bool(cams) and url_state.toggle(
            "Attention of each", key="several_attention",
            help=f"Each patch under the attention of each run, in the order {', '.join(cams)}.",
        )  # fmt: skip
    rows = table[_of(table, which)]
    if rows.empty:
        st.caption("None.")
        return
    if data is None:
        st.caption(", ".join(escape_markdown(name) for name in rows["id"].head(12)))
    else:
        _pictures(rows.head(SHOWN), len(sides), data, cams if attention else {})
        card.show_opened(data, sides[0].run, rows["id"].astype(str).tolist())
    downloads.download(_flat(rows, sides), f"{sides[0].run.name}_several_differ", "Patches decided differently (CSV)")


def differing(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The patches that all have answered and not all rightly or all wrongly, those with the widest answers first.

    tables: of ``outcomes.judged``, the reference first. Columns: id, label, fold, prob_K and right_K of the K-th.
    """
    shared = reduce(lambda a, b: a & b, (set(one["id"]) for one in tables))
    first = tables[0][tables[0]["id"].isin(shared)].set_index("id")
    found = first[["label", "fold"]].copy()
    for k, one in enumerate(tables):
        own = one.set_index("id").loc[first.index]
        found[f"prob_{k}"], found[f"right_{k}"] = own["prob"], own["pred"] == own["label"]
    right = found.filter(like="right_").sum(axis=1)
    probs = found.filter(like="prob_")
    found["spread"] = probs.max(axis=1) - probs.min(axis=1)
    found = found[(right > 0) & (right < len(tables))]
    return found.sort_values("spread", ascending=False, kind="stable").drop(columns="spread").reset_index()


def _of(table: pd.DataFrame, which: str) -> pd.Series:
    """Which of the rows of :func:`differing` belong to ``which``."""
    right = table.filter(like="right_")
    others = right.drop(columns="right_0")
    if which == FIXED:
        return ~right["right_0"] & others.all(axis=1)
    if which == BROKEN:
        return right["right_0"] & ~others.any(axis=1)
    return right["right_0"].notna()


def _maps(sides: Sequence[Side], data: Dataset | None) -> Mapping[str, gallery.Cams]:
    """By letter the attention maps of each run that is compared, of those that have some; empty below two."""
    found: dict[str, gallery.Cams] = {}
    seen: set[str] = set()
    for letter, side in zip(LETTERS, sides, strict=False):
        if data is not None and side.run.name not in seen and len(found) < MOST_MAPS:
            seen.add(side.run.name)
            if (cams := gallery.cams_of(side.run)).rows:
                found[letter] = cams
    return found if len(found) > 1 else {}


def _pictures(rows: pd.DataFrame, n: int, data: Dataset, cams: Mapping[str, gallery.Cams]) -> None:
    def words(row: pd.Series) -> str:
        told = [f"{LETTERS[k]} {row[f'prob_{k}']:.2f} {'✓' if row[f'right_{k}'] else '✗'}" for k in range(n)]
        return f"{class_word(data, int(row['label']))}\n{' · '.join(told)}"

    look = gallery.Look(composites(derived_bands.drawable(data.bands))[0])
    if cams:
        seen = replace(look, opacity=gallery.OPACITY / 100)
        pair.attention(data, rows, seen, list(cams.values()), "several_patches", words, "".join(cams))
    else:
        gallery.gallery(data, rows, look, "several_patches", caption=words)
        st.caption("Probability by each, and whether its decision is right (✓) or wrong (✗), out of fold.")


def _flat(rows: pd.DataFrame, sides: Sequence[Side]) -> pd.DataFrame:
    names = {f"prob_{k}": f"{side.title}: probability" for k, side in enumerate(sides)}
    names |= {f"right_{k}": f"{side.title}: right" for k, side in enumerate(sides)}
    return rows.rename(columns=names)
