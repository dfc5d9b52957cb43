"""Whether a submission to Zindi is in order: two files are uploaded, and what is wrong is told in plain words."""

from __future__ import annotations

import streamlit as st

from core.errors import LandslideLensError
from core.predict.submission import SAMPLE, TEST, expected, faults_of
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

MOST_MB = 20


def checked() -> None:
    """The expander with both uploads and the answer."""
    with st.expander("Check a submission to Zindi", icon=":material/fact_check:"):
        with st.grid(min_column_width=280, gap="medium"):
            given = st.file_uploader("Submission (CSV)", type="csv", key="submission_file", max_upload_size=MOST_MB)
            wanted = st.file_uploader(
                f"{TEST} or {SAMPLE}, or both", type="csv", key="submission_wanted", accept_multiple_files=True,
                max_upload_size=MOST_MB,
            )  # fmt: skip
        if given is None or not wanted:
            st.caption(f"Checks header, ids, order and labels. {SAMPLE} says how the header is written.")
            return
        samples = [one for one in wanted if "sample" in one.name.lower()]
        tests = [one for one in wanted if one not in samples]
        try:
            must = expected(*(some[0].getvalue() if some else None for some in (tests, samples)))
        except LandslideLensError as error:
            show_error(error)
            return
        _told(faults_of(given.getvalue(), must), len(must.order or ()), must.source)


def _told(faults: list[str], n: int, source: str) -> None:
    if not faults:
        st.success(f"**It can be submitted:** {n:,} rows, ids in the order of {source}, labels 0 or 1.")
        return
    words = "\n".join(f"- {escape_markdown(one)}" for one in faults)
    st.error(f"**It would be refused:**\n{words}", icon=":material/error:")
