"""A run on another labelled dataset: training, validation and test side by side, and how far the data differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.external_validation import ANALYSIS, ExternalValidation, read
from core.evaluate.comparison.shift import SHIFTED
from core.evaluate.metrics import METRIC_NAMES
from core.runs.store import RunFolder
from dashboard import allowed, url_state
from dashboard.charts import scores
from dashboard.jobs import analyses
from dashboard.results import charts, interpretation, prevalence
from dashboard.results.locked_test import locked_test_view
from dashboard.results.metrics import TITLES
from dashboard.results.safety.novelty import novelty_view
from dashboard.ui import downloads, other_datasets
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.guards import or_stop

DRAWN = ("f1", "accuracy", "precision", "recall", "specificity", "auc")


WHICH = {"other": "Another dataset", "locked": "Held-back test part", "novelty": "Wrong or foreign data"}


def external_test_view(run: RunFolder, summary: dict) -> None:
    """The view: another labelled dataset, the part of the run's own that was held back, or planted faults."""
    which = url_state.choose(
        st.segmented_control, "Tested on", list(WHICH), key="external_which", default="other", required=True,
        format_func=WHICH.get, label_visibility="collapsed",
    )  # fmt: skip
    if which == "locked":
        locked_test_view(run, summary)
    elif which == "novelty":
        novelty_view(run)
    else:
        external_validation_view(run, summary)


def external_validation_view(run: RunFolder, summary: dict) -> None:
    """Evaluations on other datasets, the newest first, and a new one."""
    evaluations = or_stop(read, run)
    if not evaluations:
        st.markdown(
            "**This run has not been tested on another dataset yet.** Performance at a place, season or sensor that it "
            "has not seen tells more than any fold."
        )
        _evaluate(run)
        return
    newest = sorted(evaluations, key=lambda name: str(evaluations[name].report.get("made", "")), reverse=True)
    name = newest[0]
    if len(newest) > 1:
        name = url_state.choose(
            st.selectbox, "Evaluated on", newest, key="external_shown", default=newest[0], width=320,
            format_func=lambda key: str(evaluations[key].report.get("dataset_name", key)),
        )  # fmt: skip
    show(run, evaluations[name], summary)
    st.header("Test on another dataset", anchor=False)
    _evaluate(run)


def show(run: RunFolder, evaluation: ExternalValidation, summary: dict) -> None:
    """One evaluation."""
    report, name = evaluation.report, evaluation.name
    positive, dataset = str(report.get("positive") or summary["positive"]), report.get("dataset_name", name)
    st.markdown(f"**On {escape_markdown(dataset)}: {interpretation.headline(report, positive)}**")
    if report.get("notes"):
        words = "\n".join(f"- {escape_markdown(note)}" for note in report["notes"])
        (st.warning if report.get("left_out") or report.get("n_known") else st.info)(words)
    if share := report.get("share"):
        prevalence.estimated(run, share, f"external_share_{name}")
    if (known := prevalence.stated(run)) is not None:
        st.markdown(prevalence.of_patches(or_stop(evaluation.patches), known))
    table = sets_table(report)
    drawn = table[table["metric"].isin(DRAWN)]
    drawn = drawn.assign(title=drawn["title"].str.partition(" (")[0])
    grid = st.grid(2, min_column_width=400, gap="medium")
    with grid.cell():
        downloads.show(charts.sets(drawn), key="external_sets")
    with grid.cell():
        figure = scores.confusion_matrix(report["confusion"], (summary["class_names"][0], positive))
        downloads.show(figure, key="external_confusion")
    downloads.table(side_by_side(report), hide_index=True, width="stretch", height="content")
    st.caption(
        f"{interpretation.counts_in_words(report, positive)} Test: {escape_markdown(dataset)}, n = {report['n']:,} "
        f"labelled patches{_of_all(report)}, mean of the "
        f"networks of all folds at the threshold {number(report.get('threshold'))} learnt from the run's own patches. "
        "Validation: out of fold. "
        "Training: each fold's network on its own training patches, averaged over folds, real patches only. Intervals: "
        "95% bootstrap, groups kept together where there are any."
    )
    with st.container(horizontal=True):
        downloads.download(table, f"{run.name}_{name}_sets", "Sets side by side (CSV)")
        downloads.download(evaluation.patches, f"{run.name}_{name}_patches", "All test patches (CSV)")
    _shift(run, report, name)


