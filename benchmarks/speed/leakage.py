"""Leakage: shifted crops found of those planted, and its time against all-pairs phase correlation.

    python -m benchmarks.speed.leakage [--n 7000] [--out benchmarks/results/leakage.json]

Recall and precision: three simulated sets, each with 200 planted crops shifted by 10 to 40 % beside the demo's own 30.
Time: ``n`` patches of 12 x 64 x 64. The naive peer is scikit-image's phase correlation of every pair (of the bands'
mean), timed on a sample in the same process and EXTRAPOLATED to all pairs, since it would take hours.
"""

from __future__ import annotations

import itertools
import os
import time

import numpy as np
from skimage.registration import phase_cross_correlation

from benchmarks.planted_crops import planted
from benchmarks.report import circumstances, keep, parser
from core.data import demo
from core.data.leakage.split_audit import find_leaks
from core.progress import drain

SEEDS = (0, 1, 2)
SAMPLE = 400  # pairs for scikit-image


def quality(seed: int) -> dict:
    """What is found of one set's shifted crops."""
    made = planted(1200, 200, seed)
    began = time.perf_counter()
    table, _ = drain(find_leaks(made.images))
    seconds = time.perf_counter() - began
    truth = {frozenset(pair) for pair in made.pairs}
    found = {frozenset((int(a), int(b))) for a, b in zip(table["a"], table["b"], strict=True)}
    right = len(found & truth)
    at = {(int(r.a), int(r.b)): (r.dy, r.dx) for r in table.itertuples()}
    return {
        "seed": seed,
        "n_patches": len(made.images),
        "n_pairs": len(truth),
        "found": len(found),
        "recall": right / len(truth),
        "precision": right / max(len(found), 1),
        "shift_exact": float(np.mean([at.get(pair) == shift for pair, shift in made.shifts.items()])),
        "lowest_similarity": float(table["similarity"].min()),
        "seconds": round(seconds, 1),
    }


def speed(n: int) -> dict:
    """Wall and processor time of ``n`` patches, and the peer's extrapolated."""
    images = demo.simulate(n, 10).images
    load, began, used = os.getloadavg()[0], time.perf_counter(), time.process_time()
    table, _ = drain(find_leaks(images))
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    center, scale = images.mean(axis=(0, 2, 3))[:, None, None], images.std(axis=(0, 2, 3))[:, None, None]
    pairs = list(itertools.combinations(range(40), 2))[:SAMPLE]
    grey = {k: ((images[k] - center) / scale).mean(axis=0) for k in range(40)}
    began = time.perf_counter()
    for a, b in pairs:
        phase_cross_correlation(grey[a], grey[b])
    peer = (time.perf_counter() - began) / len(pairs)
    n_pairs = n * (n - 1) // 2
    return {
        "n_patches": n,
        "n_pairs_compared": n_pairs,
        "n_found": len(table),
        "n_planted_by_the_demo": round(0.025 * n),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "load_average_before": round(load, 1),
        "peer": "skimage.registration.phase_cross_correlation of the bands' mean, every pair",
        "peer_ms_per_pair": round(1e3 * peer, 3),
        "peer_seconds_extrapolated": round(peer * n_pairs),
        "ratio": round(peer * n_pairs / seconds, 1),
    }


def main() -> None:
    options = parser(__doc__, 7000, "number of patches to time")
    arguments = options.parse_args()
    sets = [quality(seed) for seed in SEEDS]
    timed = speed(arguments.n)
    result = {
        "benchmark": "xray",
        "sets": sets,
        "speed": timed,
        "ratio": timed["ratio"],
        **circumstances("numpy", "scipy", "scikit-image"),
    }
    print("| set | pairs | found | recall | precision | shift exact | s |\n|---|---|---|---|---|---|---|")
    for row in sets:
        print(
            f"| seed {row['seed']}, {row['n_patches']} patches | {row['n_pairs']} | {row['found']} "
            f"| {row['recall']:.3f} | {row['precision']:.3f} | {row['shift_exact']:.3f} | {row['seconds']} |"
        )
    print(
        f"{timed['n_patches']} patches: {timed['seconds']} s ({timed['processor_seconds']} s of processor time); "
        f"all pairs by scikit-image {timed['peer_seconds_extrapolated']} s (extrapolated): {timed['ratio']} x"
    )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
