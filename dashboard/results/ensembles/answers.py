"""New patches answered by an ensemble: a CSV from each member, one answer for each patch, and a submission."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.ensembles.answers import Combined, combine
from core.ensembles.folder import EnsembleFolder
from core.errors import LandslideLensError
from core.predict.submission import expected, submission_csv
from core.text import counted
from dashboard.results.ensembles import kept, uploaded
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error


def answers_view(ensemble: EnsembleFolder) -> None:
    """An expander: a file for each member; when all are there, the combined answers to download."""
    card, titles = ensemble.card(), kept.titles(ensemble)
    with st.expander("Answer new patches", icon=":material/online_prediction:"):
        st.markdown(
            "Upload each member's answers for the same new patches (CSV: id, probability). A run's come from Predict. "
            "They are combined with the weights above."
        )
        given = {}
        grid = st.grid(2, min_column_width=320)
        for place, member in enumerate(card["members"]):
            with grid.cell():
                table = _given(ensemble, member, titles[member["key"]], place)
            if table is not None:
                given[member["key"]] = table
        if len(given) < len(card["members"]):
            return
        try:
            combined = combine(ensemble, given)
        except LandslideLensError as error:
            show_error(error)
            return
        _show(ensemble, combined)


def _given(ensemble: EnsembleFolder, member: dict, title: str, place: int) -> pd.DataFrame | None:
    """What was uploaded for a member."""
    key = f"ensemble_answers_{ensemble.name}_{place}"
    file = st.file_uploader(escape_markdown(title), type="csv", key=key, max_upload_size=uploaded.MAX_MB)
    if file is None:
        return None
    column = uploaded.column(file, f"{key}_column")
    if column is None and member["kind"] == "run" and member["head"] != member["headline"]:
        column = f"prob_{member['head']}"
    try:
        return uploaded.answers(file.getvalue(), file.name, column)
    except LandslideLensError as error:
        show_error(error)
        return None


def _show(ensemble: EnsembleFolder, combined: Combined) -> None:
    n, called, empty = len(combined.ids), int((combined.pred == 1).sum()), int((combined.pred < 0).sum())
    positive = escape_markdown(ensemble.summary()["positive"])
    st.markdown(
        f"**{n:,} patches, {called:,} predicted {positive}** at the threshold {combined.threshold:.3f}, learnt on all "
        "out-of-fold answers."
    )
    if empty:
        st.warning(
            f"{counted(empty, 'patch has', 'patches have')} no answer, because a member has none.",
            icon=":material/rule:",
        )
    test = st.file_uploader(
        "For a Zindi submission: Test.csv", type="csv", key=f"ensemble_test_{ensemble.name}",
        max_upload_size=uploaded.MAX_MB,
    )  # fmt: skip
    with st.container(horizontal=True):
        downloads.download(combined.table(), f"{ensemble.name}_answers", "Answers (CSV)")
        if test is not None:
            try:
                content = submission_csv(combined, expected(test.getvalue(), None))
            except LandslideLensError as error:
                show_error(error)
                return
            st.download_button(
                "Submission (CSV)", content, file_name=f"{ensemble.name}_submission.csv", mime="text/csv",
                icon=":material/download:", type="primary", key="ensemble_submission", on_click="ignore",
            )  # fmt: skip
