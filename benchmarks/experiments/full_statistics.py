"""What the full set of band statistics brings to boosted trees, beside the two smaller sets, without any network.

    python -m benchmarks.experiments.full_statistics A.h5 [B.h5 ...] --out benchmarks/results/full_statistics.json

Out of fold as a run judges: five folds that keep groups together, seed 0, cross-fitted Platt scaling and thresholds,
95 % intervals over whole groups. The trees are those of every run and were not tuned.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.data.band_statistics import FEATURES
from core.data.folds import make_folds
from core.data.store import open_dataset
from core.evaluate.judge import difference, judge_head
from core.heads.baselines import fit_baseline

HEADS = {"statistics": "stats_boost", "rich": "rich_boost", "full": "full_boost"}  # by the set that each reads


def of_one(path: Path) -> dict:
    """The three sets on one dataset: seconds, columns, metrics with intervals, and what the full one brings."""
    data = open_dataset(path)
    known = np.flatnonzero(data.labels >= 0)
    images, labels = data.images(known), data.labels[known]
    groups = None if data.groups is None else data.groups[known]
    folds, heads, told = make_folds(labels, groups, 5, 0), {}, {}
    for kind, name in HEADS.items():
        began = time.monotonic()
        table = FEATURES[kind](images, data.band_names)
        seconds, scores = time.monotonic() - began, np.empty(len(labels))
        for fold in range(folds.n_splits):
            train, val = folds.train(fold), folds.val(fold)
            scores[val] = fit_baseline(name, table[train], labels[train]).decision(table[val])
        head = judge_head(labels, scores, folds.fold_of, groups, threshold="best_f1", is_log_odds=False)
        heads[kind] = head
        told[kind] = {
            "head": name, "columns": table.shape[1], "milliseconds_per_patch": round(1e3 * seconds / len(images), 3),
            **{metric: round(float(head.metrics[metric]), 4) for metric in ("f1", "auc")},
            **{f"{m}_interval": [round(float(v), 4) for v in head.intervals[m]] for m in ("f1", "auc")},
        }  # fmt: skip
    gaps = {
        f"full - {other}": {
            metric: {end: round(float(gap[metric][end]), 4) for end in ("difference", "lo", "hi")}
            for metric in ("f1", "auc")
        }
        for other in ("statistics", "rich")
        for gap in (difference(labels, heads["full"], heads[other], groups),)
    }
    return {
        "name": data.name, "n": len(labels), "groups": None if groups is None else len(set(groups)),
        "share": round(float(labels.mean()), 4), "bands": list(data.band_names), "sets": told, "differences": gaps,
        "content_hash": data.content_hash,
    }  # fmt: skip


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("datasets", type=Path, nargs="+")
    given = options.parse_args()
    result = {
        "benchmark": "three sets of band statistics under the same boosted trees",
        "protocol": "5 folds, StratifiedGroupKFold, seed 0, out of fold; intervals: 95 % bootstrap over groups",
        "datasets": [of_one(path) for path in given.datasets],
        **circumstances("numpy", "scikit-learn", "lightgbm"),
    }
    keep(result, given.out)


if __name__ == "__main__":
    main()
