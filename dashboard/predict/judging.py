"""Judging cells: yes, no or unsure, with a note and by whom; how far it has come, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.maps import judged as judged_patches
from core.analyses.maps.judged import KIND, subject_of, verdict_of, verdicts
from core.review.entry import Entry
from core.review.judgements import Judgements
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from core.stats.design_effect import share_interval
from dashboard import allowed, state
from dashboard.jobs import analyses
from dashboard.predict import asking, map_picture, pixel
from dashboard.review import judging as review
from dashboard.ui.formatting import count, escape_markdown, interval_percent, parse_time, percent
from dashboard.ui.guards import or_stop, run_state

NOTE, ONWARD = "predict_note", "predict_onward"
BUTTONS = {
    "landslide": ("Yes", ":material/check:"),
    "not": ("No", ":material/close:"),
    "unsure": ("Unsure", ":material/question_mark:"),
}
BLOCK_CELLS = 4  # cells a side of a block, whose judgements are taken to be alike


def said_of(own: ResultFolder, report: Mapping[str, Any]) -> dict[str, list[Entry]]:
    """What stands of the cells of this grid, by cell; a damaged file stops the page with its reason."""
    return or_stop(verdicts, own.path, report)


def words_of(said: Mapping[str, Sequence[Entry]]) -> dict[str, str]:
    """By cell: landslide, not, unsure or disagree."""
    return {cell: verdict_of(entries) for cell, entries in said.items()}


def controls(own: ResultFolder, report: Mapping[str, Any], cells: pd.DataFrame, cell: str, said: Mapping) -> None:
    """The buttons for one cell, and what was said of it."""
    mine = next((e for e in said.get(cell, []) if e.by == review.reviewer()), None)
    st.markdown(
        "**Is there a landslide in this cell?**",
        help="A click on the landslide before you answer marks its place, which a training patch is cut around.",
    )
    known = bool(review.reviewer())
    if not known:
        _name_field()
    with st.container(horizontal=True, gap="small"):
        for verdict, (label, icon) in BUTTONS.items():
            st.button(
                label, icon=icon, key=f"predict_judge_{verdict}", on_click=_judge,
                args=(own, report, cells, cell, verdict),
                type="primary" if mine is not None and mine.verdict == verdict else "secondary", **allowed.to("review")
            )  # fmt: skip
        with st.popover("", icon=":material/edit_note:", key="predict_judge_more", help="Note, and who judges"):
            if known:
                _name_field()
            st.text_area("Note", key=NOTE, max_chars=1000, placeholder="What you see")
            st.toggle("Go to the next cell after judging", True, key=ONWARD, persist_state="session")
        if said:
            st.button(
                "Undo",
                icon=":material/undo:",
                type="tertiary",
                key="predict_undo",
                on_click=_undo,
                args=(own, report),
                **allowed.to("review"),
            )
    review.tell_trouble()
    for entry in said.get(cell, []):
        note = f": {escape_markdown(entry.note)}" if entry.note else ""
        st.caption(
            f"{escape_markdown(entry.by)}, {_when(entry)}: {review.WORDS.get(entry.verdict, entry.verdict)}{note}"
        )


def _name_field() -> None:
    st.text_input(
        "Your name", key=review.REVIEWER, max_chars=80, placeholder="Who judges", persist_state="session",
        help="Kept with each judgement, so that several people can judge the same map.",
    )  # fmt: skip


def _judge(own: ResultFolder, report: Mapping[str, Any], cells: pd.DataFrame, cell: str, verdict: str) -> None:
    """Callback: keep the judgement, and go on to the next cell that nobody has judged."""
    subjects = {subject_of(report, cell): place_of(report, cells, cell)}
    if not review.keep(own.path, KIND, subjects, verdict, st.session_state.get(NOTE) or ""):
        return
    st.session_state[NOTE] = ""
    st.toast(f"{cell}: {review.WORDS[verdict]}", icon=BUTTONS[verdict][1])
    if st.session_state.get(ONWARD, True):
        done = set(verdicts(own.path, report))
        ranked = cells[cells["rank"] > 0].sort_values("rank")["cell"]
        left = [name for name in ranked if name not in done]
        if left:
            st.session_state[map_picture.CELL] = left[0]
            st.session_state[map_picture.SPOT] = ""


def _undo(own: ResultFolder, report: Mapping[str, Any]) -> None:
    """Callback: take back the last judgement of this person, and show its cell again."""
    last, start = review.take_back(own.path), subject_of(report, "")
    if last is not None and last.subject.startswith(start):
        st.session_state[map_picture.CELL] = last.subject.removeprefix(start)


def place_of(report: Mapping[str, Any], cells: pd.DataFrame, cell: str) -> dict[str, Any]:
    """The cell's box in degrees, and the pixel that was clicked in it."""
    row = cells[cells["cell"] == cell].iloc[0]
    corners = [pixel.lonlat_of(report, r, c) for r in (row["top"], row["bottom"]) for c in (row["left"], row["right"])]
    found: dict[str, Any] = {}
    if all(corner is not None for corner in corners):
        lon, lat = zip(*corners, strict=True)
        found["box"] = (min(lon), min(lat), max(lon), max(lat))
    spot = pixel.spot()
    if spot and row["top"] <= spot[0] < row["bottom"] and row["left"] <= spot[1] < row["right"]:
        if (lonlat := pixel.lonlat_of(report, spot[0] + 0.5, spot[1] + 0.5)) is not None:
            found["lonlat"] = lonlat
    return found


