"""Where a run is weak: its metric on parts of the patches, and which part is the worst beyond luck.

The weakest slice is the one with the lowest metric of those with enough patches, as it is drawn. A slice is called
weaker than the rest only where Holm's correction over all of them says so; the weakest may be low by luck. F1 and
precision fall by themselves where positives are rare; recall and specificity compare slices of different make-up. The
facts come from ``core.data.tabular.patch_metadata``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.errors import ConfigError, DataError
from core.evaluate.comparison.many import holm
from core.evaluate.comparison.significance import ALPHA
from core.evaluate.intervals import effective_groups_by_metric, interval
from core.evaluate.metrics import COUNT_METRICS, check_labels, rates
from core.stats.bootstrap import by_group, group_index, resampled_sums
from core.stats.intervals import defined_spread, t_interval, t_pvalue

FEWEST = 20  # patches that the metric is a share of, for a slice to be judged
FEWEST_GROUPS = 2  # effective ones in a slice, for an interval: of one scene the spread between scenes is unknown
MOST_DECIMALS = 9  # of the edges of a slice of numbers
MOST_VALUES = 12  # of a text; the rarer ones are left out
NEEDS_BOTH = frozenset({"f1", "precision", "accuracy", "balanced_accuracy", "mcc"})  # not comparable on one class
TABLE = (
    "by", "slice", "n", "n_positive", "value", "lo", "hi", "rest", "difference", "diff_lo", "diff_hi", "p", "p_holm",
    "shrunken", "tn", "fp", "fn", "tp",
)  # fmt: skip


@dataclass(frozen=True)
class SliceReport:
    """The metric by slice.

    table: one row a judged slice, columns ``TABLE``: by what, which, patches, the metric with its 95% interval, the
    metric of all other patches, the difference from them with interval and p, p over all slices together, the shrunken
    metric, and the counts, lowest metric first. too_small: by, slice, n, n_positive and reason of the others. worst:
    the row with the lowest metric (of equal ones the slice with most patches), or none where none is below that of all.
    """

    metric: str
    overall: float
    n: int
    table: pd.DataFrame
    too_small: pd.DataFrame

    @property
    def worst(self) -> dict[str, Any] | None:
        """See the class."""
        if self.table.empty:
            return None
        row = self.table.iloc[0].to_dict()
        return row if row["value"] < self.overall - 1e-9 and row["difference"] < 0 else None

    @property
    def settled(self) -> bool:
        """Whether any slice is weaker than the rest with all slices taken into account."""
        return len(self.beyond_luck) > 0

    @property
    def beyond_luck(self) -> pd.DataFrame:
        """The rows of the slices that are weaker than the rest with all slices taken into account."""
        return self.table[(self.table["p_holm"] < ALPHA) & (self.table["difference"] < 0)]


def slice_report(
    labels: np.ndarray,
    pred: np.ndarray,
    facts: Mapping[str, np.ndarray],
    groups: np.ndarray | None = None,
    metric: str = "f1",
    *,
    n_bins: int = 4,
    fewest: int = FEWEST,
    n_boot: int = 1000,
    seed: int = 0,
) -> SliceReport:
    """The metric on every slice of every fact.

    labels: (N,) 0/1. pred: (N,) 0/1. facts: name -> (N,) numbers (cut into quantiles, nan unknown) or text (""
    unknown). groups: (N,) or none; resampled whole, except where a slice is a group: there its own patches
    are. metric: one of ``COUNT_METRICS``. Raises ConfigError for another metric, DataError for a fact of another
    length.
    """
    labels, pred = check_labels(labels), check_labels(pred)
    if metric not in COUNT_METRICS:
        raise ConfigError(f"Slices use decisions. Choose one of {', '.join(COUNT_METRICS)}.")
    rows, small = [], []
    for by, values in facts.items():
        if len(values) != labels.size:
            raise DataError(f"There are {labels.size} patches but {len(values)} values of '{by}'.")
        of = slice_names(values, n_bins)
        within = None if by == "group" else groups
        found, left_out = _by_one_fact(labels, pred, by, of, within, metric, fewest, n_boot, seed)
        rows += found
        small += left_out
    table = pd.DataFrame(rows, columns=list(TABLE))
    table["p_holm"] = holm(table["p"].to_numpy(np.float64))
    return SliceReport(
        metric=metric,
        overall=float(_metric(_cells(labels, pred).sum(axis=0)[None], metric)[0]),
        n=int(labels.size),
        table=table.sort_values(["value", "n"], ascending=[True, False], kind="stable", ignore_index=True),
        too_small=pd.DataFrame(small, columns=["by", "slice", "n", "n_positive", "reason"]),
    )


def slice_names(values: np.ndarray, n_bins: int = 4) -> np.ndarray:
    """(N,) text, the slice of each patch; "" where unknown or in none.

    Numbers with more than ``n_bins`` distinct values become quantile bins ("0.02 to 0.31"); of texts the 12 commonest
    are slices.
    """
    values = np.asarray(values)
    out = np.full(values.shape, "", dtype=object)
    if values.dtype.kind in "fiub":
        bins, names = number_bins(values, n_bins)
        out[bins >= 0] = np.array(names, dtype=object)[bins[bins >= 0]]
        return out
    out[:] = [str(value) for value in values]
    names, counts = np.unique(out[out != ""].astype(str), return_counts=True)
    kept = set(names[np.argsort(-counts, kind="stable")[:MOST_VALUES]].tolist())
    out[[name not in kept for name in out]] = ""
    return out


def number_bins(values: np.ndarray, n_bins: int = 4) -> tuple[np.ndarray, list[str]]:
    """The quantile bin of each of values (N,), -1 where it is not finite, and the bins' names in ascending order.

    With ``n_bins`` distinct values or fewer each is a bin of its own; otherwise names are ranges ("0.02 to 0.31").
    """
    numbers = np.asarray(values).astype(np.float64)
    bins, known = np.full(numbers.shape, -1), np.isfinite(numbers)
    distinct, place = np.unique(numbers[known], return_inverse=True)
    if distinct.size <= n_bins:
        bins[known] = place
        return bins, [f"{number:g}" for number in distinct]
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, n_bins + 1)))
    bins[known] = np.clip(np.searchsorted(edges, numbers[known], side="right") - 1, 0, len(edges) - 2)
    words = _edges(edges)
    return bins, [f"{low} to {high}" for low, high in zip(words[:-1], words[1:], strict=True)]


def _edges(edges: np.ndarray) -> list[str]:
    """Ascending numbers as people read them, with no more decimals than the narrowest step between them needs."""
    least = np.diff(edges).min(initial=np.inf) / 10
    decimals = next(
        (d for d in range(MOST_DECIMALS) if np.abs(np.round(edges, d) - edges).max() <= least), MOST_DECIMALS
    )
    words = [f"{edge + 0.0:,.{decimals}f}" for edge in np.round(edges, decimals).tolist()]
    return [word.rstrip("0").rstrip(".") if "." in word else word for word in words]


def _by_one_fact(
    labels: np.ndarray, pred: np.ndarray, by: str, of: np.ndarray, groups: np.ndarray | None, metric: str,
    fewest: int, n_boot: int, seed: int,
) -> tuple[list[dict], list[dict]]:  # fmt: skip
    """Rows of the slices that can be judged, and of those that cannot."""
    names, small = [], []
    for name in dict.fromkeys(name for name in of if name):
        part = of == name
        reason = _unfit(labels[part], pred[part], metric, fewest)
        facts = {"by": by, "slice": name, "n": int(part.sum()), "n_positive": int(labels[part].sum())}
        if reason:
            small.append(facts | {"reason": reason})
        else:
            names.append((name, part, facts))
    known = of != ""
    if not names or len(names) + len(small) < 2:
        return [], small  # a fact with one value has nothing to be compared with
    group_of, n_groups = group_index(groups, labels.size)
    cells = _cells(labels, pred) * known[:, None]
    columns = np.concatenate([cells, *(cells * part[:, None] for _, part, _ in names)], axis=1)  # (N, 4 + 4 S)
    summed = by_group(columns, group_of, n_groups)
    draws = resampled_sums(summed, n_boot, seed).reshape(n_boot, -1, 4)
    point = summed.sum(axis=0).reshape(-1, 4)
    rows = []
    for i, (_, part, facts) in enumerate(names, start=1):
        worth = effective_groups_by_metric(labels[part], pred[part], None if groups is None else groups[part])[metric]
        value, samples = _metric(point[[i]], metric)[0], _metric(draws[:, i], metric)
        rest, others = _metric(point[[0]] - point[[i]], metric)[0], _metric(draws[:, 0] - draws[:, i], metric)
        low, high = interval(value, samples, worth, metric) if worth >= FEWEST_GROUPS else (math.nan, math.nan)
        tn, fp, fn, tp = (int(count) for count in point[i])
        row = facts | {"value": float(value), "lo": low, "hi": high, "rest": float(rest)}
        row |= _against(float(value - rest), samples - others, worth) | {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
        rows.append(row)
    overall = float(_metric(point[[0]], metric)[0])
    return [row | {"shrunken": s} for row, s in zip(rows, _shrunken(rows, overall), strict=True)], small


def _against(difference: float, samples: np.ndarray, worth: float) -> dict[str, float]:
    se = defined_spread(samples)
    if worth < FEWEST_GROUPS or not math.isfinite(difference) or not se >= 1e-12:  # nan too
        return {"difference": difference, "diff_lo": math.nan, "diff_hi": math.nan, "p": math.nan}
    low, high = t_interval(difference, samples, worth)
    return {"difference": difference, "diff_lo": low, "diff_hi": high, "p": t_pvalue(difference, se, worth)}


def _shrunken(rows: list[dict], overall: float) -> np.ndarray:
    """Each slice's metric, drawn to that of all patches as far as its own noise deserves (DerSimonian, Laird 1986)."""
    value = np.array([row["value"] for row in rows])
    se = np.array([(row["hi"] - row["lo"]) / (2 * 1.96) for row in rows])
    usable = np.isfinite(value) & np.isfinite(se) & (se > 0)
    found = np.full(len(rows), overall)
    if usable.sum() < 2:
        return found
    weight = 1 / se[usable] ** 2
    centre = float((weight * value[usable]).sum() / weight.sum())
    q = float((weight * (value[usable] - centre) ** 2).sum())
    between = max(0.0, (q - (usable.sum() - 1)) / (weight.sum() - (weight**2).sum() / weight.sum()))
    trust = between / (between + se[usable] ** 2)
    found[usable] = trust * value[usable] + (1 - trust) * overall
    return found


def _unfit(labels: np.ndarray, pred: np.ndarray, metric: str, fewest: int) -> str:
    """Why a slice cannot be judged by this metric, or ""."""
    n_positive = int(labels.sum())
    n_negative = labels.size - n_positive
    if metric in NEEDS_BOTH and min(n_positive, n_negative) == 0:
        return "one class only: compare its recall or specificity instead"
    basis = {"recall": n_positive, "specificity": n_negative, "precision": int(pred.sum())}.get(metric, labels.size)
    if metric in ("f1", "mcc", "balanced_accuracy"):
        basis = min(basis, 2 * min(n_positive, n_negative))
    return f"fewer than {fewest} patches to judge it by" if basis < fewest else ""


def _cells(labels: np.ndarray, pred: np.ndarray) -> np.ndarray:
    return ((2 * labels + pred)[:, None] == np.arange(4)).astype(np.float64)  # (N, 4): tn, fp, fn, tp


def _metric(cells: np.ndarray, metric: str) -> np.ndarray:
    """(R,) of counts (R, 4)."""
    return rates(*cells.T)[metric]
