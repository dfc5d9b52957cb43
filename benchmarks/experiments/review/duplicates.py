"""Groups of duplicates in real datasets: how many, what folds do to them, and whether labels differ within them.

    python -m benchmarks.experiments.review.duplicates F.h5 ... [--statistics T.csv.gz] [--out F.json]

Of each dataset file: the groups (core.data.leakage.groups); how many of them 5 folds divide that ignore them
(mean and range over 20 seeds), and folds as a run draws them. The statistics are those of patches without pixels (one
row a patch, ID, label and numbers): rows whose numbers are all equal, to four digits, are identical, flipped or turned
patches, as far as that can be told.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep, parser
from core.config import FoldsConfig
from core.data.fold_drawing import draw_folds
from core.data.folds import make_folds
from core.data.leakage.groups import patch_groups
from core.data.leakage.split_audit import leaks_of
from core.data.store import open_dataset
from core.progress import drain

SAID = ("ids", "labels", "kinds", "overlap", "ssim")
DIGITS = 4  # of a statistic; in more, sums in another order may differ


def of_dataset(path: Path, seeds: int) -> dict:
    """What there is in one dataset file."""
    data = open_dataset(path)
    leaks = drain(leaks_of(data))
    groups = patch_groups(data, data.labels, leaks.pairs)
    row = {
        "dataset": data.name, "n": len(data), "n_positive": int((data.labels == 1).sum()),
        "pairs": leaks.pairs["kind"].value_counts().to_dict(), "n_groups": len(groups),
        "n_patches": sum(len(one.ids) for one in groups), "largest": max((len(one.ids) for one in groups), default=0),
        "labels_differ": sum(one.labels_differ for one in groups),
        "split_by_source": sum(one.across_split for one in groups),
        "groups": [{name: one.to_dict()[name] for name in SAID} for one in groups[:20]],
    }  # fmt: skip
    plain, drawn = [], []
    for seed in range(seeds):
        folds = make_folds(data.labels, None, 5, seed, grouped=False)
        plain.append(_divided(data, leaks.pairs, folds))
        drawn.append(_divided(data, leaks.pairs, draw_folds(data, data.labels, FoldsConfig(), seed, leaks.pairs).folds))
    row["divided"] = {name: _over_seeds(counts) for name, counts in (("ungrouped", plain), ("as_drawn", drawn))}
    return row


def _divided(data, pairs: pd.DataFrame, folds) -> int:
    return sum(one.learnt for one in patch_groups(data, data.labels, pairs, json.loads(folds.to_json(data.ids))))


def _over_seeds(counts: list[int]) -> dict:
    return {"mean": float(np.mean(counts)), "min": min(counts), "max": max(counts), "seeds": len(counts)}


def of_statistics(path: Path) -> dict:
    """Rows of a table whose numbers are equal to four digits; flips and turns change none of them."""
    table = pd.read_csv(path)
    numbers = table.drop(columns=[name for name in ("ID", "label") if name in table])
    numbers = numbers.select_dtypes("number").map(lambda value: float(f"{value:.{DIGITS - 1}e}"))
    same = numbers.duplicated(keep=False)
    equal = table[same].groupby([numbers.loc[same, name] for name in numbers], dropna=False)
    groups = [{"ids": part["ID"].tolist(), "labels": part["label"].tolist()} for _, part in equal]
    return {
        "n": len(table), "n_numbers": numbers.shape[1], "n_groups": len(groups), "n_patches": int(same.sum()),
        "labels_differ": sum(len(set(one["labels"])) > 1 for one in groups), "groups": groups[:20],
        "ids_twice": int(table["ID"].duplicated().sum()),
    }  # fmt: skip


def main() -> None:
    arguments = parser(__doc__, 20, "number of seeds")
    arguments.add_argument("datasets", nargs="*", type=Path)
    arguments.add_argument("--statistics", type=Path)
    given = arguments.parse_args()
    result = {"datasets": [of_dataset(path, given.n) for path in given.datasets]}
    if given.statistics:
        result["statistics"] = of_statistics(given.statistics)
    keep(result | circumstances("numpy", "scipy", "scikit-learn", "h5py"), given.out)


if __name__ == "__main__":
    main()
