"""The dataset check: its findings, the patches concerned, and the choice of those that training leaves out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.datasets import check as dataset_check
from core.analyses.datasets.state import is_current
from core.data.check import CheckReport, CheckRow
from core.data.leakage.split_audit import COLUMNS
from core.data.store import Dataset
from dashboard import allowed, cache, state, theme, url_state
from dashboard.dataset import exclusions, files
from dashboard.dataset.known_pairs import known_pairs
from dashboard.jobs import analyses
from dashboard.patches import card, gallery, pair
from dashboard.ui import downloads, paging
from dashboard.ui.formatting import class_word, escape_markdown, percent
from dashboard.ui.guards import or_stop

NAME = dataset_check.ANALYSIS.name
RANK = {"error": 0, "warning": 1, "ok": 2}
PATCHES_A_PAGE, PAIRS_A_PAGE = 24, 6


def check(data: Dataset) -> None:
    """The findings, worst first; the patches of one finding; the exclusion list."""
    exclusions.last_change()
    target = cache.dataset_target(data.path, state.checkpoints())
    found = or_stop(lambda: dataset_check.read(target))
    if found is None:
        analyses.nothing_yet(
            target,
            NAME,
            "This dataset has not been checked yet",
            "The check looks for missing labels, wrong units, damaged values, duplicates, patches of the same ground, "
            "and whether the files' size, format or name give the label away.",
            "Check the dataset",
            ":material/fact_check:",
        )
    else:
        _outdated(data, found, analyses.follow(target, NAME))
        _verdict(found.report, len(data))
        files.shortcuts(data, found.report.files)
        _concerned(data, found.report)
        with st.expander(
            f"All {len(found.report.rows)} checks", expanded=all(row.severity == "ok" for row in found.report.rows)
        ):
            _table(data, found.report)
    exclusions.excluded(data)
    card.show_opened(data, None)


def _outdated(data: Dataset, found: dataset_check.DatasetCheck, under_way: bool) -> None:
    """Says so where the findings are about an earlier state, with the button that checks again."""
    if or_stop(lambda: is_current(found.facts, data)):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Showing results from before the last change.", width="content")
        if not under_way and st.button(
            "Check again", icon=":material/refresh:", key="check_again", **allowed.to("train")
        ):
            analyses.begin(cache.dataset_target(data.path, state.checkpoints()), NAME)


def _verdict(report: CheckReport, n_patches: int) -> None:
    errors, warnings = (sum(row.severity == word for row in report.rows) for word in ("error", "warning"))
    if errors:
        st.error(f"{_findings(errors)} to fix before training.", icon=theme.SEVERITY["error"][1])
    elif warnings:
        st.warning(f"{_findings(warnings)} to review; training is possible.", icon=theme.SEVERITY["warning"][1])
    else:
        st.success("No problems found. The dataset is ready for training.", icon=theme.SEVERITY["ok"][1])
    if items := [_item(row, n_patches) for row in report.rows if row.severity != "ok"]:
        st.markdown("\n".join(items))


def _item(row: CheckRow, n_patches: int) -> str:
    """A finding and what to do, as an item of a list."""
    parts = [f"{row.n:,}"] if row.n else []
    if share := share_of_count(row, n_patches):
        parts.append(percent(share))
    if row.share_of and row.share:
        parts.append(f"{percent(row.share)} of all {row.share_of}")
    many = f" ({', '.join(parts)})" if parts else ""
    return f"- **{escape_markdown(row.what)}**{many}. {escape_markdown(row.advice)}"


def share_of_count(row: CheckRow, n_patches: int) -> float:
    """The share that goes with a finding's count, 0-1."""
    return row.n / n_patches if row.share_of else row.share


def _findings(n: int) -> str:
    return "1 finding" if n == 1 else f"{n} findings"


def _table(data: Dataset, report: CheckReport) -> None:
    ordered = report.to_frame()
    some = ordered["n"] > 0  # "0" and "0%" of what is right would be noise
    downloads.table(
        ordered.assign(
            severity=[[word] for word in ordered["severity"]], n=ordered["n"].where(some),
            share=100 * pd.Series([share_of_count(row, len(data)) for row in report.rows]).where(some),
        ),
        hide_index=True, width="stretch", height="content",
        column_config={
            "severity": st.column_config.MultiselectColumn(
                "Finding", options=list(RANK), color=[theme.SEVERITY[word][0] for word in RANK]
            ),
            "what": st.column_config.TextColumn("What", width=400),
            "where": st.column_config.TextColumn("Where", width=160),
            "n": st.column_config.NumberColumn("How many", format="localized", width=90),
            "share": st.column_config.NumberColumn("Share", format="%.1f%%", width=90),
            "advice": st.column_config.TextColumn("What to do", width="medium"),
        },
    )  # fmt: skip
    downloads.download(ordered, f"{data.name}_check", "Check as CSV")


# ------------------------------------------------------------------------------------ the patches of a finding


def _concerned(data: Dataset, report: CheckReport) -> None:
    """The patches of one finding: pairs side by side, others as a gallery; chosen ones can be excluded."""
    rows = [row for row in report.rows if row.ids]
    if not rows:
        return
    st.header("Affected patches", anchor=False)
    place = url_state.choose(
        st.selectbox,
        "Finding",
        range(len(rows)),
        key="check_row",
        default=0,
        format_func=lambda i: f"{rows[i].what} ({len(rows[i].ids):,})",
    )
    row = rows[place]
    look = gallery.look_controls(data, "check_look")
    chosen = _pairs(data, row, look) if row.pairs else _patches(data, row, look)
    whole = list(dict.fromkeys(b for _, b in row.pairs)) if row.pairs else list(row.ids)
    words = f"the right patch of all {len(row.pairs):,} pairs" if row.pairs else f"all {len(whole):,} patches"
    if st.checkbox(f"Select {words}", key=f"check_all_{place}"):
        chosen = whole
    exclusions.exclude_button(data, chosen, row.what, f"check_{place}")


def _patches(data: Dataset, row: CheckRow, look: gallery.Look) -> list[str]:
    table = pd.DataFrame({"id": row.ids, "label": data.labels[data.index_of(row.ids)]})
    page = _paged(table, PATCHES_A_PAGE, "patches")
    gallery.gallery(data, page, look, "check", caption=lambda found: class_word(data, int(found["label"])))
    return st.multiselect("Patches to exclude", page["id"].tolist(), key="check_chosen")


def _pairs(data: Dataset, row: CheckRow, look: gallery.Look) -> list[str]:
    page = _paged(pairs_table(data, row), PAIRS_A_PAGE, "pairs")
    return pair.pairs(data, page, look, "check")


def pairs_table(data: Dataset, row: CheckRow) -> pd.DataFrame:
    """The pairs of a finding with what was measured of them; those that were not measured are identical."""
    wanted = pd.DataFrame(list(row.pairs), columns=["a", "b"])
    known = known_pairs(data)
    if known is None:
        table = wanted.reindex(columns=list(COLUMNS))
    else:
        table = wanted.merge(known.pairs.drop_duplicates(["a", "b"]), on=["a", "b"], how="left")
    table = table.fillna({"kind": "identical", "turn": "", "partner": "", "dy": 0, "dx": 0})
    return table.astype({"overlap": float, "ssim": float, "similarity": float, "weight": float})


def _paged(table: pd.DataFrame, size: int, kind: str) -> pd.DataFrame:
    page, number, pages = paging.of(table, "check_page", size)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(table):,} {kind}, page {number} of {pages}.", width="content")
        paging.pages(pages, "check_page")
    return page
