"""What balancing adds on an imbalanced cut of a dataset: none, class weights, repeating, plain and SSIM-SMOTE.

    python -m benchmarks.experiments.balancing DATASET.h5 --out benchmarks/results/balancing.json
    python -m benchmarks.experiments.balancing DATASET.h5 --preset small --device cuda --seeds 0,1,2 --at-once 6

The first: an RBF-SVM (C 1) on band statistics, the baseline of every run, so that the whole takes a minute; its
decision is its own (0), since a tuned threshold would undo what balancing changes. The second: a preset's network and
its heads, by whole runs of the flow (``benchmarks.experiments.balancing_network``). Each writes its part of ``--out``
and leaves the other. Folds keep groups together; synthetic patches are made inside each fold's training part.
Intervals (95 %) and differences are over whole groups, paired.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.special import expit

from benchmarks.experiments import balancing_network
from benchmarks.report import circumstances, keep
from core.config import SmoteConfig
from core.data.band_statistics import band_statistics
from core.data.folds import make_folds
from core.data.normalise import fit_normaliser
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.data.store.writer import DatasetWriter
from core.evaluate.comparison.significance import compare
from core.evaluate.intervals import bootstrap_intervals
from core.heads.svm import SvmSetting, fit_svms
from core.smote.methods import oversample
from core.smote.resample import n_synthetic, normalised_range

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
            n_new = n_synthetic(len(minority), int((y == 0).sum()), config)
            made = oversample(minority, n_new, config, data_range=normalised_range("standard", minority), seed=seed)
            x, y = np.concatenate([x, made.images]), np.concatenate([y, np.ones(n_new, np.int8)])
        weight = "balanced" if way == "class_weights" else "none"
        head = fit_svms(band_statistics(x), y, [SvmSetting(1.0)], class_weight=weight)[0].head
        scores[val] = head.decision(band_statistics(patches[val]))
    return scores


def cut(data: Dataset, positives: int, others: int, seed: int) -> np.ndarray:
    """Rows of the imbalanced cut, in the dataset's order."""
    rng = np.random.default_rng(seed)
    wanted = ((1, positives), (0, others))
    return np.sort(np.concatenate([rng.permutation(np.flatnonzero(data.labels == c))[:n] for c, n in wanted]))


def write_cut(data: Dataset, rows: np.ndarray, path: Path) -> None:
    """The cut as a dataset file of its own, in the kind of the source's."""
    with DatasetWriter(
        path, bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, dtype=str(data.dtype),
        source=f"{len(rows)} patches of {data.name}", licence=data.licence, nodata=data.nodata,
    ) as writer:  # fmt: skip
        images = data.images(rows).astype(data.dtype)
        groups = None if data.groups is None else data.groups[rows].tolist()
        writer.append(images, data.labels[rows], data.ids[rows].tolist(), groups)
        writer.finish()


def of_the_svm(data: Dataset, rows: np.ndarray, seed: int) -> dict:
    labels, groups = data.labels[rows], None if data.groups is None else data.groups[rows]
    images = data.images(rows).astype(np.float32)
    folds = make_folds(labels, groups, 5, seed, groups is not None)
    scores = {way: judged(images, labels, folds, way, seed) for way in WAYS}
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
    return {
        "n": len(labels), "positives": int(labels.sum()), "seed": seed, "dataset": data.content_hash,
        "head": "RBF-SVM C=1 on band statistics, decision at 0", "ways": found, **circumstances("numpy"),
    }  # fmt: skip


def of_the_network(given: argparse.Namespace, data: Dataset, rows: np.ndarray) -> dict:
    """Every way and seed trained (in processes of their own), then judged together."""
    with tempfile.TemporaryDirectory() as scratch:
        into = given.into or Path(scratch)
        into.mkdir(parents=True, exist_ok=True)
        write_cut(data, rows, into / "cut.h5")
        command = [sys.executable, "-m", "benchmarks.experiments.balancing", str(into / "cut.h5"), "--into", str(into)]
        command += ["--preset", given.preset, "--device", given.device, *(f"--set={one}" for one in given.set)]
        failed = balancing_network.train_all(command, given.ways.split(","), given.seeds, given.at_once)
        found = balancing_network.judged(into)
        return found | {"cut_seed": given.seed, "more_settings": given.set, "failed": failed}


def one_run(given: argparse.Namespace, data: Dataset) -> None:
    (seed,) = given.seeds
    share = float((data.labels == 1).mean())
    config = balancing_network.settings(given.way, given.preset, given.device, seed, given.set, share)
    balancing_network.train_way(data.path, config, given.into / f"{given.way}_{seed}", given.way)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", type=Path)
    options.add_argument("--positives", type=int, default=250)
    options.add_argument("--others", type=int, default=1170)
    options.add_argument("--seed", type=int, default=0, help="of the cut, and of the SVM's folds")
    options.add_argument("--out", type=Path, help="JSON whose other parts are kept")
    network = options.add_argument_group("with a network")
    network.add_argument("--preset")
    network.add_argument("--device", default="auto")
    network.add_argument("--seeds", type=lambda text: [int(one) for one in text.split(",")], default=[0])
    network.add_argument("--ways", default=",".join(balancing_network.WAYS))
    network.add_argument("--set", action="append", default=[], help="section.key=value, as of `train`")
    network.add_argument("--at-once", type=int, default=1)
    network.add_argument("--into", type=Path, help="folder for each run's out-of-fold scores; none: not kept")
    network.add_argument("--way", help="train this one here, on DATASET as it is")
    given = options.parse_args()
    data = open_dataset(given.dataset)
    if given.way:
        return one_run(given, data)
    rows = cut(data, given.positives, given.others, given.seed)
    part = (
        {"network": of_the_network(given, data, rows)} if given.preset else {"svm": of_the_svm(data, rows, given.seed)}
    )
    before = json.loads(given.out.read_text(encoding="utf-8")) if given.out and given.out.exists() else {}
    keep({"benchmark": "balancing"} | {k: before[k] for k in ("svm", "network") if k in before} | part, given.out)


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else vars(value)


if __name__ == "__main__":
    main()
