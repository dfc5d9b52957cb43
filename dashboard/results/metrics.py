"""Every metric of a head with its interval: all patches, fold by fold, slice by slice."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.metrics import COUNT_METRICS, METRIC_NAMES
from core.evaluate.results import HeadResults
from core.evaluate.slices import FEWEST, SliceReport
from dashboard import cache, theme, url_state
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

READ_UNASKED = 3000  # patches whose images are read without being asked for
TITLES = {
    "f1": "F1", "auc": "AUC (ROC)", "precision": "Precision", "recall": "Recall (sensitivity)",
    "specificity": "Specificity", "accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "mcc": "MCC",
    "average_precision": "Average precision", "brier": "Brier score", "ece": "ECE",
}  # fmt: skip
MEANINGS = {
    "f1": "harmonic mean of precision and recall",
    "auc": "how often a {} patch is ranked above another patch",
    "precision": "share of alarms that are correct",
    "recall": "share of {} patches that are found",
    "specificity": "share of other patches without a false alarm",
    "accuracy": "share of correct decisions; high by itself where one class is rare",
    "balanced_accuracy": "mean of recall and specificity",
    "mcc": "correlation of decision and truth, -1 to 1",
    "average_precision": "precision averaged over recall",
    "brier": "mean squared distance of probability and label; lower is better",
    "ece": "mean gap between predicted and observed shares; lower is better",
}


def metrics_view(predictions: Predictions, data: Dataset | None) -> None:
    """The view; slices need the dataset."""
    results = predictions.results()
    st.subheader("All patches", anchor=False)
    table = metric_table(results, predictions.positive)
    downloads.table(table, hide_index=True, width="stretch", height="content")
    st.caption(predictions.basis)
    downloads.download(numbers_of(results), f"{predictions.name}_metrics", "Metrics (CSV)")
    _by_fold(predictions, results)
    _by_slice(predictions, data)


def metric_table(results: HeadResults, positive: str) -> pd.DataFrame:
    """One row per metric for people: value, 95% interval, meaning."""
    return pd.DataFrame(
        {
            "Metric": [TITLES[name] for name in METRIC_NAMES],
            "Value": [number(results.values[name]) for name in METRIC_NAMES],
            "95% interval": [interval(results.intervals[name]) or "undefined" for name in METRIC_NAMES],
            "Meaning": [MEANINGS[name].format(positive) for name in METRIC_NAMES],
        }
    )


def numbers_of(results: HeadResults) -> pd.DataFrame:
    """The same as numbers, for a file."""
    rows = [
        {
            "metric": name,
            "value": results.values[name],
            "lo": results.intervals[name][0],
            "hi": results.intervals[name][1],
        }
        for name in METRIC_NAMES
    ]
    counts = [{"metric": name, "value": count, "lo": np.nan, "hi": np.nan} for name, count in
              results.values["confusion"].items()]  # fmt: skip
    return pd.DataFrame(rows + counts)


def _by_fold(predictions: Predictions, results: HeadResults) -> None:
    st.subheader("By fold", anchor=False)
    metric = _metric("metrics_fold_metric", METRIC_NAMES)
    folds = results.folds
    values = folds[metric].astype(float)
    rows = pd.DataFrame({"name": [theme.fold_title(k).capitalize() for k in folds["fold"]], "value": values,
                         "lo": np.nan, "hi": np.nan, "n": folds["n"],
                         "colour": [theme.fold_colour(k) for k in folds["fold"]]})  # fmt: skip
    low, high = results.intervals[metric]
    pooled = {"name": "All folds", "value": results.values[metric], "lo": low, "hi": high, "n": results.values["n"],
              "colour": theme.INK}  # fmt: skip
    rows = pd.concat([rows, pd.DataFrame([pooled])], ignore_index=True)
    downloads.show(charts.dots(rows, TITLES[metric], results.values[metric]), key="metrics_folds")
    defined = values.dropna()
    spread = f" ± {defined.std(ddof=1):.3f} (standard deviation over folds)" if len(defined) > 1 else ""
    mean = f"{defined.mean():.3f}" if len(defined) else "undefined"
    without = len(values) - len(defined)
    st.caption(f"Mean {TITLES[metric]} {mean}{spread}" + f"; undefined in {without} folds" * bool(without) + ".")
    table = fold_table(folds)
    with st.expander("Folds as a table"):
        downloads.table(table, hide_index=True, width="stretch", height="content")
    downloads.download(table, f"{predictions.name}_folds", "Folds (CSV)")


def fold_table(folds: pd.DataFrame) -> pd.DataFrame:
    """One row per fold, counted from 1."""
    names = {"fold": "Fold", "n": "Patches", "n_positive": "Positive"} | TITLES
    names |= {cell: cell.upper() for cell in ("tn", "fp", "fn", "tp")}
    return folds.assign(fold=folds["fold"] + 1).rename(columns=names).round(3)


def _metric(key: str, names: tuple[str, ...]) -> str:
    return url_state.choose(st.selectbox, "Metric", names, key=key, default=names[0], format_func=TITLES.get, width=240)


# --------------------------------------------------------------------------------------------------------- slices


def _by_slice(predictions: Predictions, data: Dataset | None) -> None:
    st.subheader("By slice", anchor=False)
    metric = _metric("metrics_slice_metric", COUNT_METRICS)
    facts, version = pd.DataFrame({"id": predictions.table["id"].astype(str)}), None
    if data is not None:
        version = cache.file_version(data.path)
        try:
            facts = cache.patch_metadata(data, facts["id"].tolist(), _images_too(len(facts)))
        except LandslideLensError as error:
            st.warning(
                f"The metadata of the patches cannot be read: {escape_markdown(error)}", icon=":material/warning:"
            )
    elif predictions.groups is not None:
        facts["group"] = predictions.groups
    report = predictions.slices(facts.assign(id=facts["id"].astype(str)), metric, version)
    if report.table.empty:
        st.info(
            "Nothing to slice by: the patches have no columns, groups, cloud cover, scar size or dates, or every slice "
            "has too few patches.", icon=":material/info:",
        )  # fmt: skip
    else:
        (st.warning if report.settled else st.info)(escape_markdown(report.sentence()), icon=":material/target:")
        _slices_drawn(report, metric)
    st.caption(
        f"{predictions.basis} The weakest slice is the lowest drawn; drawn are those with at least {FEWEST} patches to "
        "judge the metric by. Whether it differs from the rest is tested with Holm's correction over all slices. "
        "Numbers are split into quartiles."
    )
    shown = report.table.assign(by=report.table["by"].astype(str))
    downloads.download(shown, f"{predictions.name}_slices", "Slices (CSV)")
    if len(report.too_small):
        with st.expander(f"{len(report.too_small)} slices with too few patches"):
            downloads.table(report.too_small, hide_index=True, width="stretch", height="content")


def _images_too(n: int) -> bool:
    """Whether every patch is read for its brightness and scar size: with many patches that takes a while."""
    return n <= READ_UNASKED or st.toggle(
        "Also by brightness and scar size", key="metrics_images", help=f"Reads all {n:,} patches once."
    )


def _slices_drawn(report: SliceReport, metric: str) -> None:
    table = report.table
    worst = report.worst
    ordered = table.iloc[
        sorted(range(len(table)), key=lambda i: (table["by"].iat[i], *_sort_key(table["slice"].iat[i])))
    ]
    rows = pd.DataFrame(
        {
            "name": [f"{by}: {name}" for by, name in zip(ordered["by"], ordered["slice"], strict=True)],
            "value": ordered["value"], "lo": ordered["lo"], "hi": ordered["hi"], "n": ordered["n"],
            "colour": [_slice_colour(row, worst) for row in ordered.to_dict("records")],
        }
    )  # fmt: skip
    downloads.show(
        charts.dots(rows, f"{TITLES[metric]}, with 95% interval; dotted: all patches", report.overall),
        key="metrics_slices",
    )
    if worst is not None:
        st.caption("Orange: the weakest slice.")


def _sort_key(name: str) -> tuple[float, str]:
    """Slices of numbers ("43.6 to 53.3") are sorted by where they begin, others by name."""
    try:
        return float(name.split(" to ")[0].replace(",", "")), name
    except ValueError:
        return math.inf, name


def _slice_colour(row: dict, worst: dict | None) -> str:
    is_worst = worst is not None and (row["by"], row["slice"]) == (worst["by"], worst["slice"])
    return theme.POSITIVE if is_worst else theme.NEGATIVE
