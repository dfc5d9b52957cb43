"""Scores of the same recipe under several ways of splitting, with intervals, differences and each region's own.

All ways answer for the same patches, so that they are compared on the same resamples of whole groups. A way may have
several draws of folds: its score is their mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.data.folds import Folds
from core.data.regions.leave_one_out import Regions
from core.evaluate.comparison.repeats import Answers, compare_repeats
from core.evaluate.intervals import effective_groups_by_metric, interval, resampled_metrics
from core.evaluate.metrics import metrics
from core.progress import Progress, Steps
from core.stats.intervals import bounded_interval

METRICS = ("auc", "f1")
WITHIN = "auc_within"  # the mean over regions of the AUC within each
N_BOOT = 1000


def answers_of(features: np.ndarray, labels: np.ndarray, drawn: Sequence[Folds]) -> Steps[list[Answers]]:
    """Decisions and probabilities, out of fold, of an RBF-SVM (C 1) fitted anew in each fold; one pair a draw.

    features: (N, D). labels: (N,) int8, -1 for what is in no fold. Each pair: pred (n,) 0/1 and probs (n,) of the n
    labelled patches in their order. Scaling, calibration and threshold of a fold know nothing of its patches.
    """
    from core.evaluate.calibration.fit import cross_fitted_platt
    from core.evaluate.thresholds import cross_fitted_thresholds, decisions
    from core.heads.baselines import fit_baseline

    known = np.flatnonzero(labels >= 0)
    total, done, found = sum(one.n_splits for one in drawn), 0, []
    for one in drawn:
        scores = np.zeros(len(labels))
        for fold in range(one.n_splits):
            yield Progress(done / total, f"Fitting on {done + 1} of {total} training parts.")
            train, val = one.train(fold), one.val(fold)
            scores[val] = fit_baseline("stats_svm", features[train], labels[train]).decision(features[val])
            done += 1
        fold_of, truth = one.fold_of[known], labels[known]
        probs, _ = cross_fitted_platt(scores[known], truth, fold_of)
        found.append((decisions(probs, fold_of, cross_fitted_thresholds(truth, probs, fold_of)), probs))
    return found


def scores_of(
    labels: np.ndarray, answers: Sequence[Answers], groups: np.ndarray | None, regions: Regions | None, seed: int = 0
) -> dict[str, Any]:
    """``metrics`` (by ``METRICS`` and ``WITHIN``: value, lo, hi, and sd between draws) and ``regions`` of one way.

    labels: (n,) 0/1. groups: (n,), resampled whole; none resamples patches. regions: their ``fold_of`` (n,) says where
    each patch lies. Each region's row: name, n, n_positive, auc and f1 with intervals.
    """
    found: dict[str, Any] = {"metrics": _measured(labels, answers, groups, seed)[0], "regions": []}
    if regions is None:
        return found
    samples, points, worth = [], [], 0.0
    for k, name in enumerate(regions.names):
        here = regions.fold_of == k
        own = [(pred[here], probs[here]) for pred, probs in answers]
        of = None if groups is None else groups[here]
        row, drawn, weights = _measured(labels[here], own, of, seed + k)
        found["regions"].append(
            {"name": name, "n": int(here.sum()), "n_positive": int(labels[here].sum())}
            | {metric: {key: row[metric][key] for key in ("value", "lo", "hi")} for metric in METRICS}
        )
        points.append(row["auc"]["value"])
        samples.append(drawn["auc"])
        worth += weights["auc"]
    value = float(np.mean(points))
    lo, hi = bounded_interval(value, np.mean(samples, axis=0), worth)
    found["metrics"][WITHIN] = {"value": value, "lo": lo, "hi": hi, "sd": math.nan}
    return found


def differences(
    labels: np.ndarray, a: Sequence[Answers], b: Sequence[Answers], groups: np.ndarray | None, seed: int = 0
) -> dict[str, dict[str, float]]:
    """By metric of ``METRICS``: a minus b with its 95 % interval over patches, both in the same resamples."""
    found = {}
    for metric in METRICS:
        one = compare_repeats(labels, a, b, groups, metric, N_BOOT, seed)
        found[metric] = {
            "difference": one.difference, "lo": one.patches.lo, "hi": one.patches.hi, "p": one.patches.p,
        }  # fmt: skip
    return found


def facts_of(drawn: Sequence[Folds], groups: np.ndarray | None) -> dict[str, Any]:
    """What stands between training and evaluation, means over the folds of a way's draws.

    Returns n_folds, draws, n_train (patches), left_out (share of a training part that it goes without) and shared
    (share of the evaluated patches that have a patch of their own group, (N,) text, in the training part).
    """
    trained, out, hits, judged = [], [], 0, 0
    for folds in drawn:
        for k in range(folds.n_splits):
            train, val = folds.train(k), folds.val(k)
            gone = len(folds.left_out[k]) if folds.left_out else 0
            trained.append(len(train))
            out.append(gone / max(gone + len(train), 1))
            hits += 0 if groups is None else int(np.isin(groups[val], groups[train]).sum())
            judged += len(val)
    return {
        "n_folds": drawn[0].n_splits, "draws": len(drawn), "n_train": float(np.mean(trained)),
        "left_out": float(np.mean(out)), "shared": hits / max(judged, 1),
    }  # fmt: skip


def worst_region(regions: Sequence[Mapping[str, Any]], metric: str) -> Mapping[str, Any] | None:
    """The row with the lowest defined value; None where no region has one."""
    able = [row for row in regions if _defined(row[metric]["value"])]
    return min(able, key=lambda row: row[metric]["value"], default=None)


def _measured(
    labels: np.ndarray, answers: Sequence[Answers], groups: np.ndarray | None, seed: int
) -> tuple[dict[str, dict[str, float]], dict[str, np.ndarray], dict[str, float]]:
    """By metric: value with interval and sd between draws; its resamples; the effective number of groups."""
    samples, worth = _mean_samples(labels, answers, groups, seed), _worth(labels, answers, groups)
    each = [metrics(labels, probs, pred=pred) for pred, probs in answers]
    found = {}
    for metric in METRICS:
        values = np.array([one[metric] for one in each], float)
        lo, hi = interval(float(values.mean()), samples[metric], worth[metric], metric)
        sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
        found[metric] = {"value": float(values.mean()), "lo": lo, "hi": hi, "sd": sd}
    return found, samples, worth


def _mean_samples(
    labels: np.ndarray, answers: Sequence[Answers], groups: np.ndarray | None, seed: int
) -> dict[str, np.ndarray]:
    heads = resampled_metrics(labels, answers, groups, N_BOOT, seed)
    return {metric: np.mean([one[metric] for one in heads], axis=0) for metric in METRICS}


def _worth(labels: np.ndarray, answers: Sequence[Answers], groups: np.ndarray | None) -> dict[str, float]:
    each = [effective_groups_by_metric(labels, pred, groups) for pred, _ in answers]
    return {metric: float(np.mean([one[metric] for one in each])) for metric in METRICS}


def _defined(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
