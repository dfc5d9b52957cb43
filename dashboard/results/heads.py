"""Every head of a run on the same folds: training F1, out-of-fold F1, the gap; further heads; the simple baselines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.heads import ANALYSIS, read
from core.evaluate.prevalence import with_intervals
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.charts import intervals
from dashboard.jobs import analyses
from dashboard.patches import outcomes
from dashboard.results import charts, tables
from dashboard.results.curves import curves_view
from dashboard.results.predictions import Predictions
from dashboard.results.trainings import heads as over_trainings
from dashboard.results.trainings.known import ONCE
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.guards import or_stop

PAIRED = {"f1": "F1", "auc": "AUC"}  # metrics whose difference to the baselines has an interval
AGAIN = (
    "Over trainings, each training's two heads are compared with each other: the interval over trainings is Student's "
    "t of those differences, that over patches resamples whole groups. What survives both is settled."
)


def heads_view(
    run: RunFolder,
    summary: dict,
    predictions: Predictions,
    oof: pd.DataFrame,
    trainings: Sequence[RunFolder] = (),
) -> None:
    """The view: every head first, then the baselines, curves, and how to fit further heads.

    trainings: of the run's recipe, the run first; of two or more, what training again would keep is said too.
    """
    compared = or_stop(read, run)
    rows = compared.rows if compared else rows_of(summary)
    table = over_trainings.with_spread(head_rows(rows, summary), trainings, tuple(summary["heads"]))
    if predictions.prevalence is not None:
        table = at_prevalence(table, oof, predictions.prevalence)
    st.markdown(f"**{sentence(summary)}**")
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        metric = _compared(rows, summary, trainings)
    with grid.cell():
        _baselines(summary, trainings, metric if metric in PAIRED else "f1")
    downloads.table(shown(table), hide_index=True, width="stretch", height="content")
    for note in compared.notes if compared else []:
        st.info(escape_markdown(note), icon=":material/info:")
    left_out = compared.left_out if compared else summary.get("left_out") or {}
    for name, reason in left_out.items():
        st.caption(f"{escape_markdown(theme.head_title(name))} is not available: {escape_markdown(reason)}")
    curves_view(predictions, oof, summary)
    _further_heads(run, compared is not None)
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            "Gap: F1 on training patches minus out-of-fold F1. A training F1 near 1 means that a head has memorised "
            "its training patches; it says nothing about new ones. Heads on band statistics need no network. "
            "Differences are paired: both heads on the same bootstrap samples; grey: the interval includes 0. "
            + (AGAIN if len(trainings) > 1 else ONCE)
        )
        downloads.download(table, f"{run.name}_heads", "Heads (CSV)")
        rows = pd.DataFrame(tables.differences(summary), columns=["difference", "value", "lo", "hi"])
        downloads.download(rows, f"{summary['run']}_baselines", "Differences (CSV)")


def _compared(rows: list[dict], summary: dict, trainings: Sequence[RunFolder]) -> str:
    """Every head by one metric, which is returned; by F1 beside what it reaches on its training patches."""
    titles = {"f1": "F1", "auc": "AUC", "recall": "Recall", "precision": "Precision"}
    metric = url_state.choose(
        st.segmented_control, "Metric", list(titles), key="results_metric", default="f1", required=True,
        format_func=titles.get, label_visibility="collapsed",
    )  # fmt: skip
    again = over_trainings.others_by_title(trainings, tuple(summary["heads"]), metric)
    if metric == "f1":
        figure, words = (
            charts.gaps(rows, tuple(summary["heads"]), again),
            "Filled: unseen patches; open: training patches. Grey: no network.",
        )
    else:
        figure, words = intervals.heads_comparison(summary["heads"], metric, again), "Diamonds: no network."
    if len(trainings) > 1:
        words += f" Ticks: the other trainings ({len(trainings) - 1})."
    downloads.show(figure, key="results_heads")
    st.caption(f"{words} {_basis(summary)}")
    if said := over_trainings.to_best_other(trainings, summary):
        st.markdown(said)
    return metric


def sentence(summary: dict) -> str:
    """The head with the best F1 and how the headline compares, in Markdown."""
    known = {name: facts for name, facts in summary["heads"].items() if facts.get("f1") is not None}
    if not known:
        return "F1 is undefined for every head here."
    best = max(known, key=lambda name: known[name]["f1"])
    words = f"Highest F1: {_named(best)}, {number(known[best]['f1'])}."
    head = summary["head"]
    if best == head or head not in known:
        return words
    return f"{words} The run's own head, {_named(head)}, has {number(known[head]['f1'])}."


def _named(head: str) -> str:
    return escape_markdown(theme.head_title(head))


def _basis(summary: dict) -> str:
    return (
        f"n = {summary['oof']['n']:,} patches, out of fold, positive class {escape_markdown(summary['positive'])}; 95% "
        f"bootstrap intervals, {'groups kept together' if summary.get('grouped') else 'patches resampled'}."
    )


def rows_of(summary: dict) -> list[dict]:
    """Rows of a comparison from the summary alone, without training F1."""
    nothing = {"f1": None, "interval": None}
    return [
        {"head": name, "refitted": False, "train": nothing, "gap": nothing,
         "oof": facts | {"interval": facts.get("intervals", {}).get("f1")}}
        for name, facts in summary["heads"].items()
    ]  # fmt: skip


def head_rows(rows: list[dict], summary: dict) -> pd.DataFrame:
    """One row per head for people, the best out of fold first."""
    lines = []
    for row in rows:
        train, unseen, lost = row["train"], row["oof"], row["gap"]
        gamma = sorted({round(value, 6) for value in row.get("gamma", [])})
        line = {
            "Head": theme.head_title(row["head"]) + (", added later" if row["refitted"] else ""),
            "Train F1": train["f1"], "Train F1, 95%": interval(train["interval"]),
            "Out-of-fold F1": unseen["f1"], "Out-of-fold F1, 95%": interval(unseen["interval"]),
            "Gap": lost["f1"], "Gap, 95%": interval(lost["interval"]),
        }  # fmt: skip
        line |= {title: unseen.get(key) for key, title in tables.HEAD_COLUMNS.items()}
        line["Gamma, by fold"] = "–".join(f"{value:g}" for value in dict.fromkeys(gamma[:1] + gamma[-1:]))
        lines.append(line)
    table = pd.DataFrame(lines)
    table = table.drop(columns=[name for name in table if _empty(table[name])])
    return table.assign(_by=pd.to_numeric(table["Out-of-fold F1"])).sort_values(
        "_by", ascending=False, na_position="last", kind="stable"
    ).drop(columns="_by").round(3)  # fmt: skip


def at_prevalence(table: pd.DataFrame, oof: pd.DataFrame, share: float) -> pd.DataFrame:
    """The table with each head's precision and alarms at this share of landslides, out of fold, with intervals."""
    precision, alarms = {}, {}
    for head in outcomes.heads_of(oof):
        found = _there(oof["label"].to_numpy(np.int8), oof[f"pred_{head}"].to_numpy(np.int8), _groups(oof), share)
        ends, title = found["intervals"], theme.head_title(head)
        precision[title] = f"{number(found['precision'])} ({interval(ends['precision'])})"
        alarms[title] = f"{found['alarms_per_1000']:.0f} ({interval(ends['alarms_per_1000'], 0)})"
    where = f"at {1000 * share:.3g} per 1,000"
    return table.assign(**{
        f"Precision {where}": table["Head"].map(precision).fillna(""),
        f"Alarms per 1,000 {where}": table["Head"].map(alarms).fillna(""),
    })  # fmt: skip


