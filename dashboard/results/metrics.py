"""Every metric of a head with its interval: all patches, fold by fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluate.metrics import METRIC_NAMES
from core.evaluate.results import HeadResults
from core.wording.names import METRIC_MEANINGS as MEANINGS
from core.wording.names import METRIC_TITLES as TITLES
from core.wording.names import STEADY
from dashboard import theme, url_state
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import interval, number


def metric_table(results: HeadResults, positive: str, there: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """One row per metric for people: value, 95% interval, meaning.

    there: at the stated share of landslides, with ``intervals``; a column says what changes there.
    """
    table = {
        "Metric": [TITLES[name] for name in METRIC_NAMES],
        "Value": [number(results.values[name]) for name in METRIC_NAMES],
        "95% interval": [interval(results.intervals[name]) or "undefined" for name in METRIC_NAMES],
    }
    if there is not None:
        table[f"At {1000 * there['share']:.3g} per 1,000"] = [
            f"{number(there[name])} ({interval(there['intervals'][name])})" if name in there["intervals"]
            else "the same" if name in STEADY else ""
            for name in METRIC_NAMES
        ]  # fmt: skip
    return pd.DataFrame(table | {"Meaning": [MEANINGS[name].format(positive) for name in METRIC_NAMES]})


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


def by_fold(results: HeadResults) -> None:
    """A metric of every fold beside that of all patches."""
    folds = results.folds
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.header("By fold", anchor=False, width="content")
        metric = url_state.choose(
            st.selectbox, "Metric", METRIC_NAMES, key="metrics_fold_metric", default=METRIC_NAMES[0],
            format_func=TITLES.get, width=170, label_visibility="collapsed",
        )  # fmt: skip
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
    spread = f", standard deviation {number(defined.std(ddof=1))}" if len(defined) > 1 else ""
    mean = number(defined.mean() if len(defined) else None)
    without = len(values) - len(defined)
    st.caption(
        f"Mean over folds {mean}{spread}" + f"; undefined in {without} folds" * bool(without) + ". All folds: with 95% "
        "interval."
    )


def fold_table_shown(predictions: Predictions, results: HeadResults) -> None:
    """Every metric of every fold, with its download."""
    table = fold_table(results.folds)
    downloads.table(table, hide_index=True, width="stretch", height="content")
    downloads.download(table, f"{predictions.name}_folds", "Folds (CSV)")


def fold_table(folds: pd.DataFrame) -> pd.DataFrame:
    """One row per fold, counted from 1."""
    names = {"fold": "Fold", "n": "Patches", "n_positive": "Positive"} | TITLES
    names |= {cell: cell.upper() for cell in ("tn", "fp", "fn", "tp")}
    return folds.assign(fold=folds["fold"] + 1).rename(columns=names).round(3)
