"""Which bands the model needs: drops by band with intervals, ranks, groups with Shapley shares, outcomes and slices.

Comes in: the chosen run and dataset. Goes out: figures of the study of bands (``core.analyses.bands.importance``) or,
before it was asked for, of the two replacements that every run computes.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.bands.tables import baseline_agreement, groups_by_id
from core.explain.bands.verdict import band_verdict
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.charts import base, intervals
from dashboard.explain import badges, band_importance_slices, tables
from dashboard.explain import charts as explain_charts
from dashboard.jobs import analyses
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import head_picker

MEASURES = {"drop": "True drop: p before − p after", "paper": "Paper A's way: 1 − p after"}
WHICH = {"called": "landslides, and what is called one", "landslides": "landslides only", "all": "every judged patch"}


def every_patch(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The figures of the whole run; the ids whose windows are shown."""
    study = cache.band_study(run)
    table = study[0]["bands"] if study else or_stop(run.occlusion)
    heads, baselines = (list(dict.fromkeys(table[column].astype(str))) for column in ("head", "baseline"))
    if study is None:
        _offer(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        head = head_picker("Head", heads, summary, "explain_occ_head")
        baseline = st.selectbox(
            "Band replaced by", baselines, format_func=lambda name: BASELINES.get(name, name), key="explain_baseline",
            width=330,
        )  # fmt: skip
        measure = st.selectbox(
            "Measured by", list(MEASURES), format_func=MEASURES.get, key="explain_measure", width=250
        )
    _supports(run, summary, oof, study, head)
    try:
        rows = tables.titled(cache.band_rows(run, head, baseline), data.bands)
    except LandslideLensError as error:
        st.info(escape_markdown(error), icon=":material/info:")
        return []
    stands = standing(summary, head, baseline, rows, groups_by_id(oof) is not None)
    _bands(data, run, rows, measure, stands, f"{head}_{baseline}")
    _groups(run, head, baseline, stands)
    _agreement(run, oof, study, table, head)
    band_importance_slices.by_part(data, run, summary, oof, head, baseline)
    shown = band_importance_slices.windows(data, run)
    if study is not None:
        _again(run, study[1])
    return shown


def standing(summary: dict, head: str, baseline: str, rows: pd.DataFrame, grouped: bool) -> str:
    """Which patches, head, replacement and interval stand behind a figure."""
    kind = f"whole groups ({int(rows['n_groups'].iloc[0]):,}) are drawn" if grouped else "patches are drawn"
    return (
        f"{int(rows['n'].iloc[0]):,} patches labelled {escape_markdown(summary['positive'])}, out of fold over "
        f"{len(summary['folds'])} folds: each by the network that has not trained on it. "
        f"{escape_markdown(theme.head_title(head))}; the band is replaced by {escape_markdown(BASELINES.get(baseline, baseline))}. "
        f"95 % bootstrap interval, {kind}."
    )


def _bands(data: Dataset, run: RunFolder, rows: pd.DataFrame, measure: str, stands: str, name: str) -> None:
    words = f"Mean drop of the probability of {base.plain(data.positive)}"
    drawn = rows.rename(columns={"drop_mean": "drop"})
    if measure == "paper":
        words = f"Mean of 1 − probability of {base.plain(data.positive)} after"
        drawn = rows.drop(columns=["lo", "hi"]).rename(
            columns={"paper_mean": "drop", "paper_lo": "lo", "paper_hi": "hi"}
        )
    grid = st.grid(2, min_column_width=360, gap="medium")
    with grid.cell():
        st.markdown("**Without each band**")
        downloads.show(intervals.occlusion_bars(drawn, words), key=f"explain_occlusion_{measure}")
    with grid.cell():
        st.markdown("**How sure is the order?**")
        if rows["rank_lo"].notna().all():
            downloads.show(explain_charts.ranks(rows), key="explain_ranks")
        else:
            st.markdown("There are too few groups of patches to draw them anew.")
    above = f"{int((rows['lo'] > 0).sum())} of {len(rows)} intervals of the true drop lie wholly above 0."
    st.caption(f"{stands} {above}")
    text = (
        "A long bar means that this model, on these patches, leans on the band. It does not mean that the others are "
        "useless: bands that say the same stand in for each other, and another replacement gives other bars."
    )
    if measure == "paper":
        text += (
            " Paper A takes the probability before to be 1, so a model that doubts every landslide gives long bars for "
            f"every band; its sums over the patches run from {rows['paper_sum'].min():.1f} to "
            f"{rows['paper_sum'].max():.1f}."
        )
    st.markdown(text)
    downloads.download(rows, f"{run.name}_occlusion_{name}", "Bands (CSV)")


def _supports(run: RunFolder, summary: dict, oof: pd.DataFrame, study: tuple | None, head: str) -> None:
    """What the figure supports: yes, no, undecided."""
    verdict = study[1]["verdicts"].get(head) if study else _verdict_of(run, oof, summary["positive"], head)
    if verdict is None:
        return
    colour, icon = badges.ANSWER_LOOKS[verdict["answer"]]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape_markdown(verdict['question'])}**", width="content")
            st.badge(verdict["answer"], icon=icon, color=colour)
        st.markdown(escape_markdown(verdict["supports"]))
        st.caption(escape_markdown(verdict["limits"]))


