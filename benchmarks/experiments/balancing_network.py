"""Balancing with a network: whole runs of the product's own flow on one cut, a process each, judged in pairs.

Per way of balancing and head: F1, recall and AUC out of fold with intervals, and the difference to no balancing. Every
run is planned, trained and judged by
``core.pipeline`` and ``core.flow``; maps and explanations are left out. Synthetic patches are made
inside each fold's training part. Another seed is another draw of folds, synthetics and first weights.

The figures of several seeds are of all their decisions together; a resample draws a group with all of them, so that
starting three times does not make an interval look like three times the patches.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import circumstances
from benchmarks.whole_run import whole_run
from core.config import RunConfig, preset

# One SVM as paper A's best row has it and one as the cut's own SVM; boosted trees answer nothing that is asked here.
COMMON = ("heads.svm_C=[1.0, 0.1]", "heads.lgbm=false", "heads.logreg=false", "heads.blend=false", "heads.head=fc")
NOTHING = "smote.enabled=false"
WEIGHTS = (NOTHING, "train.class_weight=balanced", "heads.class_weight=balanced")
WAYS: dict[str, tuple[str, ...]] = {
    "none": (NOTHING,),
    "none_longer": (NOTHING,),
    "class_weights": WEIGHTS,
    "class_weights_longer": WEIGHTS,
    "random": ("smote.method=random",),
    "plain": ("smote.method=plain",),
    "ssim": ("smote.method=ssim",),
}
THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}  # threads that wait for each other must not keep the others' cores busy
LONGER = "_longer"  # as many updates as the ways that add patches have: more patches are also more steps an epoch
HEADS = ("fc", "svm_c1", "svm_c0.1")
METRICS = ("f1", "recall", "precision", "auc")
PAIRS = (("ssim", "plain"), ("ssim", "random"), ("ssim", "none_longer"))  # beside everything against none


def settings(way: str, name: str, device: str, seed: int, more: Sequence[str], share: float) -> RunConfig:
    """The preset with this way. share: of landslides in the dataset, which says how much longer "longer" is."""
    config = preset(name).with_overrides([*COMMON, *WAYS[way], f"device={device}", f"seed={seed}", *more])
    if way.endswith(LONGER):
        factor = 2 * (1 - share)  # balanced classes are twice the majority
        config = config.with_overrides([f"train.epochs={max(1, round(config.train.epochs * factor))}"])
    return config


def train_way(dataset: Path, config: RunConfig, target: Path, way: str) -> None:
    """One run, and what is kept of it."""
    began = time.monotonic()
    with whole_run(dataset, config) as (run, plan):
        cards = [run.fold_card(fold) for fold in range(plan.folds.n_splits)]
        facts = {
            "way": way, "seed": config.seed, "epochs": config.train.epochs, "preset": config.preset,
            "settings": list(WAYS[way]), "seconds": round(time.monotonic() - began, 1), "device": str(plan.device),
            "device_name": _card(plan.device), "dataset": plan.dataset.content_hash,
            "n_synthetic_per_fold": [card["n_synthetic"] for card in cards],
            **circumstances("numpy", "torch", "timm", "scikit-learn"),
        }  # fmt: skip
        target.mkdir(parents=True, exist_ok=True)
        (target / "oof.parquet").write_bytes((run.path / "oof.parquet").read_bytes())
        (target / "way.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _card(device) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def train_all(command: Sequence[str], ways: Sequence[str], seeds: Sequence[int], at_once: int) -> list[str]:
    """Every way and seed in a process of its own, ``at_once`` beside each other; what failed, in words."""

    def one(task: tuple[str, int]) -> str:
        way, seed = task
        began = time.monotonic()
        asked = [*command, "--way", way, "--seeds", str(seed)]
        done = subprocess.run(asked, capture_output=True, text=True, env=os.environ | THREADS)
        last = "" if done.returncode == 0 else f"FAILED {(done.stderr.strip().splitlines() or ['?'])[-1][:300]}"
        print(f"{way}, seed {seed}: {time.monotonic() - began:.0f} s {last}", file=sys.stderr, flush=True)
        return f"{way}, seed {seed}: {last}" if last else ""

    with ThreadPoolExecutor(at_once) as pool:
        return [said for said in pool.map(one, [(way, seed) for seed in seeds for way in ways]) if said]


def read(folder: Path) -> tuple[list[dict], dict[str, dict[int, pd.DataFrame]]]:
    """Facts of every run in a folder, and their out-of-fold tables by way and seed, each sorted by patch."""
    facts, tables = [], {}
    for path in sorted(folder.glob("*/way.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        facts.append(one)
        tables.setdefault(one["way"], {})[one["seed"]] = (
            pd.read_parquet(path.parent / "oof.parquet").sort_values("id").reset_index(drop=True)
        )
    return facts, tables


def judged(folder: Path) -> dict:
    """The network's part of ``balancing.json``. Only seeds that every way was trained with are compared."""
    facts, tables = read(folder)
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in tables.values())))
    stacked = {
        way: pd.concat([tables[way][seed] for seed in seeds], ignore_index=True) for way in WAYS if way in tables
    }
    for way, table in stacked.items():
        assert (table["id"] == stacked["none"]["id"]).all(), f"'{way}' was judged on other patches than 'none'"
    one = facts[0]
    named = {k: one[k] for k in ("preset", "device", "device_name", "machine", "date", "versions", "dataset")}
    told = {
        way: {
            "settings": next(f for f in facts if f["way"] == way)["settings"],
            "epochs": next(f for f in facts if f["way"] == way)["epochs"],
            "n_synthetic_per_fold": next(f for f in facts if f["way"] == way)["n_synthetic_per_fold"],
            "seconds": [f["seconds"] for f in facts if f["way"] == way],
            "heads": {head: _of_head(stacked, tables, way, head, seeds) for head in HEADS if _has(table, head)},
        }
        for way, table in stacked.items()
    }
    pairs = {
        f"{a} against {b}": {h: _against(stacked, a, b, h) for h in HEADS if _has(stacked[a], h)}
        for a, b in PAIRS
        if a in stacked and b in stacked
    }
    table = stacked["none"]
    n_patches = int(table["id"].nunique())
    return {
        **named, "seeds": seeds, "n": n_patches, "positives": int(table["label"].sum()) // len(seeds),
        "groups": len(set(_groups(table))), "ways": _with_holm(told), "pairs": pairs,
    }  # fmt: skip


