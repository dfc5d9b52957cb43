"""Metrics of a two-class decision with the positive class named once: label 1 is the positive class.

What is undefined (a precision without predicted positives, an AUC of one class) is nan and is never averaged in. numpy
only: the dashboard imports this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import DataError, LabelError

COUNT_METRICS = ("f1", "precision", "recall", "specificity", "accuracy", "balanced_accuracy", "mcc")  # of decisions
SCORE_METRICS = ("auc", "average_precision", "brier", "ece")  # of probabilities, whatever the threshold
METRIC_NAMES = ("f1", "auc", *COUNT_METRICS[1:], *SCORE_METRICS[1:])
ECE_BINS = 15  # of equal width over 0-1 (Guo, Pleiss, Sun, Weinberger 2017)


@dataclass(frozen=True)
class Confusion:
    """Counts of a two-class decision; the positive class is label 1."""

    tn: int
    fp: int
    fn: int
    tp: int

    def to_dict(self) -> dict[str, int]:
        """``{"tn", "fp", "fn", "tp"}``."""
        return {"tn": self.tn, "fp": self.fp, "fn": self.fn, "tp": self.tp}


@dataclass(frozen=True)
class Curve:
    """Points of a ROC or precision-recall curve, from the strictest threshold to the loosest.

    x, y, threshold: (P,) float64. ROC: x false positive rate, y recall. Precision-recall: x recall, y precision.
    The first threshold is +inf (nothing is called positive). One class only: no points, the curve is undefined.
    """

    x: np.ndarray
    y: np.ndarray
    threshold: np.ndarray


def check_labels(labels: np.ndarray) -> np.ndarray:
    """Labels as (N,) int8 of 0 and 1. Raises LabelError when anything else, such as -1 (unlabelled), is among them."""
    labels = np.asarray(labels)
    wrong = ~np.isin(labels, (0, 1))
    if wrong.any():
        found = ", ".join(str(value) for value in np.unique(labels[wrong])[:5])
        raise LabelError(
            f"{int(wrong.sum())} of {labels.size} labels are neither 0 nor 1 (found {found}). "
            "Metrics need labelled patches: leave the others out first."
        )
    return labels.astype(np.int8)


def check_scores(scores: np.ndarray, n: int) -> np.ndarray:
    """Scores as (N,) float64. Raises DataError when they are not n finite numbers."""
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (n,):
        raise DataError(f"Scores have shape {scores.shape}, but there are {n} labels. One score a patch is needed.")
    n_bad = int((~np.isfinite(scores)).sum())
    if n_bad:
        raise DataError(f"{n_bad} of {n} scores are not finite numbers. Train again, or leave those patches out.")
    return scores


def ratio(numerator: np.ndarray | float, denominator: np.ndarray | float) -> Any:
    """Elementwise quotient, nan where the denominator is 0; a float for plain numbers."""
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    out = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out if out.ndim else float(out)


def confusion(labels: np.ndarray, pred: np.ndarray) -> Confusion:
    """Counts of decisions against truth. labels, pred: (N,) of 0 and 1; raises LabelError otherwise."""
    labels, pred = check_labels(labels), check_labels(pred)
    if labels.shape != pred.shape:
        raise DataError(f"There are {labels.size} labels but {pred.size} decisions. One decision a patch is needed.")
    counts = np.bincount(2 * labels + pred, minlength=4)
    return Confusion(tn=int(counts[0]), fp=int(counts[1]), fn=int(counts[2]), tp=int(counts[3]))


def rates(tn: Any, fp: Any, fn: Any, tp: Any) -> dict[str, Any]:
    """The ``COUNT_METRICS`` from counts: numbers, or arrays of one shape. nan: undefined.

    Balanced accuracy is the mean of recall and specificity; MCC (Matthews 1975) is the correlation of decision and
    truth, undefined where either is all of one class (scikit-learn says 0 there).
    """
    tn, fp, fn, tp = (np.asarray(count, dtype=np.float64) for count in (tn, fp, fn, tp))
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "precision": ratio(tp, tp + fp),
        "recall": recall,
        "specificity": specificity,
        "accuracy": ratio(tp + tn, tp + tn + fp + fn),
        "balanced_accuracy": (recall + specificity) / 2,
        "mcc": ratio(tp * tn - fp * fn, np.sqrt(margins)),
    }


def metrics(
    labels: np.ndarray, probs: np.ndarray, threshold: float = 0.5, *, pred: np.ndarray | None = None
) -> dict[str, Any]:
    """Every headline number of one set of patches.

    labels: (N,) 0/1. probs: (N,) probability of the positive class. A patch is called positive at
    ``prob >= threshold``, or as ``pred`` (N,) 0/1 says where decisions were made fold by fold; ``threshold`` is then
    only reported. Returns n, every one of ``METRIC_NAMES``, threshold and confusion.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    counts = confusion(labels, probs >= threshold if pred is None else pred)
    values = rates(**counts.to_dict())
    values |= {"auc": auc(labels, probs), "average_precision": average_precision(labels, probs)}
    values |= {"brier": brier(labels, probs), "ece": ece(labels, probs)}
    return {
        "n": int(labels.size),
        **{name: values[name] for name in METRIC_NAMES},
        "threshold": float(threshold),
        "confusion": counts.to_dict(),
    }


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties counting half.

    labels: (N,) 0/1. scores: (N,), larger = more positive. nan when one class is missing.
    """
    labels = check_labels(labels)
    scores = check_scores(scores, labels.size)
    _, tie = np.unique(scores, return_inverse=True)
    n_pos, n_neg = np.bincount(tie, labels == 1), np.bincount(tie, labels == 0)  # by distinct score, ascending
    right = (n_pos * (np.cumsum(n_neg) - 0.5 * n_neg)).sum()
    return ratio(right, n_pos.sum() * n_neg.sum())


def roc_curve(labels: np.ndarray, scores: np.ndarray) -> Curve:
    """The ROC curve, one point a distinct score; see :class:`Curve`."""
    tp, fp, threshold = _cumulative(labels, scores)
    if tp[-1] == 0 or fp[-1] == 0:
        return _no_curve()
    return Curve(x=fp / fp[-1], y=tp / tp[-1], threshold=threshold)


def pr_curve(labels: np.ndarray, scores: np.ndarray) -> Curve:
    """The precision-recall curve, one point a distinct score, begun at recall 0 and precision 1; see :class:`Curve`."""
    tp, fp, threshold = _cumulative(labels, scores)
    if tp[-1] == 0 or fp[-1] == 0:
        return _no_curve()
    precision = np.concatenate([[1.0], tp[1:] / (tp[1:] + fp[1:])])
    return Curve(x=tp / tp[-1], y=precision, threshold=threshold)


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Precision averaged over the steps of recall, not interpolated; nan when one class is missing."""
    curve = pr_curve(labels, scores)
    return float((np.diff(curve.x) * curve.y[1:]).sum()) if curve.x.size else math.nan


