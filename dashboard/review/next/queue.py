"""One of a batch at a time: a large picture with a key for each verdict, why it was chosen, and the rest as a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.review.entry import MOST_NOTE, Entry
from dashboard import cache, state, theme
from dashboard.charts import embedding_map
from dashboard.embedding import projections
from dashboard.patches import gallery, tiles
from dashboard.predict import map_picture
from dashboard.review import judging
from dashboard.review.next.batch import Batch
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop

ITEM, NOTE = "next_item", "next_note"  # the first is in the URL
PICTURE_PX, STRIP_PX = 420, 84
BEFORE, IN_STRIP = 4, 24  # of the strip: how many stand before the one that is looked at, and how many in all
MAP_PX = 160


def draw(batch: Batch, said: Mapping[str, Sequence[Entry]]) -> None:
    """The one that is looked at, and the strip. said: what stands, by name."""
    name = current(batch, said)
    row = batch.table[batch.table["id"].astype(str) == name].iloc[0]
    left, right = st.columns([PICTURE_PX, 560], gap="medium")
    with left:
        picture = st.container()
        look = None if batch.is_of_cells else gallery.look_controls(batch.data, "next", named=False)
        with picture:
            rgb = batch.pictures([name], look, 2 * PICTURE_PX)[0]
            st.image(rgb, width=PICTURE_PX, alt=f"{batch.noun.capitalize()} {name}", output_format="PNG")
    with right:
        _question(batch, name, row, said)
        _controls(batch, name, said)
        _where(batch, name, row)
    _strip(batch, name, said, look)


def current(batch: Batch, said: Mapping[str, Sequence[Entry]]) -> str:
    """The one that the URL names, else the first that this person has not judged, else the first."""
    named = st.query_params.get(ITEM)
    if named in batch.ids:
        return named
    return next((name for name in batch.ids if not _done(said.get(name, ()))), batch.ids[0])


def _done(entries: Sequence[Entry]) -> bool:
    """Whether this person has judged it; before a name is given, whether anybody has."""
    by = judging.reviewer()
    return any(entry.by == by for entry in entries) if by else bool(entries)


def _question(batch: Batch, name: str, row: pd.Series, said: Mapping[str, Sequence[Entry]]) -> None:
    at, n = batch.ids.index(name), len(batch.ids)
    if all(_done(said.get(one, ())) for one in batch.ids):
        st.success(
            "All of this batch is judged. "
            + ("Make training patches of them below." if batch.is_of_cells else "Make labels of them below, and train.")
            + " Then choose the next batch.",
            icon=":material/task_alt:",
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"### Is there a landslide? · {at + 1} of {n}", width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            for words, icon, key, by in (("Previous", "arrow_back", "Left", -1), ("Next", "arrow_forward", "Right", 1)):
                st.button(
                    words, icon=f":material/{icon}:", key=f"next_{words}", shortcut=key, type="tertiary",
                    disabled=not 0 <= at + by < n, on_click=go, args=(batch.ids[min(max(0, at + by), n - 1)],),
                )  # fmt: skip
    why = f"Asked because: {escape_markdown(row['reason'])}."
    called = f"Cell {name}" if batch.is_of_cells else gallery.short(name, 60)
    st.caption(f"{escape_markdown(called)}  \n{why}")


def _controls(batch: Batch, name: str, said: Mapping[str, Sequence[Entry]]) -> None:
    entries, by = said.get(name, ()), judging.reviewer()
    mine = next((entry.verdict for entry in entries if entry.by == by), None)
    judging.buttons("next", mine, lambda verdict: _judge(batch, name, verdict), lambda: _undo(batch))
    st.text_input(
        "Note", key=NOTE, max_chars=MOST_NOTE, placeholder="Note: what you see, kept with the judgement",
        label_visibility="collapsed", width=520,
    )  # fmt: skip
    judging.tell_trouble()
    if shown := [entry for entry in entries if not by or mine is not None]:
        st.caption("  \n".join(map(judging.said_words, shown)))
    elif entries:
        st.caption(judging.unseen_words(len(entries)))


def go(name: str) -> None:
    """Callback: look at this one."""
    st.query_params[ITEM] = name


def _judge(batch: Batch, name: str, verdict: str) -> None:
    """Callback: keep it, and go on to the next that this person has not judged; of quick keys each has its own."""
    shown = st.query_params.get(ITEM, name)
    name = shown if shown in batch.ids else name
    subjects = {batch.subject(name): batch.place(name)}
    if not judging.keep(batch.judged, batch.report["kind"], subjects, verdict, st.session_state.get(NOTE) or ""):
        return
    st.session_state[NOTE] = ""
    st.toast(f"{escape_markdown(gallery.short(name))}: {judging.WORDS[verdict]}", icon=judging.BUTTONS[verdict][1])
    said, at = batch.said(), batch.ids.index(name)
    left = [one for one in (*batch.ids[at + 1 :], *batch.ids[:at]) if not _done(said.get(one, ()))]
    go(left[0] if left else name)


def _undo(batch: Batch) -> None:
    """Callback: take back this person's last judgement, and show what it was of."""
    last = judging.take_back(batch.judged)
    names = {batch.subject(name): name for name in batch.ids}
    if last is not None and last.subject in names:
        go(names[last.subject])


