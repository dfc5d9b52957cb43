"""Find more like this: the cells of the scene that a fold's network finds most like the chosen one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from core.analyses.maps.alike import NAME, is_prepared
from core.errors import LandslideLensError
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import allowed, theme
from dashboard.jobs import analyses, model_client
from dashboard.patches import tiles
from dashboard.predict import asking, at_once, cell_answer, map_picture
from dashboard.ui.formatting import count, number, percent

COLUMNS = 6


def section(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cell: str) -> None:
    """The cells like this one, as ranked pictures; before the first time, the button that prepares the scene."""
    fold = cell_answer.fold_picker(run, "In the embedding of")
    analyses.follow(run, NAME)
    if not is_prepared(run, own.path.name, fold):
        n = report["scene"]["n_answered"]
        st.caption(
            f"{theme.fold_title(fold).capitalize()}'s network looks at the {count(n)} windows of the scene once; after "
            "that any cell is compared at once."
        )
        if st.button(
            "Find more like this", type="primary", icon=":material/image_search:", key="predict_alike_go",
            **allowed.to("train", analyses.is_active(run, NAME)),
        ):  # fmt: skip
            asking.ask(run, NAME, {"map": own.path.name, "fold": fold})
        return
    at_once.ask(_request(run, own, report, cell, fold), "Comparing…", lambda answer: _show(run, report, cell, answer))


def found(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cell: str) -> list[str]:
    """The names of the cells like this one, as far as they are known already, for the picture."""
    fold = int(st.session_state.get(cell_answer.FOLD) or 0)
    if not is_prepared(run, own.path.name, fold):
        return []
    try:
        answer = model_client.models().later(_request(run, own, report, cell, fold))
    except LandslideLensError:
        return []  # the section says why
    return [row["cell"] for row in answer["found"]] if answer else []


def _request(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cell: str, fold: int) -> dict[str, Any]:
    return {
        "do": NAME, "run": str(run.path), "map": own.path.name, "cell": cell, "fold": fold, "made": report.get("made"),
    }  # fmt: skip


def _show(run: RunFolder, report: Mapping[str, Any], cell: str, answer: Mapping[str, Any]) -> None:
    rows = answer["found"]
    if not rows:
        st.info("The scene has no other window to compare with.", icon=":material/image_search:")
        return
    pictures = cell_answer.drawn(run, np.array(answer["images"], np.float32), answer["shown"])
    st.markdown(
        f"**Most like cell {cell}**, the most alike first; marked A to {chr(64 + len(rows))} on the picture.",
        help="Each cell is shown by its window that is nearest to the highest window of this one, by distance in the "
        f"embedding of {theme.fold_title(answer['fold'])}. Windows that share ground with it are left out.",
    )
    made = []
    for k, (row, rgb) in enumerate(zip(rows, pictures, strict=True)):
        prob = float(map_picture.as_stated(np.array([row["prob"]]), run, report)[0])
        caption = f"p {prob:.3f}  \n{number(row['distance'])} away"
        more = f"{percent(row['nearer'], 1)} of all windows are nearer"
        made.append(tiles.tile(row["cell"], rgb, caption, name=f"{chr(65 + k)} · cell {row['cell']}", more=more))
    tiles.draw(tiles.payload(made, f"Cells like {cell}", columns=COLUMNS, px=110), "predict_cell_alike", _open)


def _open(cell: str) -> None:
    """Callback: this cell is the chosen one."""
    st.session_state[map_picture.CELL], st.session_state[map_picture.SPOT] = cell, ""
