"""A run on another labelled dataset: training, validation and test side by side, and the shift between the data.

Comes in: a finished run and what it said of other datasets (``core.predict.external``), which is kept in its folder. A
new evaluation is begun here and goes on in the background.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluate.metrics import METRIC_NAMES
from core.runs.store import RunFolder
from dashboard import state
from dashboard.charts import scores
from dashboard.jobs import analyses
from dashboard.results import charts as score_charts
from dashboard.results import interpretation
from dashboard.results.metrics import TITLES
from dashboard.ui import downloads, empty_states
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.guards import or_stop

SHIFTED = 0.5  # standard deviations, as core.evaluate.comparison.shift
DRAWN = ("f1", "accuracy", "precision", "recall", "specificity", "auc")


def elsewhere_view(run: RunFolder, summary: dict) -> None:
    """The view."""
    _begin(run)
    known = or_stop(run.evaluations)
    if not known:
        st.info(
            "This run has not met another dataset yet. How it does on a place, a season or a sensor that it has not "
            "seen tells more than any fold: choose a labelled dataset above.", icon=":material/travel_explore:",
        )  # fmt: skip
        return
    newest = sorted(known, key=lambda name: str(known[name].get("made", "")), reverse=True)
    name = st.selectbox(
        "Evaluated on", newest, key="elsewhere_shown", width=320,
        format_func=lambda key: str(known[key].get("dataset_name", key)),
    )  # fmt: skip
    show(run, known[name], name, summary)


def show(run: RunFolder, value: dict, name: str, summary: dict) -> None:
    """One evaluation."""
    positive = str(value.get("positive") or summary["positive"])
    st.markdown(
        f"**On {escape_markdown(value.get('dataset_name', name))}**: {interpretation.in_words(value, positive)}"
    )
    if value.get("notes"):
        words = "\n".join(f"- {escape_markdown(note)}" for note in value["notes"])
        (st.warning if value.get("n_known") else st.info)(words)
    table = sets_table(value)
    drawn = table[table["metric"].isin(DRAWN)]
    drawn = drawn.assign(title=drawn["title"].str.partition(" (")[0])
    grid = st.grid(2, min_column_width=400, gap="medium")
    with grid.cell():
        downloads.show(score_charts.sets(drawn), key="elsewhere_sets")
    with grid.cell():
        figure = scores.confusion_matrix(value["confusion"], (summary["class_names"][0], positive))
        downloads.show(figure, key="elsewhere_confusion")
    st.dataframe(side_by_side(value), hide_index=True, width="stretch", height="content")
    st.caption(
        f"Test: {escape_markdown(value.get('dataset_name', name))}, n = {value['n']:,} labelled patches, the mean of all "
        f"folds' networks at the threshold {number(value.get('threshold'))} learnt from the run's own patches. "
        "Validation: out of fold. Train: the folds' networks on their own training patches, the mean "
        "of the folds, real patches only. Intervals: 95 % bootstrap, groups kept together where there are any."
    )
    with st.container(horizontal=True):
        downloads.download(table, f"{run.name}_{name}_sets", "Sets side by side (CSV)")
        downloads.download(lambda: run.evaluated(name), f"{run.name}_{name}_patches", "Every test patch (CSV)")
    _shift(run, value, name)


def sets_table(value: dict) -> pd.DataFrame:
    """A row a set and metric: set, metric, title, value, lo, hi, n; nan where undefined."""
    rows = []
    bounds = value.get("set_intervals", {})
    for name, found in value.get("sets", {}).items():
        for metric in METRIC_NAMES if found else ():
            low, high = (bounds.get(name) or {}).get(metric) or (None, None)
            row = {"value": found.get(metric), "lo": low, "hi": high, "n": found.get("n")}
            rows.append({"set": name, "metric": metric, "title": TITLES[metric]} | {k: _nan(v) for k, v in row.items()})
    return pd.DataFrame(rows, columns=["set", "metric", "title", "value", "lo", "hi", "n"])


def side_by_side(value: dict) -> pd.DataFrame:
    """As in Table IV of paper B: a row a metric, a column a set."""
    sets, bounds = value.get("sets", {}), value.get("set_intervals", {})
    columns: dict[str, list[str]] = {"Metric": [TITLES[name] for name in METRIC_NAMES]}
    for name, found in sets.items():
        title = {"train": "Training", "validation": "Validation", "test": "Test"}.get(name, name)
        if not found:
            columns[title] = ["not known"] * len(METRIC_NAMES)
            continue
        cells = []
        for metric in METRIC_NAMES:
            words = interval((bounds.get(name) or {}).get(metric))
            cells.append(number(found.get(metric)) + (f" ({words})" if words else ""))
        columns[f"{title}, n = {found.get('n', 0):,.0f}"] = cells
    return pd.DataFrame(columns)


def _nan(value: object) -> float:
    return np.nan if value is None else float(value)


def _shift(run: RunFolder, value: dict, name: str) -> None:
    shift = value.get("shift") or {}
    bands, embedding = pd.DataFrame(shift.get("bands") or []), shift.get("embedding")
    st.subheader("How far the data lie apart", anchor=False)
    if embedding:
        st.markdown(embedding_words(embedding))
    if not len(bands):
        st.caption("The bands cannot be compared: the run's own dataset is not there, or has changed.")
        return
    bands["smd"] = pd.to_numeric(bands["smd"], errors="coerce")
    far = bands[bands["smd"].abs() >= SHIFTED]
    st.markdown(
        f"{len(far)} of {len(bands)} bands have a mean that lies {SHIFTED} standard deviations or more away"
        + (": " + ", ".join(escape_markdown(band) for band in far["band"]) if len(far) else "")
        + "."
    )
    downloads.show(score_charts.band_shifts(bands, SHIFTED), key="elsewhere_bands")
    st.caption("Mean of each patch, at most 500 patches of each set. A shift explains a fall; it does not prove it.")
    downloads.download(bands, f"{run.name}_{name}_shift", "Shift by band (CSV)")


def embedding_words(embedding: dict) -> str:
    """The distance in the network's eyes, in Markdown."""
    p, apart = _nan(embedding.get("p")), number(embedding.get("separability"), 2)
    if not p < 0.05:
        return f"In the network's eyes the two sets cannot be told apart (p {number(p, 2)})."
    return (
        f"In the network's eyes the two sets differ: a linear classifier on the embedding tells them apart with AUC "
        f"**{apart}** (0.5: not at all, 1: wholly; p {number(p)})."
    )


# ---------------------------------------------------------------------------------------------------- a new one


def _begin(run: RunFolder) -> None:
    if analyses.follow(run, "evaluate"):
        return
    choice = state.choice()
    others = [name for name in choice.datasets if name != choice.dataset]
    if not others:
        st.info("There is no other dataset here. Import one on the Dataset page; it needs labels and the run's bands.")
        if st.button("Import a dataset", icon=":material/drive_folder_upload:", key="elsewhere_import"):
            empty_states.open_import()
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Another dataset", others, key="elsewhere_dataset", width=320)
        if st.button("Evaluate on it", type="primary", icon=":material/play_arrow:", key="elsewhere_go"):
            analyses.begin(run, "evaluate", {"dataset": str(choice.datasets[name])})