# --------------------------------------------------------------------------------------------------- where it lies


def _where(batch: Batch, name: str, row: pd.Series) -> None:
    """Its place among the labelled patches; of a cell also the way to mark where in it a landslide lies."""
    if batch.is_of_cells:
        _to_map(batch, name)
    try:
        own = cache.dataset(batch.run.dataset_path())
        xy = projections.read(batch.run, 0).arrays["xy"]
        oof = batch.run.oof()
        rows = own.index_of(oof["id"].astype(str).tolist())
        here = batch.judged.resolve() == batch.run.dataset_path().resolve()
        spot = xy[own.index_of([name if here else str(row["near"])])]
    except (LandslideLensError, OSError, KeyError):
        return  # a run without a projection, or whose dataset is gone
    classes = {own.class_names[label]: theme.CLASS[label] for label in (1, 0)}
    points = embedding_map.Points(
        xy=xy[rows], ids=oof["id"].astype(str).tolist(),
        group=np.array([own.class_names[int(label)] for label in oof["label"]]), small=np.ones(len(rows), bool),
    )  # fmt: skip
    words = "this patch" if here else "its nearest labelled patch"
    figure = embedding_map.boundary_map(
        points, classes, marked=[embedding_map.Marked(words, spot, [name])], height=MAP_PX, legend=False,
        dark=st.context.theme.type == "dark",
    )  # fmt: skip
    figure.update_layout(dragmode=False)
    alt = f"Projection of the labelled patches of {own.name}; a star marks {words}."
    downloads.show(figure, key="next_projection", alt=alt)
    st.caption(
        f"Star: {words}, among all that have labels ({escape_markdown(own.class_names[1])} orange, "
        f"{escape_markdown(own.class_names[0])} blue), {theme.fold_title(0)}'s projection."
    )


def _to_map(batch: Batch, name: str) -> None:
    """Of a cell larger than a patch: in which patch of it a landslide lies, only a mark says."""
    cell, side = batch.cells.set_index("cell").loc[name], batch.map_report["scene"]["side"]
    if cell["bottom"] - cell["top"] <= side[0] and cell["right"] - cell["left"] <= side[1]:
        return
    st.caption(
        "This cell (yellow) is larger than a patch: a landslide in it needs its place to become a training patch."
    )
    if st.button("Mark the place on the map", key="next_to_map", type="tertiary", icon=":material/my_location:"):
        state.open_view("predict", view="scene", filters={map_picture.CELL: name})


def _strip(batch: Batch, name: str, said: Mapping[str, Sequence[Entry]], look: gallery.Look | None) -> None:
    """Those around the one that is looked at; what this person judged says so."""
    by, made, n = judging.reviewer(), [], len(batch.ids)
    first = max(0, min(batch.ids.index(name) - BEFORE, n - IN_STRIP))
    names = batch.ids[first : first + IN_STRIP]
    for one, rgb in zip(names, or_stop(batch.pictures, names, look, 2 * STRIP_PX), strict=True):
        entries = said.get(one, ())
        mine = next((entry.verdict for entry in entries if entry.by == by), None)
        chip = None
        if mine:
            label = {"landslide": 1, "not": 0}.get(mine, -1)
            chip = tiles.Chip(judging.WORDS[mine], theme.CLASS[label])
        prob = float(batch.table.loc[batch.table["id"].astype(str) == one, "prob"].iloc[0])
        made.append(tiles.tile(one, rgb, f"p {prob:.2f}", chip, gallery.short(one)))
    of = {"patch": "patches", "cell": "cells"}[batch.noun]
    sent = tiles.payload(made, f"{of.capitalize()} of this batch", px=STRIP_PX, current=name)
    tiles.draw(sent, "next_strip", go)
    if n > IN_STRIP:
        st.caption(f"{of.capitalize()} {first + 1:,} to {first + len(names):,} of {n:,}.")
