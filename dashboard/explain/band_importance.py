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
from dashboard import theme, url_state
from dashboard.charts import intervals
from dashboard.explain import badges, band_importance_slices, band_words, tables
from dashboard.explain import charts as explain_charts
from dashboard.explain.band_rows import band_rows
from dashboard.jobs import analyses
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head

NAME = importance.ANALYSIS.name
MEASURES = {"drop": "Score before − score after", "paper": "As in paper A: 1 − score after"}
ORDERS = {"size": "By size", "sensor": "By sensor"}
FIRST = {"spatial": 20}  # what the form holds at first, other than the defaults: windows make a picture


def every_patch(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The figures of the whole run; the ids whose windows are shown."""
    measured = or_stop(importance.read, run)
    table = measured.tables["bands"] if measured else or_stop(run.occlusion)
    heads, baselines = (list(dict.fromkeys(table[column].astype(str))) for column in ("head", "baseline"))
    above = st.container(gap="small")
    head = chosen_head(heads, summary)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        order = order_picker("explain_bands_order")
        with st.popover("Replacement", icon=":material/tune:", key="explain_bands_more"):
            baseline = url_state.choose(
                st.selectbox, "A removed band is replaced by", baselines, key="explain_baseline", default=baselines[0],
                format_func=lambda name: BASELINES.get(name, name),
            )  # fmt: skip
            measure = url_state.choose(
                st.selectbox, "Loss", list(MEASURES), key="explain_measure", default="drop", format_func=MEASURES.get
            )
    try:
        rows = tables.titled(band_rows(run, head, baseline), data.bands)
    except LandslideLensError as error:
        st.info(escape_markdown(error), icon=":material/info:")
        return []
    basis = basis_of(summary, head, baseline, rows, groups_by_id(oof) is not None)
    with above:
        st.markdown(f"{band_words.verdict(rows)} {band_words.order_words(rows)}")
        verdict = _verdict(run, summary, oof, measured, head)
    _bands(rows, measure, order)
    st.caption(
        f"Score: probability of {escape_markdown(data.positive)}, 0 to 1. {basis} A short bar does not mean that "
        "a band is useless: bands with the same information stand in for each other."
    )
    downloads.download(rows, f"{run.name}_occlusion_{head}_{baseline}", "Bands (CSV)")
    if measured is None:
        _offer(run)
    _groups(run, head, baseline, order)
    _certainty(run, oof, measured, table, head, rows)
    band_importance_slices.by_part(data, run, summary, oof, head, baseline)
    shown = band_importance_slices.windows(data, measured) if measured else []
    _method(rows, measure, baseline, verdict)
    if measured is not None:
        _again(run, measured.report)
    return shown


def order_picker(key: str) -> str:
    """Whether bars stand by their size or in the order of the bands."""
    return url_state.choose(
        st.segmented_control, "Order", list(ORDERS), key=key, default="size", required=True, format_func=ORDERS.get,
        label_visibility="collapsed", width="content",
    )  # fmt: skip


def basis_of(summary: dict, head: str, baseline: str, rows: pd.DataFrame, grouped: bool) -> str:
    """Which patches, head, replacement and interval a figure rests on."""
    kind = f", groups kept together ({int(rows['n_groups'].iloc[0]):,})" if grouped else ""
    return (
        f"{escape_markdown(theme.head_title(head))}, {int(rows['n'].iloc[0]):,} patches labelled "
        f"{escape_markdown(summary['positive'])}, out of fold over {len(summary['folds'])} folds. Removed: replaced by "
        f"{escape_markdown(BASELINES.get(baseline, baseline))}. Whiskers: 95% interval{kind}."
    )


def _bands(rows: pd.DataFrame, measure: str, order: str) -> None:
    words = "Score lost when the band is removed"
    drawn = rows.rename(columns={"drop_mean": "drop"})
    if measure == "paper":
        words = "1 − score when the band is removed"
        drawn = rows.drop(columns=["lo", "hi"]).rename(
            columns={"paper_mean": "drop", "paper_lo": "lo", "paper_hi": "hi"}
        )
    if order == "size":
        drawn = drawn.sort_values("drop", ascending=False, kind="stable")
    downloads.show(intervals.occlusion_bars(drawn, words), key=f"explain_occlusion_{measure}")


def _method(rows: pd.DataFrame, measure: str, baseline: str, verdict: dict | None) -> None:
    with st.expander("How this was measured"):
        st.markdown(
            "Each patch is scored by a network that was not trained on it, once as it is and once with one band "
            f"replaced by {escape_markdown(BASELINES.get(baseline, baseline))}. The bar is the mean difference: a long "
            "bar means that this model relies on the band for these patches. Another replacement gives other "
            "bars."
        )
        if measure == "paper":
            st.markdown(
                "Paper A takes the probability before to be 1, so a model that is unsure of every landslide gives long "
                f"bars for every band; the sums over the patches range from {rows['paper_sum'].min():.1f} to "
                f"{rows['paper_sum'].max():.1f}."
            )
        if verdict is not None:
            st.markdown(escape_markdown(verdict["supports"]))
            st.markdown(escape_markdown(verdict["limits"]))


def _verdict(
    run: RunFolder, summary: dict, oof: pd.DataFrame, measured: BandImportance | None, head: str
) -> dict | None:
    """Whether one sensor matters more than the other, as a badge; nothing where the run has only one."""
    verdict = measured.report["verdicts"].get(head) if measured else _verdict_of(run, oof, summary["positive"], head)
    if verdict is not None and verdict["answer"] != "cannot be asked":
        colour, icon = badges.ANSWER_LOOKS[verdict["answer"]]
        st.badge(f"{escape_markdown(verdict['question'])} {verdict['answer'].capitalize()}", icon=icon, color=colour)
    return verdict


def _verdict_of(run: RunFolder, oof: pd.DataFrame, positive: str, head: str) -> dict | None:
    """From the shares that a run computes by itself; None in runs of earlier versions, or without a landslide."""
    try:
        return band_verdict(run.band_groups(), head, groups_by_id(oof), positive=positive).to_dict()
    except (LandslideLensError, KeyError, IndexError):
        return None


def _groups(run: RunFolder, head: str, baseline: str, order: str) -> None:
    st.header("Groups of bands", anchor=False)
    try:
        rows = band_rows(run, head, baseline, "group")
    except LandslideLensError:
        known = _group_baselines(run)
        has = f"Groups were computed for: {escape_markdown(', '.join(known))}. " if known else ""
        st.markdown(f"{has}Measure band importance to get groups under every replacement.")
        return
    first = rows.loc[rows["shapley"].idxmax()]
    st.markdown(band_words.group_verdict(rows))
    drawn = rows.sort_values("shapley", ascending=False, kind="stable") if order == "size" else rows
    grid = st.grid(2, min_column_width=300, gap="medium")
    with grid.cell():
        st.markdown("**Contribution of each band group** (Shapley values)")
        downloads.show(explain_charts.shapley_bars(drawn, "Share of the score lost"), key="explain_owed")
    with grid.cell():
        st.markdown("**Without this group alone**")
        alone = drawn.assign(shapley=drawn["without"], lo=drawn["without_lo"], hi=drawn["without_hi"])
        downloads.show(
            explain_charts.shapley_bars(alone, "Score lost when the group is removed"), key="explain_without"
        )
    members = "; ".join(f"{explain_charts.capital(row.group)}: {row.bands}" for row in rows.itertuples())
    total = formatting.interval((first["total_lo"], first["total_hi"]))
    st.caption(
        f"{escape_markdown(members)}. The shares add up to {formatting.difference(rows['shapley'].sum())} ({total}), "
        f"the mean loss without any band; exact, over all {2 ** len(rows):,} subsets of groups."
    )
    downloads.download(rows, f"{run.name}_groups_{head}_{baseline}", "Groups (CSV)")


def _group_baselines(run: RunFolder) -> list[str]:
    try:
        return list(dict.fromkeys(importance.group_drops(run)["baseline"].astype(str)))
    except LandslideLensError:
        return []


def _certainty(
    run: RunFolder, oof: pd.DataFrame, measured: BandImportance | None, table: pd.DataFrame, head: str,
    rows: pd.DataFrame,
) -> None:  # fmt: skip
    """How certain the order of the bands is: over patches, and over what replaces a band."""
    st.header("How certain is the order?", anchor=False)
    grid = st.grid(2, min_column_width=300, gap="medium")
    with grid.cell():
        st.markdown("**Over patches**")
        if rows["rank_lo"].notna().all():
            ordered = rows.sort_values("drop_mean", ascending=False, kind="stable")
            downloads.show(explain_charts.ranks(ordered), key="explain_ranks")
        else:
            st.markdown("There are too few groups of patches to resample.")
    with grid.cell():
        _agreement(run, oof, measured, table, head)


def _agreement(
    run: RunFolder, oof: pd.DataFrame, measured: BandImportance | None, table: pd.DataFrame, head: str
) -> None:
    known = measured.report["agreement"].get(head) if measured else None
    rows = pd.DataFrame(known) if known else baseline_agreement(table, head, groups_by_id(oof))
    if rows.empty or len(table["band"].unique()) < 3:
        return
    st.markdown("**Over replacements**")
    short = {"zero_raw": "raw zero", "zero": "normalised zero"}
    names = [f"{short.get(a, a)} · {short.get(b, b)}" for a, b in zip(rows["a"], rows["b"], strict=True)]
    drawn = rows.assign(name=names, part="", value=rows["tau"]).astype({"value": float, "lo": float, "hi": float})
    figure = explain_charts.dots(drawn, "Kendall's tau-b, 1: the same order", {"": theme.POSITIVE}, [(0.0, "")], ".2f")
    downloads.show(figure, key="explain_agreement")
    same = measured.report.get("same", []) if measured else []
    also = f" {escape_markdown(', '.join(same))} equals the mean in this scale and is left out." if same else ""
    st.caption(
        f"How alike the orders of bands are under two replacements; n = {int(rows['n'].iloc[0]):,} landslides, 95% "
        f"interval.{also}"
    )
    downloads.download(rows, f"{run.name}_agreement_{head}", "Agreement (CSV)")


# ---------------------------------------------------------------------------------------------- the analysis


def _offer(run: RunFolder) -> None:
    if analyses.follow(run, NAME):
        return
    with st.expander(
        "Measure band importance: groups, windows, more replacements", icon=":material/stacked_bar_chart:"
    ):
        st.markdown(
            "This run knows two replacements of single bands. Measuring band importance adds the others (zero as in "
            "paper A's Figure 7, shuffled pixels, another patch's band), groups with exact Shapley shares, windows, "
            "and what all of it supports."
        )
        _form(run)


def _again(run: RunFolder, report: dict) -> None:
    active = analyses.follow(run, NAME)
    st.caption(f"Computed in {duration(report['seconds'])}, {report['n']:,} patches, replaced {report['replaced']}.")
    if not active and url_state.toggle("Measure again with other settings", key="explain_bands_again"):
        with st.container(border=True):
            _form(run)


def _form(run: RunFolder) -> None:
    analyses.options_form(run, NAME, "Measure band importance", FIRST, hidden=("seed",), key="explain_bands")
