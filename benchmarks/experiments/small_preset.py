"""What each ingredient of ``--preset small`` gives: the preset, the preset without one thing, the preset with one more.

    python -m benchmarks.experiments.small_preset train DATASET.h5 --into FOLDER [--device cuda] [--folds 2]
    python -m benchmarks.experiments.small_preset table FOLDER --out benchmarks/results/ablation.json

``train`` does every row as a run of the product's own flow (plan, folds, heads, judging; no maps and no explanations),
each in a process of its own, and keeps the out-of-fold scores and the settings. With two folds each network learns from
half the patches, a quarter of the preset's own time, and all patches are still judged out of fold. ``table`` sets the
rows against the preset on the same patches and folds: paired differences over whole groups, 95 %. Three seeds of the
preset itself, each with a start and folds of its own, say how far chance alone moves the numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pandas as pd

from benchmarks.report import circumstances, keep
from benchmarks.whole_run import whole_run

PRESET = "small"
# Every row is trained with the same heads: one SVM is enough where the question is what the network learnt.
COMMON = ("heads.svm_C=[0.1]", "heads.lgbm=false", "heads.logreg=false")
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}  # rows side by side
ROWS: dict[str, tuple[str, ...]] = {
    "small": (),
    "small, seed 1": ("seed=1",),
    "small, seed 2": ("seed=2",),
    "without colour ratios": ("model.indices=none",),
    "without MixUp": ("augment.mix_prob=0",),
    "without flips and turns": ("augment.flips=false", "augment.quarter_turns=false"),
    "without weight average": ("train.ema_decay=null",),
    "without averaging over flips when judging": ("train.tta=false",),
    "without weight decay": ("train.weight_decay=0",),
    "without cosine schedule": ("train.schedule=none",),
    "with CutMix": ("augment.cutmix_alpha=1",),
    "with affine changes": ("augment.rotation=15", "augment.shear=5", "augment.translation=0.1"),
    "with colour changes": (
        "augment.brightness=0.2",
        "augment.contrast=0.2",
        "augment.saturation=0.2",
        "augment.noise=0.005",
    ),
    "with a statistics branch": ("model.statistics_branch=true",),
    "with label smoothing": ("augment.label_smoothing=0.1",),
    "with patches enlarged to 128": ("model.image_size=128",),
    "with full width": ("model.arguments={}",),
    "with 60 epochs": ("train.epochs=60",),
}
HEADS = ("fc", "blend", "svm_c0.1", "rich", "stats_svm")
REFERENCE, BAR = "small", "stats_svm"


def train_row(dataset: Path, name: str, into: Path, device: str, folds: int) -> None:
    """One row: a run, and what is kept of it."""
    from core.config import preset

    config = preset(PRESET).with_overrides([*COMMON, f"device={device}", f"folds.n_splits={folds}", *ROWS[name]])
    began = time.monotonic()
    with whole_run(dataset, config) as (run, plan):
        target = into / slug(name)
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(run.path / "oof.parquet", target)
        speed = [run.fold_card(fold)["images_per_second"] for fold in range(plan.folds.n_splits)]
        facts = {
            "row": name, "settings": list(ROWS[name]), "folds": folds, "device": device,
            "seconds": round(time.monotonic() - began, 1),
            "images_per_second": round(sum(speed) / len(speed)), "dataset": plan.dataset.content_hash,
            **circumstances("numpy", "torch", "timm", "scikit-learn"),
        }  # fmt: skip
        (target / "row.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def train(options: argparse.Namespace) -> None:
    """Every row in a process of its own, ``at_once`` of them beside each other."""
    names = [name for name in ROWS if not options.rows or name in options.rows.split(";")]

    def one(name: str) -> str:
        command = [sys.executable, "-m", "benchmarks.experiments.small_preset", "train", str(options.dataset), "--into"]
        command += [str(options.into), "--device", options.device, "--folds", str(options.folds), "--only", name]
        began = time.monotonic()
        threads = THREADS if options.at_once > 1 else {}
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads)
        last = "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1][:300]
        return f"{name}: {time.monotonic() - began:.0f} s {last}"

    with ThreadPoolExecutor(options.at_once) as pool:
        for done in as_completed([pool.submit(one, name) for name in names]):
            print(done.result(), flush=True)


def table(options: argparse.Namespace) -> None:
    """Rows against the reference and, for the reference, against the bar."""
    from core.evaluate.comparison.significance import compare
    from core.evaluate.intervals import bootstrap_intervals
    from core.evaluate.metrics import metrics

    found = {}
    for path in options.folder.glob("*/row.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        found[facts["row"]] = (facts, pd.read_parquet(path.parent / "oof.parquet").sort_values("id"))
    rows = []
    _, reference = found[REFERENCE]
    labels, groups = reference["label"].to_numpy(), reference["group"].to_numpy()

    def against(scores: pd.DataFrame, head: str, other: pd.DataFrame, rival: str) -> dict:
        pair = [t[f"{kind}_{h}"].to_numpy() for t, h in ((scores, head), (other, rival)) for kind in ("pred", "prob")]
        told = compare(labels, *pair, groups, names=("f1", "auc")).differences
        return {k: {n: round(getattr(d, n), 4) for n in ("difference", "lo", "hi", "p")} for k, d in told.items()}

    for name in filter(found.__contains__, ROWS):
        facts, scores = found[name]
        assert (scores["id"].to_numpy() == reference["id"].to_numpy()).all(), f"{name} was judged on other patches"
        row = {key: facts[key] for key in ("row", "settings", "seconds", "images_per_second")} | {"heads": {}}
        for head in (h for h in HEADS if f"prob_{h}" in scores):
            prob, pred = scores[f"prob_{head}"].to_numpy(), scores[f"pred_{head}"].to_numpy()
            values, intervals = metrics(labels, prob, pred=pred), bootstrap_intervals(labels, prob, pred, groups)
            one = {
                k: {"value": round(values[k], 4), "interval": [round(v, 4) for v in intervals[k]]}
                for k in ("f1", "auc")
            }
            if name != REFERENCE:
                one["against_small"] = against(scores, head, reference, head)
            if head != BAR:
                one["against_statistics"] = against(scores, head, scores, BAR)
            row["heads"][head] = one
        rows.append(row)
    facts = found[REFERENCE][0]
    named = {k: facts[k] for k in ("folds", "device", "machine", "date", "versions", "dataset")}
    print("| row | network F1 | network AUC | AUC against small | blend F1 | blend AUC | AUC against small |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        cells = []
        for head in ("fc", "blend"):
            one = row["heads"][head]
            gap = one.get("against_small", {}).get("auc")
            cells += [
                f"{one[k]['value']:.3f} [{one[k]['interval'][0]:.3f}, {one[k]['interval'][1]:.3f}]"
                for k in ("f1", "auc")
            ]
            cells.append(f"{gap['difference']:+.4f} [{gap['lo']:+.4f}, {gap['hi']:+.4f}]" if gap else "")
        print(f"| {row['row']} | {' | '.join(cells)} |")
    whole = {"benchmark": "ablation of the preset small", "n": len(labels), "groups": len(set(groups)), **named}
    whole |= {"note": options.note} if options.note else {}
    keep(whole | {"rows": rows}, options.out)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = options.add_subparsers(dest="what", required=True)
    training = kinds.add_parser("train")
    training.add_argument("dataset", type=Path)
    training.add_argument("--into", type=Path, required=True)
    training.add_argument("--device", default="auto")
    training.add_argument("--folds", type=int, default=5)
    training.add_argument("--at-once", type=int, default=1)
    training.add_argument("--rows", default="", help="names with semicolons; none: all")
    training.add_argument("--only", help="train this row here, in this process")
    tabled = kinds.add_parser("table")
    tabled.add_argument("folder", type=Path)
    tabled.add_argument("--out", type=Path)
    tabled.add_argument("--note", default="", help="what a reader of the figures must know")
    given = options.parse_args()
    if given.what == "table":
        table(given)
    elif given.only:
        train_row(given.dataset, given.only, given.into, given.device, given.folds)
    else:
        train(given)


if __name__ == "__main__":
    main()
