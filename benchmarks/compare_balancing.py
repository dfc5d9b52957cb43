"""What balancing adds on an imbalanced cut of a dataset: none, class weights, repeating, plain and SSIM-SMOTE.

    python -m benchmarks.compare_balancing DATASET.h5 [--positives 250] [--others 1170] [--seed 0] [--out R.json]

No network: an RBF-SVM (C 1) on band statistics, the baseline of every run, so that the whole takes a minute. Folds keep
groups together; synthetic patches are made inside each fold's training part; the decision is the SVM's own (0), since
a tuned threshold would undo what balancing changes. Intervals (95 %) and differences are over whole groups, paired.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.special import expit

from benchmarks.report import circumstances, keep
from core.config import SmoteConfig
from core.data.band_statistics import band_statistics
from core.data.folds import make_folds
from core.data.normalise import fit_normaliser
from core.data.store import open_dataset
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.significance import compare
from core.heads.svm import SvmSetting, fit_svms
from core.smote.methods import make
from core.smote.resample import how_many, normalised_range

WAYS = ("none", "class_weights", "random", "plain", "ssim")


def judged(images, labels, folds, way: str, seed: int) -> np.ndarray:
    """Out-of-fold decision values (N,)."""
    scores = np.empty(len(labels))
    for fold in range(folds.n_splits):
        train, val = folds.train(fold), folds.val(fold)
        normaliser = fit_normaliser(images[train], "standard", [str(band) for band in range(images.shape[1])])
        patches = normaliser.transform(images)
        x, y = patches[train], labels[train]
        if way in ("random", "plain", "ssim"):
            config, minority = SmoteConfig(method=way), x[y == 1]
            n_new = how_many(len(minority), int((y == 0).sum()), config)
            made = make(minority, n_new, config, data_range=normalised_range("standard", minority), seed=seed)
            x, y = np.concatenate([x, made.images]), np.concatenate([y, np.ones(n_new, np.int8)])
        weight = "balanced" if way == "class_weights" else "none"
        head = fit_svms(band_statistics(x), y, [SvmSetting(1.0)], class_weight=weight)[0].head
        scores[val] = head.decision(band_statistics(patches[val]))
    return scores


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", type=Path)
    options.add_argument("--positives", type=int, default=250)
    options.add_argument("--others", type=int, default=1170)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path)
    arguments = options.parse_args()
    data, rng = open_dataset(arguments.dataset), np.random.default_rng(arguments.seed)
    wanted = ((1, arguments.positives), (0, arguments.others))
    rows = np.sort(np.concatenate([rng.permutation(np.flatnonzero(data.labels == c))[:n] for c, n in wanted]))
    labels, groups = data.labels[rows], None if data.groups is None else data.groups[rows]
    images = data.images(rows).astype(np.float32)
    folds = make_folds(labels, groups, 5, arguments.seed, groups is not None)
    scores = {way: judged(images, labels, folds, way, arguments.seed) for way in WAYS}
    pred = {way: (values > 0).astype(np.int8) for way, values in scores.items()}
    found = {}
    for way in WAYS:
        hits = int((pred[way] & labels).sum())
        one = {"f1": 2 * hits / max(int(pred[way].sum() + labels.sum()), 1), "recall": hits / int(labels.sum())}
        intervals = bootstrap_intervals(labels, expit(scores[way]), pred[way], groups)
        one["intervals"] = {name: list(intervals[name]) for name in ("f1", "recall")}
        difference = compare(
            labels, pred[way], expit(scores[way]), pred["none"], expit(scores["none"]), groups,
            names=("f1", "recall", "precision", "auc"),
        )  # fmt: skip
        found[way] = one | {"against_none": json.loads(json.dumps(difference, default=_plain))}
    keep(
        {
            "benchmark": "balancing", "n": len(labels), "positives": int(labels.sum()), "seed": arguments.seed,
            "head": "RBF-SVM C=1 on band statistics, decision at 0", "ways": found, **circumstances("numpy"),
        },
        arguments.out,
    )  # fmt: skip


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else vars(value)


if __name__ == "__main__":
    main()
