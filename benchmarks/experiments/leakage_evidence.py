"""Could a trained network's embeddings find shifted crops that the descriptor of core.data.leakage does not propose?

    python -m benchmarks.experiments.leakage_evidence [--n 1200] [--out benchmarks/results/leakage_evidence.json]

Three simulated sets, each with 200 planted crops shifted by 10 to 40 % and the demo's own 30. On each a small network
is trained (two folds), and both folds' stored embeddings are asked, within the fold's own space, for the nearest
neighbours of every patch. Printed: the share of known pairs among the k nearest (in either direction), and of what a
similarity that keeps 95 % precision would find. Beside it stand the descriptor's candidates for the same question.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.planted_crops import Planted, planted
from benchmarks.report import circumstances, keep, parser
from core.data.bands import ZINDI_BANDS
from core.data.leakage.shifted_crops import averaged, find_candidates
from core.data.store import DatasetWriter
from core.progress import drain
from core.runs.store import RunFolder

SEEDS, NEAREST = (0, 1, 2), (1, 8, 16, 64)
SETTINGS = ("folds.n_splits=2", "train.epochs=8")


def trained(made: Planted, folder: Path) -> RunFolder:
    """A small network trained on the set by the product's own command."""
    path = folder / "datasets" / "planted.h5"
    path.parent.mkdir()
    options = {"bands": ZINDI_BANDS, "shape_hw": (64, 64), "class_names": ("other", "landslide"), "source": "planted"}
    with DatasetWriter(path, **options) as writer:
        writer.append(made.images, made.labels, [f"p{i:05d}" for i in range(len(made.images))])
        writer.finish()
    command = [sys.executable, "-m", "core", "train", str(path), "--preset", "demo", "--checkpoints", str(folder)]
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    done = subprocess.run([*command, *settings, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return RunFolder(folder / json.loads(done.stdout)["run"])


def by_embeddings(vectors: np.ndarray, pairs: set[frozenset]) -> dict[str, float]:
    """What nearness finds of the pairs. vectors: (N, D), by cosine after each feature was standardised."""
    scaled = (vectors - vectors.mean(axis=0)) / np.maximum(vectors.std(axis=0), 1e-9)
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -2.0)
    place = np.argsort(np.argsort(-cosine, axis=1), axis=1)  # of each patch among the neighbours of each
    known = np.array([sorted(pair) for pair in pairs])
    rank = np.minimum(place[known[:, 0], known[:, 1]], place[known[:, 1], known[:, 0]])
    found = {f"recall_at_{k}": float((rank < k).mean()) for k in NEAREST}
    of_pairs = np.sort(cosine[known[:, 0], known[:, 1]])[::-1]
    every = np.sort(cosine[np.triu_indices(len(cosine), 1)])[::-1]
    n_at = np.searchsorted(-every, -of_pairs, side="right")  # pairs of any kind that are at least as similar
    precise = np.arange(1, len(of_pairs) + 1) / n_at >= 0.95
    found["recall_at_precision_95"] = float((np.flatnonzero(precise).max(initial=-1) + 1) / len(of_pairs))
    return found


def measure(n: int, seed: int) -> dict:
    made = planted(n, 200, seed)
    pairs = {frozenset(pair) for pair in made.pairs}
    proposed = drain(find_candidates(drain(averaged(made.images)), True)).found
    row: dict = {
        "seed": seed,
        "n_patches": len(made.images),
        "n_pairs": len(pairs),
        "descriptor_recall": len(pairs & {frozenset(pair) for pair in proposed}) / len(pairs),
        "descriptor_candidates_per_patch": round(len(proposed) / len(made.images), 2),
    }
    with tempfile.TemporaryDirectory() as name:
        run = trained(made, Path(name))
        folds = [by_embeddings(run.embeddings(k)["embeddings"], pairs) for k in range(2)]
    return row | {key: float(np.mean([fold[key] for fold in folds])) for key in folds[0]}


def main() -> None:
    options = parser(__doc__, 1200, "patches of the demo beside the planted ones")
    arguments = options.parse_args()
    rows = [measure(arguments.n, seed) for seed in SEEDS]
    names = [name for name in rows[0] if name not in ("seed", "n_patches", "n_pairs")]
    print("| set | " + " | ".join(name.replace("_", " ") for name in names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for row in rows:
        print(f"| seed {row['seed']} | " + " | ".join(f"{row[name]:.3f}" for name in names) + " |")
    keep({"benchmark": "xray_evidence", "sets": rows, **circumstances("numpy", "torch")}, arguments.out)


if __name__ == "__main__":
    main()
