"""What packaged ImageNet weights know of real patches before anything is trained: frozen features and an RBF-SVM.

    python -m benchmarks.experiments.transfer.packaged_features DATASET.h5 \\
        --out benchmarks/results/packaged_features.json

EfficientNet-Lite0 reads the patches at 128 pixels, normalised as its weights expect (fixed numbers, nothing is learnt),
and gives 1280 features a patch. On the same grouped folds: an SVM on these, on those of the same network with random
weights (the control), on band statistics, and the mean of the log-odds of weights and statistics. Out of fold as a run
judges: cross-fitted Platt scaling and thresholds, 95 % intervals over whole groups. The SVM is scikit-learn's default
(C 1, gamma scale on standardised features) and was not tuned.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import circumstances, keep, parser
from core.config import ModelConfig
from core.data.band_statistics import band_statistics
from core.data.folds import Folds, make_folds
from core.data.normalise import fit_normaliser
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.evaluate.calibration.fit import log_odds
from core.evaluate.judge import difference, judge_head
from core.heads.svm import fit_svm
from core.train.inference import embed
from core.train.networks.backbones import build_network
from core.train.networks.model_scaling import model_scaling

BACKBONE, SIDE, BATCH = "tf_efficientnet_lite0", 128, 64
WEIGHTS, RANDOM, STATISTICS, BOTH = (
    "lite0, packaged weights",
    "lite0, random weights",
    "band statistics",
    "mean of both",
)


def features(data: Dataset, images: np.ndarray, packaged: bool) -> np.ndarray:
    """(N, 1280) float32 of the frozen network. images: (N, 3, H, W) in the bands' units."""
    model = ModelConfig(backbone=BACKBONE, image_size=SIDE, pretrained="packaged")
    normaliser = fit_normaliser(images, "model", data.band_names, model_scaling(model, data.bands))
    if not packaged:
        model = model.model_copy(update={"pretrained": False})
    network, _ = build_network(model, data.bands, images.shape[2:], seed=0)
    return embed(network, normaliser.transform(images), torch.device("cpu"), BATCH).embeddings


def out_of_fold(table: np.ndarray, labels: np.ndarray, folds: Folds) -> np.ndarray:
    """(N,) scores of an RBF-SVM that learnt from the other folds. table: (N, D)."""
    scores = np.empty(len(labels))
    for fold in range(folds.n_splits):
        train, val = folds.train(fold), folds.val(fold)
        scores[val] = fit_svm(table[train], labels[train], 1.0).decision(table[val])
    return scores


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("dataset", type=Path)
    given = options.parse_args()
    data = open_dataset(given.dataset)
    images, labels, seconds = data.images(), data.labels, {}
    folds = make_folds(labels, data.groups, 5, 0)
    tables = {}
    for name, make in (
        (WEIGHTS, lambda: features(data, images, packaged=True)),
        (RANDOM, lambda: features(data, images, packaged=False)),
        (STATISTICS, lambda: band_statistics(images)),
    ):
        began = time.monotonic()
        tables[name] = make()
        seconds[name] = round(time.monotonic() - began, 1)
    scores = {name: out_of_fold(table, labels, folds) for name, table in tables.items()}
    heads = {
        name: judge_head(labels, one, folds.fold_of, data.groups, threshold="best_f1", is_log_odds=False)
        for name, one in scores.items()
    }
    mean = sum(log_odds(heads[name].probs, edge=1e-7) for name in (WEIGHTS, STATISTICS)) / 2
    heads[BOTH] = judge_head(labels, mean, folds.fold_of, data.groups, threshold="best_f1", is_log_odds=True)
    told = {}
    for one, other in ((WEIGHTS, RANDOM), (WEIGHTS, STATISTICS), (BOTH, STATISTICS)):
        gap = difference(labels, heads[one], heads[other], data.groups)["auc"]
        told[f"{one} - {other}"] = {end: round(float(gap[end]), 4) for end in ("difference", "lo", "hi")}
    result = {
        "benchmark": "frozen packaged ImageNet weights on real RGB patches",
        "dataset": {
            "name": data.name, "n": len(data), "groups": len(set(data.groups)), "share": float(labels.mean()),
            "content_hash": data.content_hash,
        },
        "protocol": f"{SIDE} px; 5 folds, StratifiedGroupKFold, seed 0, out of fold; 95 % bootstrap over groups",
        "seconds_of_the_features": seconds,
        "heads": {
            name: {
                **{metric: round(float(head.metrics[metric]), 4) for metric in ("auc", "f1")},
                **{
                    f"{metric}_interval": [round(float(v), 4) for v in head.intervals[metric]]
                    for metric in ("auc", "f1")
                },
            }
            for name, head in heads.items()
        },
        "auc_differences": told,
        **circumstances("numpy", "scikit-learn", "torch", "timm"),
    }  # fmt: skip
    keep(result, given.out)


if __name__ == "__main__":
    main()
