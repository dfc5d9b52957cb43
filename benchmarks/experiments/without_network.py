"""What models on band statistics reach on real patches, without any network, and what becomes of it at 2 % landslides.

    python -m benchmarks.experiments.without_network DATASET.h5 --out benchmarks/results/without_network.json

The baselines of every run and their blend (``stats_blend``), out of fold as a run judges them: five folds that keep
groups together, seed 0, cross-fitted Platt scaling and thresholds, 95 % intervals over whole groups. The folds are
those of ``small_rgb.json``: the heads that both files have agree to the last digit. Counts are kept, so that every
number can be had at another share of landslides.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.data.band_statistics import band_statistics, rich_statistics
from core.data.folds import make_folds
from core.data.store import open_dataset
from core.evaluate.calibration.fit import log_odds
from core.evaluate.judge import HeadJudgement, difference, judge_head
from core.evaluate.prevalence import of_counts
from core.heads.baselines import BASELINES
from core.heads.blend import STATS_BLEND, add_blends
from core.heads.fold import fit_on_statistics

SHARE = 0.02  # of landslides, where they are as rare as on most ground


def judged(labels: np.ndarray, groups: np.ndarray, plain: np.ndarray, rich: np.ndarray) -> dict[str, HeadJudgement]:
    """Name -> judgement of the baselines and their blend. labels, groups: (N,); plain, rich: (N, S) statistics."""
    folds = make_folds(labels, groups, 5, 0)
    scores = {name: np.empty(len(labels)) for name in BASELINES}
    for fold in range(folds.n_splits):
        fitted, val = fit_on_statistics({"statistics": plain, "rich": rich}, folds.train(fold), labels), folds.val(fold)
        for name in BASELINES:
            scores[name][val] = fitted.scores[name][val]

    def one(values: np.ndarray, is_log_odds: bool) -> HeadJudgement:
        return judge_head(labels, values, folds.fold_of, groups, threshold="best_f1", is_log_odds=is_log_odds)

    found = {name: one(values, is_log_odds=False) for name, values in scores.items()}
    both = add_blends({name: log_odds(head.probs, edge=1e-7) for name, head in found.items()}, [STATS_BLEND])
    return {**found, STATS_BLEND: one(both[STATS_BLEND], is_log_odds=True)}


def facts(head: HeadJudgement) -> dict:
    """The numbers of one head: counts, metrics with intervals, and those at ``SHARE``."""
    cells = {name: int(head.metrics["confusion"][name]) for name in ("tp", "fn", "fp", "tn")}
    own = {name: round(float(head.metrics[name]), 4) for name in ("f1", "auc", "precision", "recall")}
    ends = {f"{name}_interval": [round(float(v), 4) for v in head.intervals[name]] for name in ("f1", "auc")}
    elsewhere = {name: round(value, 4) for name, value in of_counts(cells, SHARE).items()}
    return {**own, **ends, "counts": cells, "at_2_percent": elsewhere}


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("dataset", type=Path)
    given = options.parse_args()
    data = open_dataset(given.dataset)
    began = time.monotonic()
    images = data.images()
    plain, rich = band_statistics(images), rich_statistics(images, data.band_names)
    of_statistics = time.monotonic() - began
    began = time.monotonic()
    heads = judged(data.labels, data.groups, plain, rich)
    of_heads = time.monotonic() - began
    gaps = {
        name: difference(data.labels, heads[STATS_BLEND], heads[name], data.groups) for name in ("rich", "stats_svm")
    }
    ends = ("difference", "lo", "hi")
    told = {name: {of: {end: float(gap[end]) for end in ends} for of, gap in by.items()} for name, by in gaps.items()}
    about = {"name": data.name, "n": len(data), "groups": len(set(data.groups)), "share": float(data.labels.mean())}
    result = {
        "benchmark": "band statistics without a network on real RGB patches",
        "dataset": {**about, "content_hash": data.content_hash},
        "protocol": "5 folds, StratifiedGroupKFold, seed 0, out of fold; intervals: 95 % bootstrap over groups",
        "seconds_of_the_statistics": round(of_statistics, 1),
        "seconds_of_the_heads": round(of_heads, 1),
        "heads": {name: facts(head) for name, head in heads.items()},
        f"differences_of_{STATS_BLEND}": told,
        **circumstances("numpy", "scikit-learn", "lightgbm"),
    }
    keep(result, given.out)


if __name__ == "__main__":
    main()
