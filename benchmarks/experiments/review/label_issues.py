"""How many of the labels that are known to be wrong stand among the 5 % that a review looks at first.

    python -m benchmarks.experiments.review.label_issues --runs RUN [RUN ...] --patches DATASET.h5 --out F.json

runs: folders of finished runs on demo datasets of different seeds: each dataset has 2 % of its labels planted wrong and
records which. The ranking is that of ``core review``; each piece of its evidence and cleanlab alone stand beside it.
patches: real patches, of which 2 % of the labels are turned at random, seed by seed; models on band statistics alone
are fitted on the turned labels, five folds by group. Labels that were wrong from the start count as right there, so
that figure is too low rather than too high. Intervals: over seeds Student's t, of all seeds' labels together Clopper
and Pearson's (1934).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import beta

from benchmarks.report import circumstances, keep, parser
from core.analyses.review.label_issues import FIRST, LabelIssuesOptions, analyse, read
from core.data.band_statistics import band_statistics, rich_statistics
from core.data.folds import make_folds
from core.data.store import open_dataset
from core.evaluate.calibration.fit import cross_fitted_platt
from core.heads.baselines import BASELINES
from core.heads.fold import fit_on_statistics
from core.progress import drain
from core.review.label_issues import label_issues, neighbours_against, trained_against
from core.runs.store import RunFolder
from core.stats.intervals import t_quantile

RANKINGS = ("score", "heads", "neighbours", "trained", "cleanlab")
TURNED = 0.02


def shares(table, wrong: set[str]) -> dict[str, float]:
    """By ranking, the share of ``wrong`` ids among the first 5 % of the table's patches."""
    first = int(np.ceil(FIRST * len(table)))
    found = {}
    for name in RANKINGS:
        top = table.sort_values(name, ascending=False, kind="stable").head(first)
        found[name] = float(top["id"].isin(wrong).sum() / len(wrong))
    return found


def over_seeds(rows: list[Mapping[str, float]], sizes: list[int]) -> dict[str, dict]:
    """By ranking: mean, 95 % interval over seeds (no wider than 0 to 1), each seed's value, and all labels together.

    sizes: how many wrong labels each seed has.
    """
    found = {}
    for name in RANKINGS:
        values = np.array([row[name] for row in rows])
        n = len(values)
        freedom = t_quantile(n) / np.sqrt(n / (n - 1)) if n > 1 else float("nan")  # plain t: these are no resamples
        reach = freedom * values.std(ddof=1) / np.sqrt(n) if n > 1 else float("nan")
        ends = [round(float(np.clip(values.mean() + way * reach, 0, 1)), 4) for way in (-1, 1)]
        hits, n_labels = round(float(values @ np.array(sizes))), sum(sizes)
        together = [
            float(beta.ppf(0.025, hits, n_labels - hits + 1)) if hits else 0.0,
            float(beta.ppf(0.975, hits + 1, n_labels - hits)) if hits < n_labels else 1.0,
        ]
        found[name] = {
            "mean": round(float(values.mean()), 4),
            "interval": ends,
            "each": values.round(4).tolist(),
            "together": {"found": hits, "of": n_labels, "interval": [round(end, 4) for end in together]},
        }
    return found


def of_runs(paths: list[Path]) -> dict:
    """The demo's planted labels, run by run."""
    rows, about = [], []
    for path in paths:
        run = RunFolder(path)
        data = open_dataset(run.dataset_path())
        began = time.monotonic()
        drain(analyse(run, LabelIssuesOptions()))
        seconds = time.monotonic() - began
        found = read(run)
        wrong = set(data.facts["flipped_ids"])
        rows.append(shares(found.table(), wrong))
        about.append(
            {
                "seed": data.facts["seed"],
                "n": len(found.table()),
                "n_wrong": len(wrong),
                "cleanlab_expected": found.report["cleanlab_expected"],
                "auc": round(run.summary()["oof"]["auc"], 4),
                "seconds": round(seconds, 1),
            }
        )
    return {"runs": about, "found_in_first_5_percent": over_seeds(rows, [one["n_wrong"] for one in about])}


def of_patches(path: Path, seeds: int) -> dict:
    """Labels of real patches turned at random, by models on band statistics alone."""
    data = open_dataset(path)
    images = data.images()
    plain, rich = band_statistics(images), rich_statistics(images, data.band_names)
    rows, expected = [], []
    for seed in range(seeds):
        labels = np.array(data.labels)
        turned = np.random.default_rng(seed).choice(len(labels), round(TURNED * len(labels)), replace=False)
        labels[turned] = 1 - labels[turned]
        found = ranked(labels, data.groups, plain, rich, seed)
        table = found.table.assign(id=data.ids[found.table["row"]])
        rows.append(shares(table, set(data.ids[turned].tolist())))
        expected.append(found.expected)
    about = {"name": data.name, "n": len(data), "groups": len(set(data.groups)), "content_hash": data.content_hash}
    return {
        "dataset": about | {"positive_share": float(data.labels.mean())},
        "turned": round(TURNED * len(data)),
        "cleanlab_expected": expected,
        "found_in_first_5_percent": over_seeds(rows, [round(TURNED * len(data))] * seeds),
    }


def ranked(labels: np.ndarray, groups: np.ndarray, plain: np.ndarray, rich: np.ndarray, seed: int):
    """Issues of these labels, as a run without a network would rank them."""
    folds = make_folds(labels, groups, 5, seed)
    fitted = [
        fit_on_statistics({"statistics": plain, "rich": rich}, folds.train(fold), labels)
        for fold in range(folds.n_splits)
    ]
    probs = {}
    for name in BASELINES:
        scores = np.stack([one.scores[name] for one in fitted])[folds.fold_of, np.arange(len(labels))]
        probs[name] = cross_fitted_platt(scores, labels, folds.fold_of)[0]
    near = neighbours_against(labels, folds.fold_of, groups, lambda _: rich)
    learnt = trained_against(labels, folds.fold_of, lambda fold: fitted[fold].scores["stats_logreg"])
    return label_issues(labels, probs, "stats_logreg", near, learnt)


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("--runs", type=Path, nargs="*", default=[])
    options.add_argument("--patches", type=Path)
    options.add_argument("--seeds", type=int, default=5)
    given = options.parse_args()
    result: dict = {"benchmark": "known wrong labels among the first 5 % reviewed; a random order finds 5 %"}
    if given.runs:
        result["demo"] = of_runs(given.runs)
    if given.patches:
        result["real_patches_without_network"] = of_patches(given.patches, given.seeds)
    keep(result | circumstances("cleanlab", "numpy", "scikit-learn", "torch"), given.out)


if __name__ == "__main__":
    main()