def _groups(oof: pd.DataFrame) -> np.ndarray | None:
    groups = oof["group"].astype(str).to_numpy() if "group" in oof else None
    return None if groups is None or (groups == "").any() else groups


@st.cache_data(max_entries=64, show_spinner=False)
def _there(labels: np.ndarray, pred: np.ndarray, groups: np.ndarray | None, share: float) -> dict:
    return with_intervals(labels, pred, share, groups)


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text, three digits, blank where unknown."""
    texts = table.copy()
    for name in texts:
        if pd.api.types.is_numeric_dtype(texts[name]) or texts[name].map(lambda v: isinstance(v, float)).any():
            texts[name] = [number(v) if pd.notna(v) else "" for v in texts[name]]
    return texts


def _empty(column: pd.Series) -> bool:
    return column.isna().all() or bool((column == "").all())


# -------------------------------------------------------------------------------------------------- further heads


def _further_heads(run: RunFolder, has_table: bool) -> None:
    st.header("Further heads", anchor=False)
    if analyses.follow(run, ANALYSIS.name):
        return
    if not has_table:
        st.markdown(
            "**Training F1 is not known yet.** This fits the heads of the paper's Table 3 on the run's stored "
            "embeddings, fold by fold, and compares every head on training and unseen patches. The network is not "
            "retrained."
        )
    with st.container(border=True):
        analyses.options_form(run, ANALYSIS.name, "Compare heads")


# ----------------------------------------------------------------------------------------------------- baselines


def _baselines(summary: dict, trainings: Sequence[RunFolder], metric: str) -> None:
    rows = tables.differences(summary, (metric,))
    if rows:
        title = PAIRED[metric]
        st.markdown(f"**{_named(summary['head'])} minus band statistics, {title}**")
        downloads.show(intervals.differences(rows, f"Difference of {title}"), key="results_diff")
        st.caption("With 95% intervals over patches. Grey: the interval includes 0.")
        for words in over_trainings.to_baselines(trainings, summary):
            st.markdown(words)