def _verdict_of(run: RunFolder, oof: pd.DataFrame, positive: str, head: str) -> dict | None:
    """From the shares that a run computes by itself; None in runs of earlier versions, or without a landslide."""
    try:
        return band_verdict(run.band_groups(), head, groups_by_id(oof), positive=positive).to_dict()
    except (LandslideLensError, KeyError, IndexError):
        return None


def _groups(run: RunFolder, head: str, baseline: str, stands: str) -> None:
    st.subheader("Groups of bands", anchor=False)
    try:
        rows = cache.band_rows(run, head, baseline, "group")
    except LandslideLensError:
        known = _group_baselines(run)
        words = "Run the study of bands for shares of groups under every replacement."
        st.markdown(
            f"{'Groups were computed for: ' + escape_markdown(', '.join(known)) + '. ' if known else ''}{words}"
        )
        return
    grid = st.grid(2, min_column_width=360, gap="medium")
    with grid.cell():
        st.markdown("**What each group is owed** (exact Shapley shares)")
        downloads.show(explain_charts.shapley_bars(rows, "Mean share of the drop without any band"), key="explain_owed")
    with grid.cell():
        st.markdown("**Without this group alone**")
        alone = rows.assign(shapley=rows["without"], lo=rows["without_lo"], hi=rows["without_hi"])
        downloads.show(explain_charts.shapley_bars(alone, "Mean drop of the probability"), key="explain_without")
    one = rows.iloc[0]
    members = "; ".join(f"{explain_charts.capital(row.group)}: {row.bands}" for row in rows.itertuples())
    st.caption(
        f"{escape_markdown(members)}. The shares add up to {rows['shapley'].sum():+.3f}, the mean drop without any band "
        f"({formatting.interval((one['total_lo'], one['total_hi']))}); all {2 ** len(rows):,} subsets of groups were "
        f"asked. {stands}"
    )
    downloads.download(rows, f"{run.name}_groups_{head}_{baseline}", "Groups (CSV)")


def _group_baselines(run: RunFolder) -> list[str]:
    try:
        return list(dict.fromkeys(run.band_groups()["baseline"].astype(str)))
    except LandslideLensError:
        return []


def _agreement(run: RunFolder, oof: pd.DataFrame, study: tuple | None, table: pd.DataFrame, head: str) -> None:
    found = study[1]["agreement"].get(head) if study else None
    rows = pd.DataFrame(found) if found else baseline_agreement(table, head, groups_by_id(oof))
    if rows.empty or len(table["band"].unique()) < 3:
        return
    st.subheader("Does the order depend on what replaces a band?", anchor=False)
    short = {"zero_raw": "raw zero", "zero": "zero as seen"}
    names = [f"{short.get(a, a)} · {short.get(b, b)}" for a, b in zip(rows["a"], rows["b"], strict=True)]
    drawn = rows.assign(name=names, part="", value=rows["tau"]).astype({"value": float, "lo": float, "hi": float})
    figure = explain_charts.dots(drawn, "Kendall's tau-b, 1: the same order", {"": theme.POSITIVE}, [(0.0, "")], ".2f")
    downloads.show(figure, key="explain_agreement")
    same = study[1].get("same", []) if study else []
    also = (
        f" {escape_markdown(', '.join(same))} gives the same as the mean in this scale and is left out." if same else ""
    )
    st.caption(
        f"Likeness of the orders of bands under two replacements, {escape_markdown(theme.head_title(head))}, "
        f"n = {int(rows['n'].iloc[0]):,} landslides, 95 % interval of resampled groups.{also}"
    )
    downloads.download(rows, f"{run.name}_agreement_{head}", "Agreement (CSV)")


# ------------------------------------------------------------------------------------------------- the study


def _offer(run: RunFolder) -> None:
    if analyses.follow(run, "occlusion"):
        return
    with st.container(border=True):
        st.markdown(
            "This run knows two replacements of single bands. The study adds zero as in paper A's Figure 7, shuffled "
            "pixels and swaps with another patch, groups with exact Shapley shares, windows, and what it all supports."
        )
        _form(run)


def _again(run: RunFolder, report: dict) -> None:
    running = analyses.follow(run, "occlusion")
    made = (
        f"Computed in {formatting.duration(report['seconds'])}, {report['n']:,} patches, replaced {report['replaced']}."
    )
    st.caption(made)
    if not running and st.toggle("Compute it again with other settings", key="explain_study_more"):
        with st.container(border=True):
            _form(run)


def _form(run: RunFolder) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patches = st.selectbox("Patches", list(WHICH), format_func=WHICH.get, key="explain_study_patches", width=280)
        baselines: Sequence[str] = st.multiselect(
            "Replacements", list(BASELINES), default=list(BASELINES), key="explain_study_baselines", width=420
        )
        spatial = st.number_input("Patches with windows", 0, 500, 20, 5, key="explain_study_spatial", width=160)
        busy = analyses.under_way(run, "occlusion") or not baselines
        if st.button("Run the study", type="primary", icon=":material/layers:", key="explain_study_go", disabled=busy):
            options = {"patches": patches, "baselines": list(baselines), "spatial": int(spatial)}
            analyses.begin(run, "occlusion", options)
