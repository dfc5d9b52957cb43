"""Network, boosted trees and SVM of the real challenge combined; and what differing folds do to a stack of noise.

    python -m core ingest columns TABLE.csv --out zindi-7146.h5      # the rows that the network answers for
    python -m core train zindi-7146.h5 --preset columns --set folds.seed=42 --set 'heads.svm_C=[10]'
    python -m core ensemble EVA.csv RUN:lgbm RUN:svm_c10 --out same
    python -m core ensemble EVA.csv RUN_OF_ALL:lgbm RUN_OF_ALL:svm_c10 --out other
    python -m benchmarks.experiments.transfer.ensemble checkpoints same other --out benchmarks/results/ensemble.json

Everything about the challenge is taken from the finished ensembles: out of fold, weights and thresholds of a fold from
the other folds. ``other`` has members whose folds differ. The noise needs nothing: members are logistic regressions on
inputs that have nothing to do with the labels, so a pooled AUC above one half would be learnt from what it must not be.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.ensembles.folder import EnsembleFolder, open_ensemble
from core.ensembles.stacking import METHODS, cross_fit

REPEATS, PATCHES, SHARE, FOLDS, INPUTS = 100, 500, 0.176, 5, 4


def facts(ensemble: EnsembleFolder) -> dict:
    """Heads by short names (csv, or the head of a run), weights, and the paired differences."""
    card, summary = ensemble.card(), ensemble.summary()
    short = {one["key"]: one.get("head", "csv") for one in card["members"]} | {one: one for one in METHODS}
    return {
        "n": summary["oof"]["n"], "share": round(summary["positive_share"], 6), "folds": len(summary["folds"]),
        "heads": {short[key]: _head(head) for key, head in summary["heads"].items()},
        "members": {
            short[one["key"]]: {
                "share": round(one["share"], 4), "lowest": round(min(one["fold_shares"]), 4),
                "highest": round(max(one["fold_shares"]), 4), "same_folds": one["same_folds"],
            }
            for one in card["members"]
        },
        "best_member": short[card["best_member"]],
        "differences": {
            short[key]: {metric: {name: round(row[name], 6) for name in ("difference", "lo", "hi", "p", "p_holm")}
                         for metric, row in found.items()}
            for key, found in card["differences"].items()
        },
    }  # fmt: skip


def _head(head: dict) -> dict:
    kept = {name: round(float(head[name]), 6) for name in ("f1", "auc", "precision", "recall", "ece", "threshold")}
    ends = {f"{name}_interval": [round(float(v), 6) for v in head["intervals"][name]] for name in ("f1", "auc", "ece")}
    return {**kept, **ends, "counts": {name: int(head["confusion"][name]) for name in ("tp", "fn", "fp", "tn")}}


def noise() -> dict:
    """Pooled AUC of stacks of noise, mean and standard error over the repeats, by folds (same, other) and method."""
    from sklearn.metrics import roc_auc_score

    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        labels = (rng.random(PATCHES) < SHARE).astype(int)
        own, others = (rng.permutation(PATCHES) % FOLDS for _ in range(2))
        inputs = rng.normal(size=(3, PATCHES, INPUTS))
        for name, folds in (("same", (own, own, own)), ("other", (own, others, others))):
            members = np.stack([_out_of_fold(one, labels, of) for one, of in zip(inputs, folds, strict=True)])
            for method in METHODS:
                auc = roc_auc_score(labels, cross_fit(labels, members, own, method).scores)
                found.setdefault((name, method), []).append(float(auc))
    result: dict = {"repeats": REPEATS, "n": PATCHES, "share": SHARE, "members": 3, "folds": FOLDS}
    for (name, method), values in found.items():
        error = float(np.std(values, ddof=1) / np.sqrt(REPEATS))
        result.setdefault(name, {})[method] = {
            "auc": round(float(np.mean(values)), 4),
            "standard_error": round(error, 4),
        }
    return result


def _out_of_fold(inputs: np.ndarray, labels: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    scores = np.zeros(len(labels))
    for k in range(FOLDS):
        model = LogisticRegression().fit(inputs[fold_of != k], labels[fold_of != k])
        scores[fold_of == k] = model.decision_function(inputs[fold_of == k])
    return scores


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("checkpoints", type=Path)
    options.add_argument("same", help="name of the ensemble whose members share their folds")
    options.add_argument("other", help="name of the one whose members were made on folds that differ")
    given = options.parse_args()
    result = {
        "benchmark": "ensembles on the real challenge, and stacks of noise",
        "protocol": "out of fold; weights and threshold of a fold learnt on the other folds; 95 % bootstrap over "
        "patches, paired for differences, p with Holm's correction over all comparisons of an ensemble",
        "same_folds": facts(open_ensemble(given.checkpoints, given.same)),
        "other_folds": facts(open_ensemble(given.checkpoints, given.other)),
        "noise": noise(),
        **circumstances("numpy", "scipy", "scikit-learn", "lightgbm"),
    }
    keep(result, given.out)


if __name__ == "__main__":
    main()