def _when(entry: Entry) -> str:
    at = parse_time(entry.at)
    return f"{at.day} {at:%b %H:%M}" if at else entry.at


# ------------------------------------------------------------------------------------------------- how far it is


def progress_words(cells: pd.DataFrame, first: int, words: Mapping[str, str]) -> str:
    """How many of the first cells are judged, and how; empty before any is."""
    wanted = set(cells.loc[cells["rank"].between(1, first), "cell"].astype(str))
    inside = [verdict for name, verdict in words.items() if name in wanted]
    if not words:
        return ""
    parts = {"landslide": "yes", "not": "no", "unsure": "unsure", "disagree": "judged differently"}
    counts = ", ".join(f"{count(inside.count(key))} {word}" for key, word in parts.items() if key in inside)
    more = len(words) - len(inside)
    text = f"{count(len(inside))} of {count(len(wanted))} judged" + (f": {counts}" if counts else "")
    return text + (f"; {count(more)} more further down." if more else ".")


def precision_words(cells: pd.DataFrame, words: Mapping[str, str]) -> str:
    """The share of judged cells with a landslide, with its interval, beside what the map expects of them."""
    table = cells.set_index("cell")
    names = [name for name, verdict in words.items() if verdict in ("landslide", "not") and name in table.index]
    if not names:
        return ""
    hits = np.array([words[name] == "landslide" for name in names], float)
    share, low, high = share_interval(hits, _blocks(table.loc[names]))
    expected = table.loc[names, "prob_max"].mean()
    return (
        f"Of {count(len(names))} cells with a clear answer, {percent(share, 0)} hold a landslide "
        f"(95%: {interval_percent([low, high])}); the map expects at least {percent(expected, 0)} of them."
    )


def _blocks(rows: pd.DataFrame) -> np.ndarray:
    """(N,) the square of neighbouring cells that each lies in."""
    places = []
    for name in rows.index:
        row, _, col = str(name).partition("-")
        places.append(
            f"{int(row) // BLOCK_CELLS} {int(col) // BLOCK_CELLS}" if row.isdigit() and col.isdigit() else name
        )
    return np.array(places)


def outcome(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], said: Mapping[str, Sequence[Entry]]) -> None:
    """What becomes of the judgements: a table for download, and training patches."""
    analyses.follow(run, judged_patches.NAME)
    if not said:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Judgements (CSV)", lambda: Judgements(own.path).export_csv(), f"{own.path.name}_judgements.csv",
            "text/csv", icon=":material/download:", type="tertiary", key="predict_judged_csv", on_click="ignore",
        )  # fmt: skip
        with st.popover("Make training patches", icon=":material/add_photo_alternate:", key="predict_judged_open"):
            st.caption(
                "Cells without a landslide are cut into patches; of a cell with one, the patch around the place that "
                "was clicked, or around the cell where a patch covers it. Unsure and disputed cells are left out."
            )
            name = st.text_input("Dataset name", _free_name(run, report), key="predict_judged_name", max_chars=80)
            if st.button(
                "Make them",
                key="predict_judged_go",
                **allowed.to("train", analyses.is_active(run, judged_patches.NAME)),
            ):
                asking.ask(run, judged_patches.NAME, {"map": own.path.name, "name": name.strip() or None})
    job = analyses.newest(run, judged_patches.NAME)
    if job is None or run_state(job)["state"] != "succeeded" or job.options().get("map") != own.path.name:
        return
    made = or_stop(job.result)
    if made["name"] not in state.choice().datasets:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(escape_markdown(made["message"]), width="content")
        if st.button("Open the dataset", icon=":material/dataset:", type="tertiary", key="predict_judged_to"):
            state.open_view("dataset", dataset=made["name"])
        if st.button("Train on it", icon=":material/model_training:", type="tertiary", key="predict_judged_train"):
            state.open_view("train", dataset=made["name"])


def _free_name(run: RunFolder, report: Mapping[str, Any]) -> str:
    from pathlib import Path

    stem, known = f"judged-{Path(report['scene']['scene']).stem}", state.choice().datasets
    return next(name for k in range(1, 10_000) if (name := stem if k == 1 else f"{stem}-{k}") not in known)
