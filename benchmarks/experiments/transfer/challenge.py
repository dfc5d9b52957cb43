"""The heads of a run on the challenge's band statistics, with their intervals.

    python -m core ingest columns train_band_statistics.csv --out zindi-columns.h5
    python -m core train zindi-columns.h5 --preset columns --set folds.seed=42 --set heads.svm_C=10,1,0.75,0.5,0.1
    python -m benchmarks.experiments.transfer.challenge checkpoints/RUN --out benchmarks/results/challenge.json

Everything is taken from the finished run: out of fold, the threshold of a fold from the other folds, 95 % intervals.
The table holds 85 numbers of each of the 7147 real training patches of the Zindi challenge, and no picture.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import circumstances, keep, parser
from core.runs.store import RunFolder


def facts(head: dict) -> dict:
    """F1 and AUC of one head with their intervals, and its counts."""
    kept = {name: round(float(head[name]), 6) for name in ("f1", "auc", "precision", "recall", "average_precision")}
    ends = {f"{name}_interval": [round(float(v), 6) for v in head["intervals"][name]] for name in ("f1", "auc")}
    return {**kept, **ends, "counts": {name: int(head["confusion"][name]) for name in ("tp", "fn", "fp", "tn")}}


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("run", type=Path)
    given = options.parse_args()
    run = RunFolder(given.run)
    summary, config, told = run.summary(), run.config(), run.provenance()
    result = {
        "benchmark": "heads on the band statistics of the real challenge",
        "dataset": {
            "n": summary["oof"]["n"], "share": summary["positive_share"], "columns": told["dataset"]["shape"][0],
            "content_hash": told["dataset"]["content_hash"],
        },
        "protocol": f"{config.folds.n_splits} folds, StratifiedKFold, seed {config.fold_seed}, out of fold; "
        "thresholds of a fold from the others; 95 % bootstrap over patches, since the challenge names no scenes",
        "seconds": round(summary["seconds"]),
        "heads": {name: facts(head) for name, head in summary["heads"].items()},
        **circumstances("numpy", "scikit-learn", "lightgbm", "torch"),
    }  # fmt: skip
    keep(result, given.out)


if __name__ == "__main__":
    main()
