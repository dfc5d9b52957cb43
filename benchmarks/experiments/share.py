"""How well the share of landslides is told from unlabelled patches: error and coverage on real scores, by true share.

    python -m benchmarks.experiments.share --zindi FOLDER --run RUNFOLDER --broken EVALUATION_FOLDER \\
        --out benchmarks/results/share.json

Out-of-fold probabilities of real patches are split into two halves, whole groups together: one half stands for the run,
the other for the new place. Of that half patches are drawn without replacement to a chosen share of landslides, and the
share is told from their probabilities alone. Error and coverage of the 95 % interval over all draws stand beside the
count above the threshold, the mean probability and the fixed point of Saerens, Latinne and Decaestecker (2002) on the
probabilities as they are. ``zindi``: probabilities of a strong public network for the 7,146 training patches of Zindi's
challenge (no groups are known). ``run``: a run of this program, its headline head.

``broken``: folder of an external evaluation of that run where landslides and ground look different; its patches are
drawn to the same shares, and what is said there is counted too (how often the misfit is noticed).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep, parser
from core.evaluate.prevalence import shifted
from core.evaluate.share import estimate_share
from core.evaluate.thresholds import best_f1_threshold
from core.predict.prevalence import share_in_words
from core.predict.triage import out_of_fold
from core.runs.store import RunFolder

SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
SIZES = (200, 1000)
Z = 1.959964


@dataclass(frozen=True)
class Scores:
    """labels (N,) 0/1, probs (K, N) and groups (N,) or None."""

    labels: np.ndarray
    probs: np.ndarray
    groups: np.ndarray | None

    def at(self, rows: np.ndarray) -> Scores:
        """Those at ``rows``."""
        return Scores(self.labels[rows], self.probs[:, rows], None if self.groups is None else self.groups[rows])


def of_zindi(folder: Path) -> Scores:
    """The public network's out-of-fold probabilities."""
    table = pd.read_csv(folder / "oof_eva_7th_place_all_folds.csv")
    return Scores(table["label"].to_numpy(np.int8), table["prob_landslide"].to_numpy(float)[None], None)


def of_run(run: RunFolder) -> Scores:
    """The run's headline head, out of fold."""
    labels, probs, groups = out_of_fold(run, run.config().heads.headline(run.rules()))
    return Scores(labels, probs[None], groups)


