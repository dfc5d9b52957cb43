"""How realistic a run's synthetic patches are, on the Balance page: verdict, tests, judges, distances, blur.

Comes in: a run. Goes out: pictures of what ``core.analyses.smote.realism`` left in its folder, or the button that asks.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import charts
from dashboard.jobs import analyses
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown

STUDY = "realism"
LOOKS = {
    "alike": ("success", ":material/verified:"),
    "slight": ("info", ":material/visibility:"),
    "unlike": ("warning", ":material/blur_on:"),
    "plain": ("warning", ":material/blur_on:"),
    "unknown": ("info", ":material/help:"),
}
JUDGES = {
    "neither parent": "Synthetic, neither parent seen",
    "one parent": "Synthetic, one parent seen",
    "real": "Real parents, out of fold",
}


def section(data: Dataset, run: RunFolder) -> None:
    """The report, or the button that begins the study."""
    found = run.smote_realism()
    if found is None:
        analyses.nothing_yet(
            run, STUDY, "Nobody has asked yet how realistic these synthetic patches are",
            "Measures how far they are from real landslides and how blurred, tries to tell them apart with relatives "
            "on one side, and asks the models that have not seen their parents. A minute or two on a small CPU.",
            "Measure how realistic they are", ":material/compare:",
        )  # fmt: skip
        return
    table, report = found
    kind, icon = LOOKS[report["verdict"]["level"]]
    getattr(st, kind)(escape_markdown(report["verdict"]["sentence"]), icon=icon)
    beside = st.grid(2, min_column_width=380, gap="medium")
    with beside.cell():
        _tests(report)
    with beside.cell():
        _judges(data, report)
    with beside.cell():
        _detail(table, report)
    with beside.cell():
        _distances(table, report)
    with st.container(horizontal=True):
        if not analyses.follow(run, STUDY) and st.button("Measure again", icon=":material/refresh:"):
            analyses.begin(run, STUDY)
        downloads.download(table, f"{run.name}_realism", "A row a synthetic patch (CSV)")


def _tests(report: dict) -> None:
    st.markdown("**Can they be told from real ones?**")
    downloads.show(charts.two_samples(report["two_sample"]), key="balance_two_sample")
    told = report["two_sample"].get("statistics") or report["two_sample"]["real_against_real"]
    st.caption(
        f"Logistic regression, judged on {told['n'][0]:,} real and {told['n'][1]:,} synthetic rows of "
        f"{report['folds']} folds that it had not learnt from. Groups are halved at random {report['halvings']} times "
        "a fold, and a synthetic patch is used where both parents fall on one side. 95 % intervals over groups. Real "
        "against real, called two kinds by a coin: what chance looks like. The fold's own network has learnt from "
        "these synthetic patches."
    )


def _judges(data: Dataset, report: dict) -> None:
    st.markdown(f"**Do models call them {escape_markdown(data.positive)}?**")
    judged = report["judged"]
    if judged is None:
        st.info(
            "Synthetic patches were made before the folds were drawn: every model has learnt from children of these "
            "parents, so none can judge.", icon=":material/gavel:",
        )  # fmt: skip
        return
    rows = [
        {"what": title, "share": _percent(one), "n": one["n"]}
        for name, title in JUDGES.items() if (one := judged[name])["n"]
    ]  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch",
        column_config={"what": "Patches", "share": f"Called {data.class_names[0]}", "n": "n"},
    )  # fmt: skip
    st.caption(
        f"By {theme.head_title(judged['head'])} at its fold's threshold. A synthetic patch is judged by the models of "
        "the folds that its parents are validated in: where that is one fold, its model has seen neither parent; "
        "where it is two, each has seen one. The other models have seen both and are not asked. 95 % intervals over "
        "groups."
    )


def _percent(one: dict) -> str:
    low, high = one["interval"] or (float("nan"), float("nan"))
    return f"{one['share']:.0%} ({low:.0%} to {high:.0%})"


def _detail(table: pd.DataFrame, report: dict) -> None:
    st.markdown("**How blurred are they?**")
    downloads.show(charts.detail_scatter(table), key="balance_detail")
    detail = report["detail"]
    low, high = detail["kept"]["interval"] or (float("nan"), float("nan"))
    st.caption(
        "Energy that a 3 × 3 mean takes away, over that of the parents by weight: median "
        f"{detail['kept']['value'] or 0:.0%} (95 % interval over groups {low:.0%} to {high:.0%}), 5 to 95 % of "
        f"patches {detail['q05']:.0%} to {detail['q95']:.0%}, n = {detail['n']:,}. Dotted: parents whose detail has "
        "nothing in common."
    )


def _distances(table: pd.DataFrame, report: dict) -> None:
    st.markdown("**How near are they to real ones?**")
    spaces = {"pixels": "Pixels", "embedding": "Embedding"}
    there = [name for name in spaces if report["distance"].get(name)]
    space = st.segmented_control(
        "Measured in", there, default=there[0], required=True, format_func=spaces.get, key="balance_space",
        label_visibility="collapsed",
    )  # fmt: skip
    downloads.show(charts.distances(table, space), key=f"balance_distance_{space}")
    found = report["distance"][space]
    ratio = found["ratio"]
    st.caption(
        f"Medians {found['any']:.3g}, {found['others']:.3g} and {found['anchor']:.3g}. With its parents left out, the "
        f"nearest real landslide is {ratio['value']:.2f} (95 % interval {formatting.interval(ratio['interval'], 2)}) "
        f"times as far as the anchor's nearest is from the anchor; n = {found['n']:,} synthetic patches of "
        f"{report['folds']} folds, training parts."
    )
