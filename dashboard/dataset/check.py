"""What the check found, with the patches themselves, and the choice of those that training shall leave out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.check import CheckReport, CheckRow
from core.data.leakage.split_audit import COLUMNS
from core.data.store import Dataset
from dashboard import theme
from dashboard.dataset import check_task, exclusions
from dashboard.patches import card, gallery, outcomes, pair
from dashboard.ui import downloads
from dashboard.ui.formatting import class_word, escape_markdown

RANK = {"error": 0, "warning": 1, "ok": 2}
PATCHES_A_PAGE, PAIRS_A_PAGE = 24, 6


def check(data: Dataset) -> None:
    """What the check found, worst first; the patches of one finding; the exclusion list."""
    exclusions.told()
    report = check_task.report(data)
    task = check_task.task_of(data)
    if report is None and (task is None or (not task.running and not task.cancelled and not task.error)):
        check_task.begin(data)
    if report is None:
        check_task.follow(data)
        report = check_task.report_before(data)
        if report is not None:
            st.caption("Below stands what was found before the last change.")
    if report is not None:
        _verdict(report)
        _table(data, report)
        _concerned(data, report)
    exclusions.excluded(data)
    card.show_opened(data, None)


def _verdict(report: CheckReport) -> None:
    errors, warnings = (sum(row.severity == word for row in report.rows) for word in ("error", "warning"))
    if errors:
        st.error(f"{_findings(errors)} to mend before training.", icon=theme.SEVERITY["error"][1])
    elif warnings:
        st.warning(f"{_findings(warnings)} worth knowing; training is possible.", icon=theme.SEVERITY["warning"][1])
    else:
        st.success("Nothing stands in the way of training.", icon=theme.SEVERITY["ok"][1])
    told = [_told(row) for row in report.rows if row.severity != "ok"]
    if told:
        st.markdown("\n".join(told))


def _told(row: CheckRow) -> str:
    """A finding and what to do, as an item of a list."""
    many = f" ({row.n:,}" + (f", {row.share:.1%}" if row.share else "") + ")" if row.n else ""
    return f"- **{escape_markdown(row.what)}**{many}. {escape_markdown(row.advice)}"


def _findings(n: int) -> str:
    return "1 finding" if n == 1 else f"{n} findings"


def _table(data: Dataset, report: CheckReport) -> None:
    ordered = report.to_frame()
    some = ordered["n"] > 0  # "0" and "0.0 %" of what is right would be noise
    st.dataframe(
        ordered.assign(
            severity=[[word] for word in ordered["severity"]], n=ordered["n"].where(some),
            share=(100 * ordered["share"]).where(some),
        ),
        hide_index=True, width="stretch", height="content",
        column_config={
            "severity": st.column_config.MultiselectColumn(
                "Finding", options=list(RANK), color=[theme.SEVERITY[word][0] for word in RANK]
            ),
            "what": st.column_config.TextColumn("What", width=330),
            "where": st.column_config.TextColumn("Where", width=200),
            "n": st.column_config.NumberColumn("How many", format="localized"),
            "share": st.column_config.NumberColumn("Share", format="%.1f %%"),
            "advice": st.column_config.TextColumn("What to do", width="large"),
        },
    )  # fmt: skip
    downloads.download(ordered, f"{data.name}_check", "Check as CSV")


# ------------------------------------------------------------------------------------ the patches of a finding


def _concerned(data: Dataset, report: CheckReport) -> None:
    """The patches of one finding: pairs side by side, others as a gallery; chosen ones can be excluded."""
    st.subheader("The patches concerned", anchor=False)
    rows = [row for row in report.rows if row.ids]
    if not rows:
        st.markdown("No finding is about single patches.")
        return
    place = st.selectbox(
        "Finding", range(len(rows)), key="check_row", format_func=lambda i: f"{rows[i].what} ({len(rows[i].ids):,})"
    )
    row = rows[place]
    look = gallery.look_controls(data, "check_look")
    chosen = _pairs(data, row, look) if row.pairs else _patches(data, row, look)
    whole = list(dict.fromkeys(b for _, b in row.pairs)) if row.pairs else list(row.ids)
    words = f"the right one of all {len(row.pairs):,} pairs" if row.pairs else f"all {len(whole):,} of this finding"
    if st.checkbox(f"Choose {words}", key=f"check_all_{place}"):
        chosen = whole
    exclusions.exclude_button(data, chosen, row.what, f"check_{place}")


def _patches(data: Dataset, row: CheckRow, look: gallery.Look) -> list[str]:
    table = pd.DataFrame({"id": row.ids, "label": data.labels[data.index_of(row.ids)]})
    page = _paged(table, PATCHES_A_PAGE, "patches")
    gallery.gallery(data, page, look, "check", caption=lambda found: class_word(data, int(found["label"])))
    return st.multiselect("Choose patches to exclude", page["id"].tolist(), key="check_chosen")


def _pairs(data: Dataset, row: CheckRow, look: gallery.Look) -> list[str]:
    page = _paged(pairs_table(data, row), PAIRS_A_PAGE, "pairs")
    return pair.pairs(data, page, look, "check")


def pairs_table(data: Dataset, row: CheckRow) -> pd.DataFrame:
    """The pairs of a finding with what the split X-ray measured of them; those it has not seen are identical."""
    wanted = pd.DataFrame(list(row.pairs), columns=["a", "b"])
    known = check_task.leaks(data)
    if known is None:
        table = wanted.reindex(columns=list(COLUMNS))
    else:
        table = wanted.merge(known.pairs.drop_duplicates(["a", "b"]), on=["a", "b"], how="left")
    table = table.fillna({"kind": "identical", "turn": "", "partner": "", "dy": 0, "dx": 0})
    return table.astype({"overlap": float, "ssim": float, "similarity": float, "weight": float})


def _paged(table: pd.DataFrame, size: int, words: str) -> pd.DataFrame:
    page, number, pages = outcomes.page_of(table, st.session_state.get("check_page", 1), size)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(table):,} {words}, page {number} of {pages}.", width="content")
        if pages > 1:
            st.pagination(pages, key="check_page")
    return page
