"""One head's results from an out-of-fold table: what a page shows, also of runs older than a metric.

Every metric with its interval, fold by fold, and both curves. numpy and pandas only: the dashboard imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.errors import ConfigError
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.metrics import METRIC_NAMES, Curve, metrics, pr_curve, roc_curve


@dataclass(frozen=True)
class HeadResults:
    """One head, out of fold.

    values: n, every metric, confusion. intervals: metric -> (lo, hi), 95 %. folds: a row a fold: fold, n, n_positive,
    every metric (nan where undefined) and tn, fp, fn, tp. grouped: whether whole groups were resampled.
    """

    head: str
    values: dict[str, Any]
    intervals: dict[str, tuple[float, float]]
    folds: pd.DataFrame
    roc: Curve
    pr: Curve
    grouped: bool


def head_results(oof: pd.DataFrame, head: str, n_boot: int = 1000, seed: int = 0) -> HeadResults:
    """From a run's out-of-fold table (id, label, fold, group, prob_<head>, pred_<head>).

    Raises ConfigError for a head that is not there.
    """
    if f"prob_{head}" not in oof:
        raise ConfigError(f"There is no head '{head}' in this run's out-of-fold table.")
    labels, fold_of, group = (oof[name].to_numpy() for name in ("label", "fold", "group"))
    probs, pred = oof[f"prob_{head}"].to_numpy(np.float64), oof[f"pred_{head}"].to_numpy()
    grouped = bool((group != "").all()) and len(group) > 0
    rows = []
    for fold in np.unique(fold_of):
        part = fold_of == fold
        found = metrics(labels[part], probs[part], pred=pred[part])
        row = {"fold": int(fold), "n": found["n"], "n_positive": int(labels[part].sum())}
        rows.append(row | {name: found[name] for name in METRIC_NAMES} | found["confusion"])
    return HeadResults(
        head=head,
        values=metrics(labels, probs, pred=pred),
        intervals=bootstrap_intervals(labels, probs, pred, group if grouped else None, n_boot, seed),
        folds=pd.DataFrame(rows, columns=["fold", "n", "n_positive", *METRIC_NAMES, "tn", "fp", "fn", "tp"]),
        roc=roc_curve(labels, probs),
        pr=pr_curve(labels, probs),
        grouped=grouped,
    )
