"""All-pairs SSIM against scikit-image, both in this process on the same patches: ms a pair, ratio, largest error.

    python -m benchmarks.speed.ssim [--n 200] [--out benchmarks/results/ssim.json]

The patches (12 x 64 x 64) are half random texture, half one constant value and smooth fields with a few far outliers,
standardised. scikit-image compares a sample of the pairs, since it takes thirty minutes for what SMOTE needs; the two
take turns and the best of the rounds counts, so that other work on the machine disturbs both alike. Other work
lengthens the clock's seconds more than the processor's: the latter, divided by the threads, estimate what an idle
machine would take. The share of the arithmetic limit is that of our processor second in one of a float32 product.
"""

from __future__ import annotations

import time

import numba
import numpy as np
from skimage.metrics import structural_similarity

from benchmarks.report import circumstances, keep, parser
from core.smote.ssim import pairwise_ssim

DATA_RANGE = 6.0  # standardised bands, plus and minus three standard deviations
SAMPLE = 60  # pairs for scikit-image in each round
ROUNDS = 3
# Of one window of one pair: 13 for the column of products, 6 for the row of columns, 20 for the formula, one of them a
# division. Windows that wrap around a row's end are computed too.
OPERATIONS = 39


def patches(n: int, seed: int = 0) -> np.ndarray:
    """(n, 12, 64, 64) float32: texture, smooth fields with outliers, and one constant patch."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, 12, 64, 64))
    smooth = images[: n // 2]
    smooth[:] = np.cumsum(np.cumsum(smooth, axis=2), axis=3) / 20
    smooth[rng.random(smooth.shape) < 0.001] = 15.0
    images[n // 2] = 0.5
    return images.astype(np.float32)


def limit_gflops(side: int = 1024) -> float:
    """What one processor second of a product of float32 matrices does here, the best of the rounds."""
    a = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    took = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        for _ in range(4):  # the processor's clock is coarse
            a @ a
        took.append((time.process_time() - start) / 4)
    return 2 * side**3 / min(took) / 1e9


def measure(n: int) -> dict:
    images = patches(n)
    rng = np.random.default_rng(1)
    sample = [tuple(sorted(rng.choice(n, 2, replace=False))) for _ in range(SAMPLE)]
    sample += [(0, n // 2), (n // 2 - 1, n - 1), (0, 1)]
    pairwise_ssim(images[:2], DATA_RANGE)  # compiles, or loads what an earlier process compiled
    ours, theirs, processor, peers = [], [], [], []
    for _ in range(ROUNDS):
        start, spent = time.perf_counter(), time.process_time()
        matrix = pairwise_ssim(images, DATA_RANGE)
        ours.append((time.perf_counter() - start) / (n * (n - 1) / 2))
        processor.append((time.process_time() - spent) / (n * (n - 1) / 2))
        start, spent = time.perf_counter(), time.process_time()
        expected = [
            structural_similarity(images[i], images[j], data_range=DATA_RANGE, channel_axis=0) for i, j in sample
        ]
        theirs.append((time.perf_counter() - start) / len(sample))
        peers.append((time.process_time() - spent) / len(sample))
    exact = [
        structural_similarity(*images[[i, j]].astype(np.float64), data_range=DATA_RANGE, channel_axis=0)
        for i, j in sample
    ]
    gflops, limit = 12 * 58 * 64 * OPERATIONS / min(processor) / 1e9, limit_gflops()
    threads = numba.config.NUMBA_NUM_THREADS
    found = np.array([matrix[i, j] for i, j in sample])
    return {
        "benchmark": "ssim",
        "peer": "skimage.metrics.structural_similarity",
        "n_patches": n,
        "shape": [12, 64, 64],
        "n_pairs": n * (n - 1) // 2,
        "ms_per_pair": round(min(ours) * 1e3, 5),
        "ms_per_pair_peer": round(min(theirs) * 1e3, 4),
        "ratio": round(min(theirs) / min(ours), 1),
        "ratio_idle_estimate": round(min(peers) / min(processor) * threads, 1),
        "max_error": float(f"{np.abs(found - exact).max():.2g}"),
        "max_error_of_peer_in_float32": float(f"{np.abs(np.array(expected) - exact).max():.2g}"),
        "seconds_for_786885_pairs": round(min(ours) * 786885, 1),
        "processor_seconds_for_786885_pairs": round(min(processor) * 786885, 1),
        "seconds_idle_estimate_for_786885_pairs": round(min(processor) * 786885 / threads, 1),
        "gflops_a_core": round(gflops, 1),
        "gflops_a_core_of_a_matrix_product": round(limit, 1),
        "share_of_that": round(gflops / limit, 2),
        "threads": threads,
        **circumstances("numpy", "numba", "scikit-image"),
    }


def main() -> None:
    options = parser(__doc__, 200)
    arguments = options.parse_args()
    result = measure(arguments.n)
    print("| SSIM | ms a pair | scikit-image | ratio | largest error | machine |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {result['n_pairs']} pairs of 12 x 64 x 64 | {result['ms_per_pair']:.4f} | {result['ms_per_pair_peer']:.3f} "
        f"| {result['ratio']:.0f} x | {result['max_error']:.1e} | {result['machine']} |"
    )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
