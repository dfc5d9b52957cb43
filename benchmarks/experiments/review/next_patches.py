"""What labels teach more: those of patches that were chosen, or those of patches drawn at random.

    python -m benchmarks.experiments.review.next_patches DATASET.h5 --seeds 40 --out F.json

Real patches whose labels are hidden and revealed in batches of 20, from 20 at random to 300. A third of the groups is
held out to measure on; a logistic regression on band statistics learns from what is revealed: by uncertainty and from
each of n clusters one, with and without novelty; by uncertainty alone; at random. With all patches, and with landslides
thinned to one in 4, 10 and 20. What is told is the difference to random over seeds, of AUC and average precision: along
the whole curve (its mean) and where 100 and 300 are labelled, and what novelty adds; intervals are Student's t over
seeds, paired.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.report import circumstances, keep, parser
from core.data.band_statistics import rich_statistics
from core.data.store import open_dataset
from core.embed.neighbours import nearest
from core.evaluate.metrics import auc, average_precision
from core.review.next_patches import one_of_each, ranks, uncertain, worth_of, worthiest

START, BATCH, MOST = 20, 20, 300
NOVELTY = {"diverse": 0.0, "novel": 0.25}  # its weight in ``worth_of``; "novel" is what the desk does
WAYS = (*NOVELTY, "uncertain", "random")
SHARES = {"all_patches": None, "landslides_one_in_4": 1 / 4, "landslides_one_in_10": 1 / 10,
          "landslides_one_in_20": 1 / 20}  # fmt: skip
SHOWN = (100, 300)


def curve(way: str, features: np.ndarray, labels: np.ndarray, pool: np.ndarray, test: np.ndarray, seed: int):
    """(steps, 2) AUC and average precision on ``test`` with 20, 40, ... labels of ``pool``."""
    rng = np.random.default_rng(seed)
    known = rng.permutation(pool)[:START].tolist()
    while len(set(labels[known])) < 2:  # of rare landslides the first draw may hold none
        known[int(rng.integers(START))] = int(rng.choice(np.setdiff1d(pool, known)))
    rows = []
    while True:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
        model.fit(features[known], labels[known])
        answers = model.predict_proba(features[test])[:, 1]
        rows.append((auc(labels[test], answers), average_precision(labels[test], answers)))
        if len(known) >= MOST:
            return np.array(rows)
        left = np.setdiff1d(pool, known)
        if way == "random":
            known += rng.choice(left, BATCH, replace=False).tolist()
            continue
        worth = uncertain(model.predict_proba(features[left])[:, 1])
        if way == "uncertain":
            known += left[np.argsort(-worth, kind="stable")[:BATCH]].tolist()
            continue
        scaled = model[0].transform(features).astype(np.float32)
        far = ranks(nearest(scaled[left], scaled[known], 1).distance[:, 0])
        worth = worth_of(worth, far, NOVELTY[way])
        first = worthiest(worth, BATCH)
        known += left[first[one_of_each(scaled[left[first]], worth[first], BATCH, seed).index]].tolist()


def one_seed(features: np.ndarray, labels: np.ndarray, groups: np.ndarray, share: float | None, seed: int):
    """By way, its curve; the start, the pool and the test part are the same for all."""
    kept = np.arange(len(labels))
    if share is not None:
        positive = np.flatnonzero(labels == 1)
        n = round(share / (1 - share) * int((labels == 0).sum()))
        drawn = np.random.default_rng(seed).choice(positive, n, replace=False)
        kept = np.sort(np.concatenate([np.flatnonzero(labels == 0), drawn]))
    pool, test = next(GroupShuffleSplit(1, test_size=1 / 3, random_state=seed).split(kept, groups=groups[kept]))
    return {way: curve(way, features, labels, kept[pool], kept[test], seed) for way in WAYS}


def told(values: np.ndarray) -> dict:
    """Mean over seeds (S,), its 95 % interval, and in how many seeds it is above 0."""
    reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    ends = [round(float(values.mean() + way * reach), 4) for way in (-1, 1)]
    return {"mean": round(float(values.mean()), 4), "interval": ends, "seeds_above_0": int((values > 0).sum())}


def compared(curves: list[dict[str, np.ndarray]]) -> dict:
    """The ways by their means, and each against random."""
    stacked = {way: np.stack([one[way] for one in curves]) for way in WAYS}  # (S, steps, 2)
    at = {n: (n - START) // BATCH for n in SHOWN}
    found: dict = {"seeds": len(curves), "mean_of_curve": {}, "against_random": {}}
    for way, values in stacked.items():
        means = {metric: values[:, :, k].mean(axis=0).round(4).tolist() for k, metric in enumerate(("auc", "ap"))}
        found["mean_of_curve"][way] = means
        if way == "random":
            continue
        gap = values - stacked["random"]
        found["against_random"][way] = {
            metric: {"whole_curve": told(gap[:, 1:, k].mean(axis=1))}
            | {f"at_{n}_labels": told(gap[:, step, k]) for n, step in at.items()}
            for k, metric in enumerate(("auc", "ap"))
        }
    gap = stacked["novel"] - stacked["diverse"]
    found["novel_against_diverse"] = {
        metric: told(gap[:, 1:, k].mean(axis=1)) for k, metric in enumerate(("auc", "ap"))
    }
    return found


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("dataset", type=Path)
    options.add_argument("--seeds", type=int, default=20)
    given = options.parse_args()
    data = open_dataset(given.dataset)
    features = rich_statistics(data.images(), data.band_names)
    groups = np.arange(len(data)) if data.groups is None else np.asarray(data.groups)
    began = time.monotonic()
    result: dict = {
        "benchmark": "labels chosen against labels drawn at random, on real patches",
        "dataset": {"name": data.name, "n": len(data), "groups": len(set(groups.tolist())), "hash": data.content_hash},
        "protocol": f"{START} to {MOST} labels in batches of {BATCH}; a third of the groups held out; logistic "
        "regression on band statistics",
        "labels": list(range(START, MOST + 1, BATCH)),
    }
    for name, share in SHARES.items():
        curves = [one_seed(features, data.labels, groups, share, seed) for seed in range(given.seeds)]
        result[name] = compared(curves)
    result["seconds"] = round(time.monotonic() - began, 1)
    keep(result | circumstances("numpy", "scikit-learn"), given.out)


if __name__ == "__main__":
    main()
