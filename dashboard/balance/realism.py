"""The realism view: the verdict on a run's synthetic patches, two-sample tests, held-out models, blur, distances."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.smote.realism import ANALYSIS, read
from core.analyses.smote.verdict import verdict
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.balance import charts
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, interval_percent, number, percent

VERDICTS = {
    "alike": ("success", ":material/verified:"),
    "slight": ("info", ":material/visibility:"),
    "unlike": ("warning", ":material/blur_on:"),
    "plain": ("warning", ":material/blur_on:"),
    "unknown": ("info", ":material/help:"),
}
HELD_OUT = {
    "neither parent": "Synthetic, neither parent seen",
    "one parent": "Synthetic, one parent seen",
    "real": "Their real parents",
}


def section(data: Dataset, run: RunFolder) -> None:
    """The report, or the button that starts the analysis."""
    measured = read(run)
    if measured is None:
        analyses.nothing_yet(
            run, ANALYSIS.name, "Realism has not been measured yet",
            "Measures how far synthetic patches are from real ones and how blurred they are, tests whether they can be "
            "told apart, and asks models that have not seen their parents. A minute or two on a small CPU.",
            "Measure realism", ":material/compare:",
        )  # fmt: skip
        return
    table, report = measured.patches, measured.report
    said = verdict(report)  # in the words of today, whenever it was measured
    kind, icon = VERDICTS[said["level"]]
    getattr(st, kind)(escape_markdown(said["sentence"]), icon=icon)
    beside = st.grid(2, min_column_width=380, gap="medium")
    with beside.cell():
        _two_sample(report)
    with beside.cell():
        _held_out(data, report)
    with beside.cell():
        _detail(table, report)
    with beside.cell():
        _distances(table, report)
    _how(report)
    active = analyses.follow(run, ANALYSIS.name)
    with st.container(horizontal=True):
        if not active:
            with st.popover("Measure again", icon=":material/refresh:"):
                analyses.options_form(run, ANALYSIS.name, "Measure", report["options"])
        downloads.download(table, f"{run.name}_realism", "Synthetic patches (CSV)")


def _two_sample(report: dict) -> None:
    st.markdown("**Can they be told from real patches?**")
    downloads.show(charts.two_samples(report["two_sample"]), key="balance_two_sample")
    test = report["two_sample"].get("statistics") or report["two_sample"]["real_against_real"]
    st.caption(f"{test['n'][0]:,} real and {test['n'][1]:,} synthetic rows of {report['folds']} folds; 95% intervals.")


def _held_out(data: Dataset, report: dict) -> None:
    st.markdown(f"**Do models recognise them as {escape_markdown(data.positive)}?**")
    shares = report["judged"]
    if shares is None:
        st.info(
            "Synthetic patches were made before the folds were drawn: every model was trained on children of these "
            "parents, so none is held out.", icon=":material/block:",
        )  # fmt: skip
        return
    rows = [
        {"what": title, "share": _percent(shares[name]), "n": shares[name]["n"]}
        for name, title in HELD_OUT.items() if shares[name]["n"]
    ]  # fmt: skip
    downloads.table(
        pd.DataFrame(rows), hide_index=True, width="stretch",
        column_config={"what": "Patches", "share": f"Predicted {data.class_names[0]}", "n": "n"},
    )  # fmt: skip
    st.caption(f"{escape_markdown(theme.head_title(shares['head']))} at its fold's threshold; 95% intervals.")


def _percent(share: dict) -> str:
    bounds = interval_percent(share["interval"])
    return percent(share["share"], 0) + (f" ({bounds})" if bounds else "")


def _detail(table: pd.DataFrame, report: dict) -> None:
    st.markdown("**How blurred are they?**")
    downloads.show(charts.detail_scatter(table), key="balance_detail")
    detail = report["detail"]
    bounds = interval_percent(detail["kept"]["interval"])
    st.caption(
        f"Fine detail kept: median {percent(detail['kept']['value'], 0)}{_within(bounds)}; "
        f"n = {detail['n']:,}. Dotted: expected where parents have no detail in common."
    )


def _distances(table: pd.DataFrame, report: dict) -> None:
    st.markdown("**How close are they to real patches?**")
    spaces = {"pixels": "Pixels", "embedding": "Embedding"}
    measured = [name for name in spaces if report["distance"].get(name)]
    space = url_state.choose(
        st.segmented_control, "Measured in", measured, key="balance_space", default=measured[0], required=True,
        format_func=spaces.get, label_visibility="collapsed",
    )  # fmt: skip
    downloads.show(charts.distances(table, space), key=f"balance_distance_{space}")
    distance = report["distance"][space]
    ratio = distance["ratio"]
    st.caption(
        f"A synthetic patch is {number(ratio['value'], 2)} times{_within(interval(ratio['interval'], 2))} as far from "
        f"the nearest real patch other than its parents as its anchor is; n = {distance['n']:,}."
    )


def _within(bounds: str) -> str:
    return f" (95% interval {bounds})" if bounds else ""


def _how(report: dict) -> None:
    """The method of all four pictures."""
    detail = report["detail"]
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            f"**Told from real:** logistic regression on {report['folds']} folds, evaluated on rows that it was not "
            f"fitted on. Groups are halved at random {report['halvings']} times per fold; a synthetic patch is used "
            "where both parents are in one half. Intervals are over groups. Real against real: groups split in two at "
            "random, which shows chance. The network of each fold was trained on these synthetic patches."
        )
        st.markdown(
            "**Recognised:** a synthetic patch is given to the models of the folds in which its parents are "
            "validated. Where that is one fold, its model has seen neither parent; where it is two, each has seen one. "
            "All other models have seen both and are not used. Real parents are predicted out of fold."
        )
        st.markdown(
            "**Blur:** energy that a 3 × 3 mean removes, relative to that of the parents by weight; 5–95% of the "
            f"patches keep {100 * detail['q05']:.0f}–{detail['q95']:.0%}."
        )
        st.markdown("**Distance:** to real landslides of the training parts; medians are the lines in the boxes.")