def _of_all(report: dict) -> str:
    """How many labelled patches there are, where some were left out."""
    total = report.get("n_labelled", report["n"])
    return f" of {total:,}" if total > report["n"] else ""


def sets_table(report: dict) -> pd.DataFrame:
    """One row per set and metric: set, metric, title, value, lo, hi, n; nan where undefined."""
    rows = []
    bounds = report.get("set_intervals", {})
    for name, values in report.get("sets", {}).items():
        for metric in METRIC_NAMES if values else ():
            low, high = (bounds.get(name) or {}).get(metric) or (None, None)
            row = {"value": values.get(metric), "lo": low, "hi": high, "n": values.get("n")}
            rows.append({"set": name, "metric": metric, "title": TITLES[metric]} | {k: _nan(v) for k, v in row.items()})
    return pd.DataFrame(rows, columns=["set", "metric", "title", "value", "lo", "hi", "n"])


def side_by_side(report: dict) -> pd.DataFrame:
    """As in Table IV of paper B: one row per metric, one column per set."""
    sets, bounds = report.get("sets", {}), report.get("set_intervals", {})
    columns: dict[str, list[str]] = {"Metric": [TITLES[name] for name in METRIC_NAMES]}
    for name, values in sets.items():
        title = charts.SET_TITLES.get(name, name)
        if not values:
            columns[title] = ["unknown"] * len(METRIC_NAMES)
            continue
        cells = []
        for metric in METRIC_NAMES:
            words = interval((bounds.get(name) or {}).get(metric))
            cells.append(number(values.get(metric)) + (f" ({words})" if words else ""))
        columns[f"{title}, n = {values.get('n', 0):,.0f}"] = cells
    return pd.DataFrame(columns)


def _nan(value: object) -> float:
    return np.nan if value is None else float(value)


def _shift(run: RunFolder, report: dict, name: str) -> None:
    shift = report.get("shift") or {}
    bands, embedding = pd.DataFrame(shift.get("bands") or []), shift.get("embedding")
    st.header("How far the data differ", anchor=False)
    if embedding:
        st.markdown(embedding_words(embedding))
    if novelty := shift.get("novelty"):
        st.markdown(escape_markdown(novelty["sentence"]))
    if not len(bands):
        st.caption("The bands cannot be compared: the run's own dataset is missing or has changed.")
        return
    bands["smd"] = pd.to_numeric(bands["smd"], errors="coerce")
    far = bands[bands["smd"].abs() >= SHIFTED]
    st.markdown(
        f"{len(far)} of {len(bands)} bands have a mean that differs by {SHIFTED} standard deviations or more"
        + (": " + ", ".join(escape_markdown(band) for band in far["band"]) if len(far) else "")
        + "."
    )
    downloads.show(charts.band_shifts(bands, SHIFTED), key="external_bands")
    st.caption(
        "Mean of each patch, at most 500 patches per set. A shift can explain lower scores but does not prove it."
    )
    downloads.download(bands, f"{run.name}_{name}_shift", "Shift by band (CSV)")


def embedding_words(embedding: dict) -> str:
    """The distance between the sets in the network's embedding, in Markdown."""
    p, auc = _nan(embedding.get("p")), number(embedding.get("separability"), 2)
    if not p < 0.05:
        return f"The network's embeddings of the two sets do not differ significantly (p {number(p, 2)})."
    return (
        f"The network's embeddings of the two sets differ: a linear classifier separates them with AUC **{auc}** (0.5: "
        f"not at all, 1: completely; p {number(p)})."
    )


# ---------------------------------------------------------------------------------------------------- a new one


def _evaluate(run: RunFolder) -> None:
    if analyses.follow(run, ANALYSIS.name):
        return
    others, unfit = other_datasets.fitting(run, labelled=True)
    if not others:
        st.info("No other dataset here can test this run: it needs labels, and the run's bands, units and patch size.")
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = url_state.choose(
                st.selectbox, "Another dataset", list(others), key="external_dataset", default=next(iter(others)),
                width=320,
            )  # fmt: skip
            if st.button(
                "Evaluate on it", type="primary", icon=":material/play_arrow:", key="external_go", **allowed.to("train")
            ):
                analyses.begin(run, ANALYSIS.name, {"dataset": str(others[name])})
    other_datasets.not_offered(unfit, "external_import")
