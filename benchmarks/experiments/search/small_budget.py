"""Whole searches on a small budget, as ``python -m core search`` does them, and what is left of their best scores.

    python -m benchmarks.experiments.search.small_budget SET=DATASET.h5 ... --into FOLDER --out RESULTS.json

Simulated patches of the demo (400), and 801 of Landslide4Sense in whole source images (``join --most 800``), at the
least that trains: a search for the documents, not for the best network. What is there in FOLDER is not done again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.report import circumstances, keep
from core.analyses import search
from core.progress import Progress, drain
from core.runs.targets import DatasetTarget

# Two folds, few epochs and, of real patches, small ones: minutes on two cores.
OPTIONS = {
    "demo": {"preset": "demo", "trials": 8, "metric": "auc", "settings": "folds.n_splits=2; train.epochs=8"},
    "real": {
        "preset": "demo", "trials": 12, "metric": "f1",
        "settings": "folds.n_splits=2; train.epochs=3; train.warmup_epochs=0; model.image_size=32",
    },
}  # fmt: skip
KEPT = (
    "dataset_name", "preset", "settings", "metric", "sampler", "asked", "judge", "folds", "epochs", "head", "grouped",
)  # fmt: skip


def searched(dataset: Path, into: Path, options: dict) -> dict:
    """One search: what was asked, its trials in short, and the judgement."""
    target = DatasetTarget(dataset, into)
    record = drain(
        search.ANALYSIS.start(target, options), lambda step: print(step.message, flush=True) if step.event else None
    )
    parts = []
    for part in record["parts"]:
        states = [one["state"] for one in part["trials"]]
        seconds = sum(one["seconds"] for one in part["trials"])
        parts.append(
            {key: part[key] for key in ("n_search", "positives_search", "n_outer", "positives_outer", "importance")}
            | {"states": {one: states.count(one) for one in ("complete", "pruned", "failed")}, "seconds": seconds}
            | {"best": record["judgement"]["best"][part["number"]]}
            | {"trials": [[one["number"], one["settings"], one["folds"], one["value"]] for one in part["trials"]]}
        )
    space = [one["text"] for one in record["space"]]
    return {key: record[key] for key in KEPT} | {
        "message": record["message"], "space": space, "parts": parts, "judgement": record["judgement"],
    }  # fmt: skip


def _tell(step: Progress) -> None:
    if step.event:
        print(step.message, flush=True)


def main() -> None:
    """Search on the sets that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", help=f"SET=DATASET.h5; SET is one of {', '.join(OPTIONS)}")
    parser.add_argument("--into", type=Path, required=True, help="checkpoints folder")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    before = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    found = before.get("searches", {})
    for item in asked.sets:
        name, _, path = item.partition("=")
        found[name] = searched(Path(path), asked.into, OPTIONS[name])
        keep({"searches": found, **circumstances("optuna", "torch", "scikit-learn")}, asked.out)


if __name__ == "__main__":
    main()
