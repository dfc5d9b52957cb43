"""The held-back test part of the run's own dataset: evaluated on request, with the list of who opened it before."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.analyses.locked_test import ANALYSIS, PARTS, LockedTest, opened_before, read
from core.data.held_back.openings import read_openings
from core.data.held_back.split_parts import split_parts
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import allowed, cache, url_state
from dashboard.charts import scores
from dashboard.jobs import analyses
from dashboard.results import interpretation, prevalence
from dashboard.results.metrics import TITLES
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.guards import or_stop

SHOWN = ("f1", "precision", "recall", "specificity", "accuracy", "auc")


def locked_test_view(run: RunFolder, summary: dict) -> None:
    """The view."""
    data = or_stop(lambda: cache.dataset(run.dataset_path()))
    parts = split_parts(data)
    offered = [name for name in PARTS if parts is not None and bool(((parts == name) & (data.labels >= 0)).any())]
    found = or_stop(read, run) or {}
    if not offered and not found:
        st.info(
            "This dataset has no labelled test part of its own. Split names such as train, val and test are read when "
            "importing (folders or a column `split`).", icon=":material/lock:",
        )  # fmt: skip
        return
    under_way = analyses.follow(run, ANALYSIS.name)
    for name in PARTS:
        if name in found:
            _show(run, found[name], summary)
    openings = or_stop(lambda: read_openings(data.path))
    if not under_way:
        _open(run, data, [name for name in offered if name not in found], openings)
    _history(run, openings)


def _show(run: RunFolder, test: LockedTest, summary: dict) -> None:
    report, what = test.report, PARTS.get(test.part, test.part)
    st.markdown(
        f"**On {report['n']:,} held-back {what} patches: {interpretation.headline(report, str(report['positive']))}**"
    )
    earlier = report["earlier"]
    (st.warning if earlier else st.info)(escape_markdown(opened_before(earlier)), icon=":material/lock_open:")
    for note in report["notes"]:
        st.warning(escape_markdown(note), icon=":material/warning:")
    if (known := prevalence.stated(run)) is not None:
        data, patches = or_stop(lambda: cache.dataset(run.dataset_path())), or_stop(test.patches)
        if data.groups is not None:
            patches = patches.assign(group=data.groups[data.index_of(patches["id"].astype(str))])
        st.markdown(prevalence.of_patches(patches, known))
    grid = st.grid(2, min_column_width=400, gap="medium")
    with grid.cell():
        downloads.table(_table(report), hide_index=True, width="stretch", height="content")
    with grid.cell():
        figure = scores.confusion_matrix(report["confusion"], (summary["class_names"][0], str(report["positive"])))
        downloads.show(figure, key=f"locked_confusion_{test.part}")
    kept = "groups kept together" if report["grouped"] else "patches taken as independent"
    st.caption(
        f"{interpretation.counts_in_words(report, str(report['positive']))} Mean of the networks of all folds, head "
        f"{escape_markdown(report['head'])}, at the run's own threshold "
        f"{number(report['threshold'])}. Intervals: 95% bootstrap, {kept}."
    )
    downloads.download(test.patches(), f"{report['run']}_{test.part}_patches", "All patches (CSV)")


def _table(report: dict[str, Any]) -> pd.DataFrame:
    def cells(of: dict[str, Any]) -> list[str]:
        bounds = [interval((of.get("intervals") or {}).get(name)) for name in SHOWN]
        return [
            number(of.get(name)) + (f" ({words})" if words else "") for name, words in zip(SHOWN, bounds, strict=True)
        ]

    titles = {"Metric": [TITLES[name] for name in SHOWN]}
    return pd.DataFrame(titles | {"Held-back part": cells(report), "Out of fold": cells(report["oof"])})


def _open(run: RunFolder, data: Dataset, offered: list[str], openings: list[dict]) -> None:
    if not offered:
        return
    st.markdown(
        "The test part of this dataset was kept away from training. Open it once, when model and settings are final: "
        "a test that settings are chosen by is no test any more. Every opening is recorded beside the dataset."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = url_state.choose(
            st.selectbox, "Part", offered, key="locked_part", default=offered[0], format_func=PARTS.get, width=200
        )
        times = sum(one["part"] == part for one in openings)
        sure = st.checkbox(f"Model and settings are final (openings so far: {times:,})", key="locked_sure")
        if st.button(
            "Open and evaluate", icon=":material/lock_open:", key="locked_go", **allowed.to("train", not sure)
        ):
            analyses.begin(run, ANALYSIS.name, {"part": part})


def _history(run: RunFolder, openings: list[dict]) -> None:
    st.header("Openings", anchor=False)
    if not openings:
        st.caption("No run has opened it yet.")
        return
    table = pd.DataFrame(openings).drop(columns="set")
    table["f1_interval"] = [interval(bounds) for bounds in table["f1_interval"]]
    downloads.table(table, hide_index=True, width="stretch")
    downloads.download(table, f"{run.name}_openings", "Openings (CSV)")