def halves(scores: Scores, rng: np.random.Generator) -> tuple[Scores, Scores]:
    """Two halves, whole groups together."""
    groups = np.arange(len(scores.labels)) if scores.groups is None else scores.groups
    names = np.unique(groups)
    first = np.isin(groups, rng.permutation(names)[: len(names) // 2])
    return scores.at(np.flatnonzero(first)), scores.at(np.flatnonzero(~first))


def drawn(place: Scores, share: float, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Rows of n patches, each a landslide with this probability; None where there are too few to draw from."""
    positive = int(rng.binomial(n, share))
    rows = [np.flatnonzero(place.labels == kind) for kind in (1, 0)]
    wanted = (positive, n - positive)
    if any(len(own) < some for own, some in zip(rows, wanted, strict=True)):
        return None
    return np.concatenate([rng.choice(own, some, replace=False) for own, some in zip(rows, wanted, strict=True)])


def fixed_point(own: Scores, probs: np.ndarray) -> float:
    """The share of Saerens, Latinne and Decaestecker (2002): expectation maximisation on probabilities (M,)."""
    start = share = float(own.labels.mean())
    for _ in range(500):
        new = float(np.clip(shifted(probs, start, share).mean(), 1e-6, 1 - 1e-6))
        if abs(new - share) < 1e-7:
            break
        share = new
    return share


def draws(
    pairs: Iterator[tuple[Scores, Scores]], share: float, n: int, rng: np.random.Generator, effect: float
) -> pd.DataFrame:
    """A row a draw: what each way tells, the interval, and whether a misfit was noticed."""
    rows = []
    for own, place in pairs:
        chosen = drawn(place, share, n, rng)
        if chosen is None:
            continue
        there, threshold = place.at(chosen), best_f1_threshold(own.labels, own.probs[0])
        found = estimate_share(
            own.labels, own.probs[0], there.probs, threshold, own.groups, there.groups, effect, 200, len(rows)
        )
        rows.append({
            "estimate": found.share, "lo": found.lo, "hi": found.hi, "misfit": not found.fits,
            "count": found.counted, "mean_probability": found.mean_prob,
            "fixed_point": fixed_point(own, there.probs.mean(axis=0)),
        })  # fmt: skip
    return pd.DataFrame(rows)


def summed(table: pd.DataFrame, share: float, n: int) -> dict:
    """Error of each way, coverage with its own 95 % interval, mean width, and how often a misfit was noticed."""
    inside = float(((table["lo"] <= share) & (table["hi"] >= share)).mean())
    reach = Z * np.sqrt(max(inside * (1 - inside), 1 / len(table)) / len(table))
    ways = ("estimate", "count", "mean_probability", "fixed_point")
    return {
        "share": share, "n": n, "draws": len(table),
        "mean_absolute_error": {way: round(float((table[way] - share).abs().mean()), 4) for way in ways},
        "mean": {way: round(float(table[way].mean()), 4) for way in ways},
        "coverage": round(inside, 3),
        "coverage_interval": [round(max(inside - reach, 0), 3), round(min(inside + reach, 1), 3)],
        "width": round(float((table["hi"] - table["lo"]).mean()), 4),
        "misfit_noticed": round(float(table["misfit"].mean()), 3),
    }  # fmt: skip


def measured(scores: Scores, repeats: int, effect: float = 1.0, other: Scores | None = None) -> list[dict]:
    """Every share and size. other: the new place, where it is not a half of the scores themselves."""
    rows = []
    for share in SHARES:
        for n in SIZES:
            rng = np.random.default_rng([int(1000 * share), n])
            if other is None:
                pairs = (halves(scores, rng) for _ in range(repeats))
            else:
                pairs = ((scores, other) for _ in range(repeats))
            table = draws(pairs, share, n, rng, effect)
            if len(table) >= repeats / 2:
                rows.append(summed(table, share, n))
    return rows


def over_all(rows: list[dict]) -> dict:
    """Over all shares and sizes."""
    errors = pd.DataFrame([row["mean_absolute_error"] for row in rows]).mean()
    return {
        "coverage": round(float(np.mean([row["coverage"] for row in rows])), 3),
        "lowest_coverage": min(row["coverage"] for row in rows),
        "mean_absolute_error": errors.round(4).to_dict(),
        "misfit_noticed": round(float(np.mean([row["misfit_noticed"] for row in rows])), 3),
    }


def external(folder: Path) -> tuple[Scores, dict]:
    """An external evaluation's patches, by each fold's model, and what its report says of the share."""
    import json

    table = pd.read_parquet(folder / "patches.parquet")
    report = json.loads((folder / "report.json").read_text("utf-8"))
    probs = table[[name for name in table if name.startswith("prob_fold_")]].to_numpy(float).T
    facts = {key: report[key] for key in ("dataset_name", "n", "recall", "specificity", "auc")}
    numbers = {key: value for key, value in report["share"].items() if key not in ("sentence", "notes")}
    return Scores(table["label"].to_numpy(np.int8), probs, None), facts | {
        "share": numbers, "said": share_in_words(report["share"])
    }  # fmt: skip


def main() -> None:
    """Measure and keep."""
    asked = parser(__doc__, 200, "draws for each share and size")
    asked.add_argument("--zindi", type=Path, help="folder of the public network's probabilities")
    asked.add_argument("--run", type=Path, help="folder of a finished run")
    asked.add_argument("--broken", type=Path, nargs="*", default=[], help="folders of external evaluations of the run")
    given, result = asked.parse_args(), {}
    if given.zindi:
        rows = measured(of_zindi(given.zindi), given.n)
        result["zindi"] = {"patches": 7146, "groups": None, "all": over_all(rows), "rows": rows}
    if given.run:
        run = RunFolder(given.run)
        scores, config = of_run(run), run.config()
        rows = measured(scores, given.n)
        result["run"] = {
            "dataset": Path(run.dataset_path()).stem, "patches": len(scores.labels),
            "groups": int(len(np.unique(scores.groups))) if scores.groups is not None else None,
            "backbone": config.model.backbone, "folds": config.folds.n_splits,
            "head": config.heads.headline(run.rules()), "all": over_all(rows), "rows": rows,
        }  # fmt: skip
        result["broken"] = []
        for folder in given.broken:
            place, said = external(folder)
            rows = measured(scores, given.n, other=place)
            result["broken"].append({"told": said, "all": over_all(rows), "rows": rows})
    keep({"share": result, **circumstances("numpy", "scipy")}, given.out)


if __name__ == "__main__":
    main()
