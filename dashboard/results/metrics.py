"""Every metric of a head with its interval: all patches, fold by fold, slice by slice.

Comes in: a :class:`dashboard.results.predictions.Scored`, an open dataset for the slices or none.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.metrics import COUNT_METRICS, METRIC_NAMES
from core.evaluate.results import HeadResults
from core.evaluate.slices import SliceReport
from dashboard import cache, theme
from dashboard.results import charts, predictions
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

READ_UNASKED = 3000  # patches
TITLES = {
    "f1": "F1", "auc": "AUC (ROC)", "precision": "Precision", "recall": "Recall (sensitivity)",
    "specificity": "Specificity", "accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "mcc": "MCC",
    "average_precision": "Average precision", "brier": "Brier score", "ece": "ECE",
}  # fmt: skip
MEANINGS = {
    "f1": "harmonic mean of precision and recall",
    "auc": "how often a {} is ranked above another patch",
    "precision": "share of alarms that are right",
    "recall": "share of {} patches that are found",
    "specificity": "share of other patches left alone",
    "accuracy": "share of patches decided rightly; high by itself where one class is rare",
    "balanced_accuracy": "mean of recall and specificity",
    "mcc": "correlation of decision and truth, -1 to 1",
    "average_precision": "precision averaged over recall",
    "brier": "mean squared distance of probability and label; less is better",
    "ece": "how far probabilities are from what happened; less is better",
}


def scores_view(of: Scored, data: Dataset | None) -> None:
    """The view."""
    found = predictions.results(of)
    st.subheader("All patches", anchor=False)
    table = metric_table(found, of.positive)
    st.dataframe(table, hide_index=True, width="stretch", height="content")
    st.caption(of.standing)
    downloads.download(numbers_of(found), f"{of.name}_metrics", "Metrics (CSV)")
    _by_fold(of, found)
    _by_slice(of, data)


def metric_table(found: HeadResults, positive: str) -> pd.DataFrame:
    """A row a metric for people: value, 95 % interval, what it is."""
    return pd.DataFrame(
        {
            "Metric": [TITLES[name] for name in METRIC_NAMES],
            "Value": [number(found.values[name]) for name in METRIC_NAMES],
            "95 % interval": [interval(found.intervals[name]) or "undefined" for name in METRIC_NAMES],
            "What it is": [MEANINGS[name].format(positive) for name in METRIC_NAMES],
        }
    )


def numbers_of(found: HeadResults) -> pd.DataFrame:
    """The same as numbers, for a file."""
    rows = [
        {"metric": name, "value": found.values[name], "lo": found.intervals[name][0], "hi": found.intervals[name][1]}
        for name in METRIC_NAMES
    ]
    counts = [{"metric": name, "value": count, "lo": np.nan, "hi": np.nan} for name, count in
              found.values["confusion"].items()]  # fmt: skip
    return pd.DataFrame(rows + counts)


def _by_fold(of: Scored, found: HeadResults) -> None:
    st.subheader("Fold by fold", anchor=False)
    metric = _metric("scores_fold_metric", METRIC_NAMES)
    folds = found.folds
    values = folds[metric].astype(float)
    rows = pd.DataFrame({"name": [theme.fold_title(k).capitalize() for k in folds["fold"]], "value": values,
                         "lo": np.nan, "hi": np.nan, "n": folds["n"],
                         "colour": [theme.fold_colour(k) for k in folds["fold"]]})  # fmt: skip
    low, high = found.intervals[metric]
    pooled = {"name": "All folds", "value": found.values[metric], "lo": low, "hi": high, "n": found.values["n"],
              "colour": theme.INK}  # fmt: skip
    rows = pd.concat([rows, pd.DataFrame([pooled])], ignore_index=True)
    downloads.show(charts.dots(rows, TITLES[metric], found.values[metric]), key="scores_folds")
    defined = values.dropna()
    spread = f" ± {defined.std(ddof=1):.3f} (standard deviation over folds)" if len(defined) > 1 else ""
    mean = f"{defined.mean():.3f}" if len(defined) else "undefined"
    without = len(values) - len(defined)
    st.caption(f"Mean {TITLES[metric]} {mean}{spread}" + f"; undefined in {without} folds" * bool(without) + ".")
    table = fold_table(folds)
    with st.expander("Folds as a table"):
        st.dataframe(table, hide_index=True, width="stretch", height="content")
    downloads.download(table, f"{of.name}_folds", "Folds (CSV)")


def fold_table(folds: pd.DataFrame) -> pd.DataFrame:
    """A row a fold, counted from 1."""
    names = {"fold": "Fold", "n": "Patches", "n_positive": "Positive"} | TITLES
    names |= {cell: cell.upper() for cell in ("tn", "fp", "fn", "tp")}
    return folds.assign(fold=folds["fold"] + 1).rename(columns=names).round(3)


def _metric(key: str, names: tuple[str, ...]) -> str:
    return st.selectbox("Metric", names, format_func=TITLES.get, key=key, width=240)


# --------------------------------------------------------------------------------------------------------- slices


def _by_slice(of: Scored, data: Dataset | None) -> None:
    st.subheader("Slice by slice", anchor=False)
    metric = _metric("scores_slice_metric", COUNT_METRICS)
    facts = pd.DataFrame({"id": of.table["id"].astype(str)})
    if data is not None:
        try:
            facts = cache.patch_metadata(data, facts["id"].tolist(), _images_too(len(facts)))
        except LandslideLensError as error:
            st.warning(
                f"What is known of the patches cannot be read: {escape_markdown(error)}", icon=":material/warning:"
            )
    elif of.groups is not None:
        facts["group"] = of.groups
    report = predictions.slices(of, facts.assign(id=facts["id"].astype(str)), metric)
    if report.table.empty:
        st.info(
            "There is nothing to slice by: no column, group, cloud cover, scar size or date of these patches is known, "
            "or every slice has too few patches.", icon=":material/info:",
        )  # fmt: skip
    else:
        (st.warning if report.settled else st.info)(escape_markdown(report.sentence()), icon=":material/target:")
        _slices_drawn(report, metric)
    st.caption(
        f"{of.standing} Slices are ranked by a value drawn towards that of all patches, so that a small slice is not "
        "the worst for being small; Holm's correction over all slices. Numbers are cut into quarters."
    )
    shown = report.table.assign(by=report.table["by"].astype(str))
    downloads.download(shown, f"{of.name}_slices", "Slices (CSV)")
    if len(report.too_small):
        with st.expander(f"{len(report.too_small)} slices with too few patches"):
            st.dataframe(report.too_small, hide_index=True, width="stretch", height="content")


def _images_too(n: int) -> bool:
    """Whether every patch is read for its brightness and scar size: with many it takes a while and is asked for."""
    return n <= READ_UNASKED or st.toggle(
        "Also by brightness and scar size", key="scores_images", help=f"Reads all {n:,} patches once."
    )


def _slices_drawn(report: SliceReport, metric: str) -> None:
    table = report.table
    worst = report.worst
    ordered = table.iloc[sorted(range(len(table)), key=lambda i: (table["by"].iat[i], *_place(table["slice"].iat[i])))]
    rows = pd.DataFrame(
        {
            "name": [f"{by}: {name}" for by, name in zip(ordered["by"], ordered["slice"], strict=True)],
            "value": ordered["value"], "lo": ordered["lo"], "hi": ordered["hi"], "n": ordered["n"],
            "colour": [_slice_colour(row, worst) for row in ordered.to_dict("records")],
        }
    )  # fmt: skip
    downloads.show(
        charts.dots(rows, f"{TITLES[metric]}, with 95 % interval; dotted: all patches", report.overall),
        key="scores_slices",
    )
    if worst is not None:
        st.caption("Coloured: the weakest slice.")


def _place(name: str) -> tuple[float, str]:
    """Slices of numbers ("43.6 to 53.3") stand by where they begin, others by name."""
    try:
        return float(name.split(" to ")[0].replace(",", "")), name
    except ValueError:
        return math.inf, name


def _slice_colour(row: dict, worst: dict | None) -> str:
    is_worst = worst is not None and (row["by"], row["slice"]) == (worst["by"], worst["slice"])
    return theme.POSITIVE if is_worst else theme.NEGATIVE
