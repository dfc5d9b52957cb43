"""Whether what networks said over the epochs finds wrong labels that the rest of a run's evidence does not.

    python -m benchmarks.experiments.review.label_epochs RUN [RUN ...] --out F.json

RUN: folders of finished runs that kept their epochs, whose wrong labels are known: on demo datasets (planted), or
trained by a version of the labels that turned some at random (``data.labels``). Of all labels, ranked by each piece of
evidence: how many wrong ones are among the first 5 %, and the average precision. Rankings: those of ``core review``
(score and its parts, cleanlab); from the epochs, of the networks that learnt from a label its mean probability
(confidence, Swayamdipta 2020), its mean margin (Pleiss 2020) and how often it was got wrong (after Toneva 2019), and
the mean probability over the later half of the epochs by the network that has never seen it; and the score with the
first and the last of these as one more witness.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import t as student

from benchmarks.report import circumstances, keep, parser
from core.analyses.review.label_issues import FIRST, LabelIssuesOptions, analyse, read
from core.data.label_versions import read_version
from core.data.store import open_dataset
from core.progress import drain
from core.runs.store import RunFolder

PARTS = ("heads", "neighbours", "trained")


def of_run(path: Path) -> dict:
    """Everything of one run."""
    run = RunFolder(path)
    wrong_ids = known_wrong(run)
    drain(analyse(run, LabelIssuesOptions()))
    table = read(run).table()
    wrong = table["id"].isin(wrong_ids).to_numpy()
    rows = open_dataset(run.dataset_path()).index_of(table["id"].tolist())
    kept = [run.epoch_answers(fold) for fold in range(run.config().folds.n_splits)]
    rankings = {name: table[name].to_numpy() for name in ("score", *PARTS, "cleanlab")}
    rankings |= dynamics(
        table["label"].to_numpy(), table["fold"].to_numpy(), [one["log_odds"][:, rows] for one in kept]
    )
    parts = [rankings[name] for name in PARTS]
    for name in ("confidence", "held_out_later"):
        rankings[f"score_with_{name}"] = np.mean([*parts, rankings[name]], axis=0)
    return {
        "dataset": open_dataset(run.dataset_path()).name,
        "seed": run.config().seed,
        "n": len(table),
        "n_wrong": int(wrong.sum()),
        "epochs": len(kept[0]["epoch"]),
        "rankings": {name: judged(against, wrong) for name, against in rankings.items()},
    }


def known_wrong(run: RunFolder) -> set[str]:
    """Ids of the wrong labels: those that a version turned, or those that the demo's maker planted."""
    data, version = open_dataset(run.dataset_path()), run.config().data.labels
    if version:
        return {change.id for change in read_version(data.path, version).changes}
    return set(data.facts["flipped_ids"])


def dynamics(labels: np.ndarray, fold_of: np.ndarray, log_odds: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Rankings from the epochs alone, higher: more against the label. log_odds: by fold, (E, N)."""
    sign = np.where(labels == 1, 1.0, -1.0)
    margin = np.stack([odds.astype(float) for odds in log_odds]) * sign  # (F, E, N)
    own = (np.arange(len(log_odds))[:, None] == fold_of)[:, None]  # (F, 1, N)
    inside, outside = np.where(own, np.nan, margin), np.where(own, margin, np.nan)
    later = outside[:, outside.shape[1] // 2 :]
    found = {
        "confidence": np.nanmean(expit(-inside), axis=(0, 1)),
        "margin": -np.nanmean(inside, axis=(0, 1)),
        "forgetting": np.nanmean(np.where(np.isfinite(inside), inside < 0, np.nan), axis=(0, 1)),
        "held_out_later": np.nanmean(expit(-later), axis=(0, 1)),
    }
    return {name: np.where(np.isfinite(values), values, np.nanmean(values)) for name, values in found.items()}


def judged(against: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """How many wrong ones are found among the first 5 %, and the average precision."""
    from sklearn.metrics import average_precision_score

    first = np.argsort(-against, kind="stable")[: int(np.ceil(FIRST * len(wrong)))]
    precision = float(average_precision_score(wrong, against))
    return {"found": int(wrong[first].sum()), "average_precision": round(precision, 4)}


def together(runs: list[dict]) -> dict[str, dict]:
    """By ranking, all runs together, and the difference from the score, paired by run."""
    found = {}
    for name in runs[0]["rankings"]:
        mine, usual = (np.array([run["rankings"][one]["average_precision"] for run in runs]) for one in (name, "score"))
        found[name] = {
            "found": sum(run["rankings"][name]["found"] for run in runs),
            "of": sum(run["n_wrong"] for run in runs),
            "average_precision": round(float(mine.mean()), 4),
            "average_precision_minus_scores": paired(mine - usual),
        }
    return found


def paired(difference: np.ndarray) -> dict:
    """Mean over runs, with Student's 95 % interval where there are several."""
    n, mean = len(difference), float(difference.mean())
    if n < 2:
        return {"mean": round(mean, 4), "interval": None}
    reach = float(student.ppf(0.975, n - 1) * difference.std(ddof=1) / np.sqrt(n))
    return {"mean": round(mean, 4), "interval": [round(mean - reach, 4), round(mean + reach, 4)]}


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("runs", type=Path, nargs="+")
    runs = [of_run(path) for path in options.parse_args().runs]
    result = {"benchmark": "known wrong labels among the first 5 % reviewed, by what networks said over the epochs"}
    result |= {"runs": runs, "together": together(runs)}
    keep(result | circumstances("cleanlab", "numpy", "scikit-learn", "torch"), options.parse_args().out)


if __name__ == "__main__":
    main()