def _has(table: pd.DataFrame, head: str) -> bool:
    return f"score_{head}" in table


def _groups(table: pd.DataFrame) -> np.ndarray:
    groups = table["group"].astype(str).to_numpy()
    return table["id"].astype(str).to_numpy() if (groups == "").all() else groups


def _decided(table: pd.DataFrame, head: str, rule: str) -> np.ndarray:
    """own: the head's own decision (its value above 0), which balancing moves. tuned: at the cross-fitted threshold."""
    if rule == "own":
        return (table[f"score_{head}"].to_numpy() > 0).astype(np.int8)
    return table[f"pred_{head}"].to_numpy().astype(np.int8)


def _of_head(stacked: dict, tables: dict, way: str, head: str, seeds: Sequence[int]) -> dict:
    from core.evaluate.intervals import bootstrap_intervals
    from core.evaluate.metrics import metrics

    table, found = stacked[way], {}
    labels, probs, groups = table["label"].to_numpy(), table[f"prob_{head}"].to_numpy(), _groups(table)
    for rule in ("own", "tuned"):
        pred = _decided(table, head, rule)
        values, intervals = metrics(labels, probs, pred=pred), bootstrap_intervals(labels, probs, pred, groups)
        found[rule] = {
            name: {"value": round(values[name], 4), "interval": [round(v, 4) for v in intervals[name]]}
            for name in METRICS
        }
        found[rule]["f1_by_seed"] = [
            round(metrics(t["label"].to_numpy(), t[f"prob_{head}"].to_numpy(), pred=_decided(t, head, rule))["f1"], 4)
            for t in (tables[way][seed] for seed in seeds)
        ]
    if way != "none":
        found["against_none"] = _against(stacked, way, "none", head)
    return found


def _against(stacked: dict, way: str, other: str, head: str) -> dict:
    from core.evaluate.comparison.significance import compare

    a, b = stacked[way], stacked[other]
    found = {}
    for rule in ("own", "tuned"):
        told = compare(
            a["label"].to_numpy(),
            _decided(a, head, rule), a[f"prob_{head}"].to_numpy(),
            _decided(b, head, rule), b[f"prob_{head}"].to_numpy(),
            _groups(a), names=METRICS,
        ).differences  # fmt: skip
        found[rule] = {
            k: {n: round(getattr(d, n), 4) for n in ("difference", "lo", "hi", "p")} for k, d in told.items()
        }
    return found


def _with_holm(ways: dict) -> dict:
    """Beside each p the one that holds for all ways together, of one head, rule and metric."""
    from core.evaluate.comparison.many import holm

    for head in HEADS:
        rows = [one["heads"][head]["against_none"] for n, one in ways.items() if n != "none" and head in one["heads"]]
        for rule in ("own", "tuned"):
            for metric in METRICS:
                cells = [row[rule][metric] for row in rows]
                for cell, adjusted in zip(cells, holm([cell["p"] for cell in cells]), strict=True):
                    cell["p_holm"] = round(float(adjusted), 4)
    return ways
