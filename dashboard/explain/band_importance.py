"""Which bands the model needs: drops by band with intervals, ranks, groups with Shapley shares, outcomes and slices.

The figures come from the band importance analysis or, before it was done, from the two replacements that every run
computes.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.bands import importance
from core.analyses.bands.importance import BandImportance
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.bands.tables import baseline_agreement, groups_by_id
from core.explain.bands.verdict import band_verdict
from core.runs.store import RunFolder
from core.text import duration
from dashboard import theme
from dashboard.charts import base, intervals
from dashboard.explain import badges, band_importance_slices, tables
from dashboard.explain import charts as explain_charts
from dashboard.explain.band_rows import band_rows
from dashboard.jobs import analyses
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head

NAME = importance.ANALYSIS.name
MEASURES = {"drop": "True drop: p before − p after", "paper": "As in paper A: 1 − p after"}
FIRST = {"spatial": 20}  # what the form holds at first, other than the defaults: windows make a picture


def every_patch(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The figures of the whole run; the ids whose windows are shown."""
    measured = or_stop(importance.read, run)
    table = measured.tables["bands"] if measured else or_stop(run.occlusion)
    heads, baselines = (list(dict.fromkeys(table[column].astype(str))) for column in ("head", "baseline"))
    if measured is None:
        _offer(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        head = chosen_head(heads, summary)
        baseline = st.selectbox(
            "Band replaced by", baselines, format_func=lambda name: BASELINES.get(name, name), key="explain_baseline",
            width=330,
        )  # fmt: skip
        measure = st.selectbox(
            "Measured by", list(MEASURES), format_func=MEASURES.get, key="explain_measure", width=250
        )
    _supports(run, summary, oof, measured, head)
    try:
        rows = tables.titled(band_rows(run, head, baseline), data.bands)
    except LandslideLensError as error:
        st.info(escape_markdown(error), icon=":material/info:")
        return []
    basis = basis_of(summary, head, baseline, rows, groups_by_id(oof) is not None)
    _bands(data, run, rows, measure, basis, f"{head}_{baseline}")
    _groups(run, head, baseline, basis)
    _agreement(run, oof, measured, table, head)
    band_importance_slices.by_part(data, run, summary, oof, head, baseline)
    shown = band_importance_slices.windows(data, measured) if measured else []
    if measured is not None:
        _again(run, measured.report)
    return shown


def basis_of(summary: dict, head: str, baseline: str, rows: pd.DataFrame, grouped: bool) -> str:
    """Which patches, head, replacement and interval a figure rests on."""
    kind = f", groups kept together ({int(rows['n_groups'].iloc[0]):,})" if grouped else ""
    return (
        f"{int(rows['n'].iloc[0]):,} patches labelled {escape_markdown(summary['positive'])}, out of fold over "
        f"{len(summary['folds'])} folds: each by a network that was not trained on it. "
        f"{escape_markdown(theme.head_title(head))}; the band is replaced by "
        f"{escape_markdown(BASELINES.get(baseline, baseline))}. 95% interval{kind}."
    )


def _bands(data: Dataset, run: RunFolder, rows: pd.DataFrame, measure: str, basis: str, name: str) -> None:
    words = f"Mean drop of the probability of {base.escape_html(data.positive)}"
    drawn = rows.rename(columns={"drop_mean": "drop"})
    if measure == "paper":
        words = f"Mean of 1 − probability of {base.escape_html(data.positive)} after"
        drawn = rows.drop(columns=["lo", "hi"]).rename(
            columns={"paper_mean": "drop", "paper_lo": "lo", "paper_hi": "hi"}
        )
    grid = st.grid(2, min_column_width=360, gap="medium")
    with grid.cell():
        st.markdown("**Without each band**")
        downloads.show(intervals.occlusion_bars(drawn, words), key=f"explain_occlusion_{measure}")
    with grid.cell():
        st.markdown("**How certain is the order?**")
        if rows["rank_lo"].notna().all():
            downloads.show(explain_charts.ranks(rows), key="explain_ranks")
        else:
            st.markdown("There are too few groups of patches to resample.")
    above = f"{int((rows['lo'] > 0).sum())} of {len(rows)} intervals of the true drop lie above 0."
    st.caption(f"{basis} {above}")
    text = (
        "A long bar means that this model relies on the band for these patches. It does not mean that the others are "
        "useless: bands with the same information stand in for each other, and another replacement gives other bars."
    )
    if measure == "paper":
        text += (
            " Paper A takes the probability before to be 1, so a model that is unsure of every landslide gives long "
            f"bars for every band; the sums over the patches range from {rows['paper_sum'].min():.1f} to "
            f"{rows['paper_sum'].max():.1f}."
        )
    st.markdown(text)
    downloads.download(rows, f"{run.name}_occlusion_{name}", "Bands (CSV)")


def _supports(run: RunFolder, summary: dict, oof: pd.DataFrame, measured: BandImportance | None, head: str) -> None:
    """What the figures support: yes, no, undecided."""
    verdict = measured.report["verdicts"].get(head) if measured else _verdict_of(run, oof, summary["positive"], head)
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


def _groups(run: RunFolder, head: str, baseline: str, basis: str) -> None:
    st.subheader("Groups of bands", anchor=False)
    try:
        rows = band_rows(run, head, baseline, "group")
    except LandslideLensError:
        known = _group_baselines(run)
        has = f"Groups were computed for: {escape_markdown(', '.join(known))}. " if known else ""
        st.markdown(f"{has}Measure band importance to get groups under every replacement.")
        return
    grid = st.grid(2, min_column_width=360, gap="medium")
    with grid.cell():
        st.markdown("**Contribution of each band group** (Shapley values)")
        downloads.show(explain_charts.shapley_bars(rows, "Mean share of the drop without any band"), key="explain_owed")
    with grid.cell():
        st.markdown("**Without this group alone**")
        alone = rows.assign(shapley=rows["without"], lo=rows["without_lo"], hi=rows["without_hi"])
        downloads.show(explain_charts.shapley_bars(alone, "Mean drop of the probability"), key="explain_without")
    one = rows.iloc[0]
    members = "; ".join(f"{explain_charts.capital(row.group)}: {row.bands}" for row in rows.itertuples())
    st.caption(
        f"{escape_markdown(members)}. The shares add up to {rows['shapley'].sum():+.3f}, the mean drop without any "
        f"band ({formatting.interval((one['total_lo'], one['total_hi']))}); exact, over all {2 ** len(rows):,} subsets "
        f"of groups. {basis}"
    )
    downloads.download(rows, f"{run.name}_groups_{head}_{baseline}", "Groups (CSV)")


def _group_baselines(run: RunFolder) -> list[str]:
    try:
        return list(dict.fromkeys(importance.group_drops(run)["baseline"].astype(str)))
    except LandslideLensError:
        return []


def _agreement(
    run: RunFolder, oof: pd.DataFrame, measured: BandImportance | None, table: pd.DataFrame, head: str
) -> None:
    known = measured.report["agreement"].get(head) if measured else None
    rows = pd.DataFrame(known) if known else baseline_agreement(table, head, groups_by_id(oof))
    if rows.empty or len(table["band"].unique()) < 3:
        return
    st.subheader("Does the order depend on what replaces a band?", anchor=False)
    short = {"zero_raw": "raw zero", "zero": "normalised zero"}
    names = [f"{short.get(a, a)} · {short.get(b, b)}" for a, b in zip(rows["a"], rows["b"], strict=True)]
    drawn = rows.assign(name=names, part="", value=rows["tau"]).astype({"value": float, "lo": float, "hi": float})
    figure = explain_charts.dots(drawn, "Kendall's tau-b, 1: the same order", {"": theme.POSITIVE}, [(0.0, "")], ".2f")
    downloads.show(figure, key="explain_agreement")
    same = measured.report.get("same", []) if measured else []
    also = f" {escape_markdown(', '.join(same))} equals the mean in this scale and is left out." if same else ""
    st.caption(
        f"Similarity of the orders of bands under two replacements, {escape_markdown(theme.head_title(head))}, "
        f"n = {int(rows['n'].iloc[0]):,} landslides, 95% interval, groups kept together.{also}"
    )
    downloads.download(rows, f"{run.name}_agreement_{head}", "Agreement (CSV)")


# ---------------------------------------------------------------------------------------------- the analysis


def _offer(run: RunFolder) -> None:
    if analyses.follow(run, NAME):
        return
    with st.container(border=True):
        st.markdown(
            "This run knows two replacements of single bands. Measuring band importance adds the others (zero as in "
            "paper A's Figure 7, shuffled pixels, another patch's band), groups with exact Shapley shares, windows, "
            "and what all of it supports."
        )
        _form(run)


def _again(run: RunFolder, report: dict) -> None:
    active = analyses.follow(run, NAME)
    st.caption(f"Computed in {duration(report['seconds'])}, {report['n']:,} patches, replaced {report['replaced']}.")
    if not active and st.toggle("Measure again with other settings", key="explain_bands_more"):
        with st.container(border=True):
            _form(run)


def _form(run: RunFolder) -> None:
    analyses.options_form(run, NAME, "Measure band importance", FIRST, hidden=("seed",), key="explain_bands")
