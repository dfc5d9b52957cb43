"""Whether the loss over epochs finds wrong labels that the rest of a run's evidence does not.

    python -m benchmarks.experiments.label_epochs --patches DATASET.h5 --seed 0 --out F.json

Of real patches 2 % of the labels are turned at random, by ``seed``. A small network learns from the turned labels, fold
by fold and by group, and says what it thinks of every patch after each epoch, as a run keeps it. Rankings of all
labels, by the share of the turned ones among the first 5 %, and by their average precision: the evidence of ``core
review`` (score), its parts, and with the epochs: of the networks that learnt from a label (Swayamdipta 2020's
confidence, Pleiss 2020's margin, Toneva 2019's forgetting), and of the network that has never seen it, over its later
half of the epochs. Labels that were wrong from the start count as right. With --join the files of several seeds are
made one.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.special import expit

from benchmarks.experiments.label_issues import TURNED
from benchmarks.report import circumstances, keep, parser
from core.analyses.review.label_issues import FIRST
from core.config import preset
from core.data.band_statistics import band_statistics, rich_statistics
from core.data.folds import make_folds
from core.data.normalise import fit_normaliser
from core.data.store import open_dataset
from core.evaluate.calibration.fit import cross_fitted_platt
from core.flow.epoch_record import EpochRecord
from core.heads.baselines import BASELINES
from core.heads.fold import fit_on_statistics
from core.review.label_issues import epochs_against, label_issues, neighbours_against, trained_against
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network

FOLDS = 3
SETTINGS = ("model.backbone=test_resnet", "model.pretrained=false", "train.ema_decay=null", "device=cpu")


def learnt(data, labels: np.ndarray, images: np.ndarray, folds, config, seed: int):
    """By fold: the epochs' log-odds (E, N), embeddings (N, D) and final log-odds (N,) of its network."""
    found = []
    for fold in range(folds.n_splits):
        train, val = folds.train(fold), folds.val(fold)
        normaliser = fit_normaliser(images[train], config.normalise.method, data.band_names, None)
        patches = normaliser.transform(images)
        network, _ = build_network(config.model, data.bands, patches.shape[2:], seed * 10 + fold, normaliser.units)
        record = EpochRecord(len(labels), val, train, None)
        steps = fit(
            network, patches[train], labels[train], patches[val], labels[val], config, "cpu", seed * 10 + fold,
            keep=record.add,
        )  # fmt: skip
        for _ in steps:
            pass
        answers = embed(network, patches, "cpu", config.train.batch_size)
        found.append((record.log_odds, answers.embeddings, np.diff(answers.logits.astype(float))[:, 0]))
    return found


def of_seed(path: Path, seed: int, epochs: int) -> dict:
    """Everything of one seed."""
    data = open_dataset(path)
    images, labels = data.images(), np.array(data.labels)
    turned = np.random.default_rng(seed).choice(len(labels), round(TURNED * len(labels)), replace=False)
    labels[turned] = 1 - labels[turned]
    wrong = np.isin(np.arange(len(labels)), turned)
    config = preset("demo").with_overrides([*SETTINGS, f"train.epochs={epochs}"])
    folds = make_folds(labels, data.groups, FOLDS, seed)
    by_fold = learnt(data, labels, images, folds, config, seed)
    every = np.arange(len(labels))
    heads = {"fc": expit(np.stack([one[2] for one in by_fold])[folds.fold_of, every])}
    plain, rich = band_statistics(images), rich_statistics(images, data.band_names)
    fitted = [fit_on_statistics(plain, rich, folds.train(fold), labels) for fold in range(FOLDS)]
    for name in BASELINES:
        scores = np.stack([one.scores[name] for one in fitted])[folds.fold_of, every]
        heads[name] = cross_fitted_platt(scores, labels, folds.fold_of)[0]
    near = neighbours_against(labels, folds.fold_of, data.groups, lambda fold: by_fold[fold][1])
    trained = trained_against(labels, folds.fold_of, lambda fold: by_fold[fold][2])
    said = epochs_against(labels, folds.fold_of, lambda fold: by_fold[fold][0])
    table = label_issues(labels, heads, "fc", near, trained, epochs=said).table.sort_values("row")
    rankings = {name: table[name].to_numpy() for name in ("score", "heads", "neighbours", "trained", "cleanlab")}
    rankings |= dynamics(labels, folds.fold_of, [one[0] for one in by_fold], said)
    parts = [rankings[name] for name in ("heads", "neighbours", "trained")]
    for name in ("confidence", "held_out_later"):
        rankings[f"score_with_{name}"] = np.mean([*parts, rankings[name]], axis=0)
    return {"seed": seed, "n_wrong": int(wrong.sum()), "rankings": {k: judged(v, wrong) for k, v in rankings.items()}}


