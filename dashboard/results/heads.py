"""Every head of a run on the same folds: training F1, out-of-fold F1, the gap; Table 3 in one click; the baselines.

Comes in: a finished run. Further heads are fitted on its stored embeddings by a job
(``core.analyses.heads``); no network is touched.
"""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from core.runs.store import RunFolder
from dashboard import theme
from dashboard.charts import intervals
from dashboard.jobs import analyses
from dashboard.results import charts as score_charts
from dashboard.results import tables as tables
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

PAPER_C = "1, 0.75, 0.5, 0.1"


def heads_view(run: RunFolder, summary: dict) -> None:
    """The view."""
    st.subheader("Training patches and unseen ones", anchor=False)
    table3 = run.head_table()
    rows = table3["rows"] if table3 else rows_of(summary)
    grid = st.grid(2, min_column_width=400, gap="medium")
    with grid.cell():
        downloads.show(score_charts.gaps(rows), key="heads_gaps")
    with grid.cell():
        _sweep(run, table3 is not None)
    table = head_rows(rows, summary)
    st.dataframe(shown(table), hide_index=True, width="stretch", height="content")
    for note in (table3 or {}).get("notes", []):
        st.info(escape_markdown(note), icon=":material/info:")
    for name, reason in ((table3 or {}).get("left_out") or summary.get("left_out") or {}).items():
        st.caption(f"{escape_markdown(theme.head_title(name))} is left out: {escape_markdown(reason)}")
    st.caption(
        f"n = {summary['oof']['n']:,} patches, {escape_markdown(summary['positive'])} the positive class; 95 % bootstrap "
        "intervals, groups kept together. Gap: F1 on training patches minus F1 out of fold. A training F1 near 1 says "
        "that a head has learnt its patches by heart, nothing of new ones. Band statistics see no network."
    )
    downloads.download(table, f"{run.name}_heads", "Heads (CSV)")
    _place(summary)


def rows_of(summary: dict) -> list[dict]:
    """Rows as ``heads.json`` has them, from the summary alone: training F1 is not known."""
    nothing = {"f1": None, "interval": None}
    return [
        {"head": name, "refitted": False, "train": nothing, "gap": nothing,
         "oof": facts | {"interval": facts.get("intervals", {}).get("f1")}}
        for name, facts in summary["heads"].items()
    ]  # fmt: skip


def head_rows(rows: list[dict], summary: dict) -> pd.DataFrame:
    """A row a head for people, the best out of fold first."""
    lines = []
    for row in rows:
        train, unseen, lost = row["train"], row["oof"], row["gap"]
        gamma = sorted({round(value, 6) for value in row.get("gamma", [])})
        line = {
            "Head": theme.head_title(row["head"]) + (", fitted here" if row["refitted"] else ""),
            "Train F1": train["f1"], "Train F1, 95 %": interval(train["interval"]),
            "Out-of-fold F1": unseen["f1"], "Out-of-fold F1, 95 %": interval(unseen["interval"]),
            "Gap": lost["f1"], "Gap, 95 %": interval(lost["interval"]),
        }  # fmt: skip
        line |= {title: unseen.get(key) for key, title in tables.HEAD_COLUMNS.items()}
        line["Gamma, by fold"] = " to ".join(f"{value:g}" for value in dict.fromkeys(gamma[:1] + gamma[-1:]))
        lines.append(line)
    table = pd.DataFrame(lines)
    table = table.drop(columns=[name for name in table if _empty(table[name])])
    return table.assign(_by=pd.to_numeric(table["Out-of-fold F1"])).sort_values(
        "_by", ascending=False, na_position="last", kind="stable"
    ).drop(columns="_by").round(3)  # fmt: skip


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text, three digits, what is not known left blank."""
    texts = table.copy()
    for name in texts:
        if pd.api.types.is_numeric_dtype(texts[name]) or texts[name].map(lambda v: isinstance(v, float)).any():
            texts[name] = [number(v) if pd.notna(v) else "" for v in texts[name]]
    return texts


def _empty(column: pd.Series) -> bool:
    return column.isna().all() or bool((column == "").all())


# --------------------------------------------------------------------------------------------------------- sweep


def _sweep(run: RunFolder, has_table: bool) -> None:
    if analyses.follow(run, "heads"):
        return
    if not has_table:
        st.markdown(
            "**The training F1 is not known yet.** Table 3 fits the paper's heads on this run's stored embeddings, "
            "fold by fold, and judges every head on training patches and on unseen ones. The network stays as it is."
        )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            Cs = st.text_input("C of the SVMs", PAPER_C, key="heads_C", width=190)
            gammas = st.text_input(
                "Gamma", "scale", key="heads_gamma", width=140,
                help="scale: 1 / (features x variance), as in scikit-learn. Or numbers.",
            )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            lgbm = st.checkbox("LightGBM", True, key="heads_lgbm")
            logreg = st.checkbox("Logistic regression", True, key="heads_logreg")
        if st.button("Table 3 in one click", type="primary", icon=":material/table_chart:", key="heads_sweep"):
            wanted = {"Cs": numbers(Cs), "gammas": numbers(gammas), "lgbm": lgbm, "logreg": logreg}
            analyses.begin(run, "heads", wanted)


def numbers(text: str) -> tuple[float | str, ...]:
    """What is between commas or spaces: numbers, and words as they are."""
    found: list[float | str] = []
    for part in re.split(r"[\s,;]+", text.strip()):
        try:
            found.append(float(part))
        except ValueError:
            if part:
                found.append(part)
    return tuple(dict.fromkeys(found))


# ----------------------------------------------------------------------------------------------------- baselines


def _place(summary: dict) -> None:
    st.subheader("TabularInputs band statistics, which see no network", anchor=False)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        metric = st.segmented_control(
            "Compared by", ["f1", "auc", "recall", "precision"], default="f1", required=True, key="results_metric",
            format_func={"f1": "F1", "auc": "AUC", "recall": "Recall", "precision": "Precision"}.get,
        )  # fmt: skip
        downloads.show(intervals.heads_comparison(summary["heads"], metric), key="results_heads")
    with grid.cell():
        st.markdown(f"**{escape_markdown(theme.head_title(summary['head']))} minus band statistics**")
        downloads.show(
            intervals.differences(tables.differences(summary), "Difference, with 95 % interval"), key="results_diff"
        )
        st.caption("Paired: both are seen in the same bootstrap samples. Grey: the interval holds 0.")
    rows = pd.DataFrame(tables.differences(summary), columns=["difference", "value", "lo", "hi"])
    downloads.download(rows, f"{summary['run']}_baselines", "Differences (CSV)")
