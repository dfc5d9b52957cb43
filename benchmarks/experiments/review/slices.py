"""Which slices of errors a run has, how often the search finds one in errors without structure, and planted ones.

    python -m benchmarks.experiments.review.slices --runs RUN [RUN ...] --n 200 --planted 50 --out F.json

runs: folders of finished runs. Of each: its slices, as ``core analyse slices`` finds them. Without structure: the run's
own wrong and right answers dealt out anew, whole groups one after another, so that no part of the patches has more of
them but by luck; in how many of ``n`` deals any slice is kept. Planted: in such a deal the patches of one part of the
run's candidates, drawn at random, are made wrong more often; in how many of ``planted`` deals that part, or one that
shares half of its patches, is kept. Intervals: Wilson (1927).
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.analyses.review.slices import Known, SlicesOptions, analyse, look_at, read
from core.data.store import open_dataset
from core.evaluate.slice_search import ALIKE, members, overlap, search
from core.progress import drain
from core.runs.store import RunFolder
from core.stats.bootstrap import effective_groups
from core.stats.design_effect import wilson
from core.stats.permutation import shuffled_in_blocks

MORE = (0.1, 0.2, 0.3)  # share of a planted part's right answers that are made wrong
LEAST_SHARE, MOST_SHARE, LEAST_GROUPS = 0.05, 0.3, 30  # of the parts that are planted
SHOWN = ("name", "measure", "n", "tested", "tested_wrong", "rate", "lo", "hi", "rest_n", "rest", "p_adjusted")


def of_run(path: Path, n: int, planted: int) -> dict:
    """Everything of one run."""
    run = RunFolder(path)
    data = open_dataset(run.dataset_path())
    began = time.monotonic()
    drain(analyse(run, SlicesOptions()))
    seconds = time.monotonic() - began
    report = read(run).report
    known = drain(look_at(run, report["head"]))
    about = ("head", "n", "n_positive", "n_wrong", "n_groups", "n_folds", "halves", "n_candidates", "n_tested")
    return {
        "dataset": {"name": data.name, "content_hash": data.content_hash},
        **{name: report[name] for name in about},
        "auc": round(run.summary()["oof"]["auc"], 4),
        "seconds": round(seconds, 1),
        "slices": [{name: _rounded(row[name]) for name in SHOWN} for row in report["slices"]],
        "without_structure": without_structure(known, n),
        "planted": {f"{more:.1f}": found_planted(known, planted, more) for more in MORE},
    }


def without_structure(known: Known, n: int) -> dict:
    """In how many deals any slice is kept, though there is none."""
    return _share([bool(_searched(known, _dealt(known, seed), seed).kept) for seed in range(n)])


def found_planted(known: Known, n: int, more: float) -> dict:
    """In how many deals the planted part is kept."""
    usable = [i for i in range(known.member.shape[1]) if _can_be_planted(known, known.member[:, i])]
    found = []
    for seed in range(n):
        rng = np.random.default_rng([seed, 1])
        part = known.member[:, rng.choice(usable)]
        wrong = _dealt(known, seed) | (part & (rng.random(len(part)) < more))
        kept = _searched(known, wrong, seed).kept
        found.append(any(overlap(members(known.member, one.parts), part) >= ALIKE for one in kept))
    return _share(found)


def _can_be_planted(known: Known, part: np.ndarray) -> bool:
    groups = None if known.groups is None else known.groups[part]
    share = part.mean()
    return LEAST_SHARE <= share <= MOST_SHARE and effective_groups(groups, int(part.sum())) >= LEAST_GROUPS


def _dealt(known: Known, seed: int) -> np.ndarray:
    return shuffled_in_blocks(known.pred != known.labels, known.groups, np.random.default_rng(seed))


def _searched(known: Known, wrong: np.ndarray, seed: int):
    pred, fold_of = np.where(wrong, 1 - known.labels, known.labels), known.oof["fold"].to_numpy()
    return search(known.labels, pred, known.member, *known.named, known.groups, fold_of, seed=seed)


def _share(found: list[bool]) -> dict:
    low, high = wilson(sum(found), len(found))
    interval = [round(float(low), 4), round(float(high), 4)]
    return {"of": len(found), "found": sum(found), "share": round(float(np.mean(found)), 4), "interval": interval}


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    options = parser(__doc__, 200, "deals of errors without structure")
    options.add_argument("--runs", type=Path, nargs="+", required=True)
    options.add_argument("--planted", type=int, default=50)
    given = options.parse_args()
    runs = {}
    for path in given.runs:
        found = of_run(path, given.n, given.planted)
        runs[found["dataset"]["name"].replace("-", "_")] = found
    result = {"benchmark": "slices of errors; how often one is found where there is none, and where one is planted"}
    keep(result | {"runs": runs} | circumstances("numpy", "scikit-learn"), given.out)


if __name__ == "__main__":
    main()