def brier(labels: np.ndarray, probs: np.ndarray) -> float:
    """Mean squared distance between probability and label, 0 to 1, less is better; nan without patches."""
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    return float(np.mean((probs - labels) ** 2)) if labels.size else math.nan


def ece_bin(probs: np.ndarray, n_bins: int = ECE_BINS) -> np.ndarray:
    """(N,) the bin of equal width that holds each probability: [0, 1/n), [1/n, 2/n), ...; 1 is in the last."""
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    return np.clip(np.searchsorted(edges, probs, side="right") - 1, 0, n_bins - 1)


def ece(labels: np.ndarray, probs: np.ndarray, n_bins: int = ECE_BINS) -> float:
    """Expected calibration error: |share of positives - mean probability| averaged over bins by their patches.

    labels: (N,) 0/1. probs: (N,) of the positive class. 0 to 1, less is better; nan without patches. It is biased
    upwards with few patches a bin: its interval says how far.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    if not labels.size:
        return math.nan
    gaps = np.bincount(ece_bin(probs, n_bins), labels - probs, minlength=n_bins)
    return float(np.abs(gaps).sum() / labels.size)


def _cumulative(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True and false positives when everything at or above each distinct score, descending, is called positive."""
    labels = check_labels(labels)
    scores = check_scores(scores, labels.size)
    distinct, tie = np.unique(-scores, return_inverse=True)
    tp = np.concatenate([[0.0], np.cumsum(np.bincount(tie, labels == 1))])
    fp = np.concatenate([[0.0], np.cumsum(np.bincount(tie, labels == 0))])
    return tp, fp, np.concatenate([[np.inf], -distinct])


def _no_curve() -> Curve:
    return Curve(np.empty(0), np.empty(0), np.empty(0))
