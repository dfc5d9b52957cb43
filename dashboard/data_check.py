"""What the check found, with the patches themselves; and the list of patches that training leaves out."""

from __future__ import annotations

import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cached, components, theme
from dashboard.components import literal


def check(data: Dataset) -> None:
    """What the check found, worst first."""
    try:
        table = cached.check_table(data)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/error:")
        return
    found = table["severity"].value_counts()
    errors, warnings = int(found.get("error", 0)), int(found.get("warning", 0))
    if errors:
        st.error(f"{_findings(errors)} to mend before training.", icon=theme.SEVERITY["error"][1])
    elif warnings:
        st.warning(f"{_findings(warnings)} worth knowing; training is possible.", icon=theme.SEVERITY["warning"][1])
    else:
        st.success("Nothing stands in the way of training.", icon=theme.SEVERITY["ok"][1])
    rank = {"error": 0, "warning": 1, "ok": 2}
    ordered = table.sort_values("severity", key=lambda s: s.map(rank), kind="stable")
    st.dataframe(
        ordered.assign(severity=[[word] for word in ordered["severity"]], share=100 * ordered["share"]),
        hide_index=True, width="stretch", height="content",
        column_config={
            "severity": st.column_config.MultiselectColumn(
                "Finding", options=list(rank), color=[theme.SEVERITY[word][0] for word in rank]
            ),
            "what": st.column_config.TextColumn("What"),
            "where": st.column_config.TextColumn("Where", width="medium"),
            "n": st.column_config.NumberColumn("How many", format="localized"),
            "share": st.column_config.NumberColumn("Share", format="%.1f %%"),
            "advice": st.column_config.TextColumn("What to do", width="large"),
        },
    )  # fmt: skip
    components.download(ordered, f"{data.name}_check", "Check as CSV")


def _findings(n: int) -> str:
    return "1 finding" if n == 1 else f"{n} findings"