def dynamics(labels: np.ndarray, fold_of: np.ndarray, log_odds: list[np.ndarray], said: np.ndarray) -> dict:
    """Rankings from the epochs alone, higher: more against the label."""
    sign = np.where(labels == 1, 1.0, -1.0)
    margin = np.stack([odds.astype(float) for odds in log_odds]) * sign  # (F, E, N)
    own = (np.arange(len(log_odds))[:, None] == fold_of)[:, None]  # (F, 1, N)
    inside, outside = np.where(own, np.nan, margin), np.where(own, margin, np.nan)
    later = outside[:, outside.shape[1] // 2 :]
    wrong = np.where(np.isfinite(inside), inside < 0, np.nan)
    return {
        "confidence": np.where(np.isfinite(said), said, np.nanmean(said)),
        "margin": -np.nan_to_num(np.nanmean(inside, axis=(0, 1))),
        "forgetting": np.nan_to_num(np.nanmean(wrong, axis=(0, 1))),
        "held_out_later": np.nanmean(expit(-later), axis=(0, 1)),
    }


def judged(against: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """How many wrong ones are found among the first 5 %, and the average precision."""
    from sklearn.metrics import average_precision_score

    first = np.argsort(-against, kind="stable")[: int(np.ceil(FIRST * len(wrong)))]
    return {
        "found": int(wrong[first].sum()),
        "average_precision": round(float(average_precision_score(wrong, against)), 4),
    }


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("--patches", type=Path)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--join", type=Path, nargs="*", default=[])
    given = options.parse_args()
    if given.join:
        keep(joined([json.loads(path.read_text(encoding="utf-8")) for path in given.join]), given.out)
        return
    data = open_dataset(given.patches)
    about = {"name": data.name, "n": len(data), "groups": len(set(data.groups)), "content_hash": data.content_hash}
    result = {
        "benchmark": "turned labels of real patches among the first 5 %, by what a small network said over its epochs",
        "dataset": about | {"positive_share": float(data.labels.mean())},
        "settings": {"folds": FOLDS, "epochs": given.epochs, "network": SETTINGS[0]},
        "seeds": [of_seed(given.patches, given.seed, given.epochs)],
    }
    keep(result | circumstances("numpy", "scikit-learn", "torch"), given.out)


def joined(parts: list[dict]) -> dict:
    """The seeds of several files together, each ranking against the score without epochs, paired by seed."""
    seeds = [seed for part in parts for seed in part["seeds"]]
    n_wrong, together = sum(seed["n_wrong"] for seed in seeds), {}
    for name in seeds[0]["rankings"]:
        found, precision = _values(seeds, name)
        usual, usual_precision = _values(seeds, "score")
        together[name] = {
            "found": int(found.sum()),
            "of": n_wrong,
            "average_precision": round(float(precision.mean()), 4),
            "more_than_score": _paired(found - usual),
            "average_precision_minus_scores": _paired(precision - usual_precision),
        }
    return parts[-1] | {"seeds": seeds, "together": together}


def _values(seeds: list[dict], name: str) -> tuple[np.ndarray, np.ndarray]:
    """How many were found, and the average precision, of one ranking in each seed."""
    rows = [seed["rankings"][name] for seed in seeds]
    return np.array([row["found"] for row in rows], float), np.array([row["average_precision"] for row in rows])


def _paired(difference: np.ndarray) -> dict:
    """Mean over seeds with Student's 95 % interval."""
    from scipy.stats import t

    n = len(difference)
    reach = float(t.ppf(0.975, n - 1) * difference.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    mean = float(difference.mean())
    return {"mean": round(mean, 4), "interval": [round(mean - reach, 4), round(mean + reach, 4)]}


if __name__ == "__main__":
    main()
