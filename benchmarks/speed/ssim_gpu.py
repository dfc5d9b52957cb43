"""SSIM on a CUDA device: checked against scikit-image, all pairs of 1255 patches, and the neighbours of many more.

    python -m benchmarks.speed.ssim_gpu [--n 1255] [--neighbours 10000] [--whole] [--out results/ssim_gpu.json]

Takes about a minute, most of it to compile the ways to cut up the work, which are compared. The arithmetic limit is
what a product of float32 matrices reaches here (no TF32). ``--whole`` finds the neighbours of 50 000 patches instead
of scaling them up. Without a CUDA device it says so and leaves earlier figures alone.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations

import numpy as np
import torch
from skimage.metrics import structural_similarity

from benchmarks.report import circumstances, keep, parser
from benchmarks.speed.neighbours import FourWays
from benchmarks.speed.ssim import DATA_RANGE, patches
from core.data.demo import simulate
from core.data.normalise import fit_normaliser
from core.smote import ssim_cuda
from core.smote.ssim import pairwise_ssim
from core.smote.ssim_terms import ranges_of
from core.smote.topk import nearest_patches

PLANS = ((8, 64, 1, 4, True), (8, 64, 1, 2, True), (4, 64, 1, 4, False), (4, 128, 1, 4, False), (8, 128, 2, 4, True),
         (8, 256, 4, 4, True), (16, 32, 1, 2, True), (4, 64, 1, 2, False))  # fmt: skip
# Of one window of one pair, as the kernel does them, a multiply-add counted as two: for R = 4 the column of products
# 21 / 4, once in and once out, 2 to add them, 11 for the formula. For R = 2: 17 / 2 instead.
OPERATIONS = {4: 2 * 21 / 4 + 2 + 11, 2: 2 * 17 / 2 + 2 + 11}
# Instructions that a window of a pair takes in the inner loop, counted in the compiled code for compute capability 9.0
# (cuobjdump -sass), by XB, BY and R.
SLOTS = {(8, 64, 4): 20.6, (8, 128, 4): 20.6, (8, 256, 4): 20.6, (4, 128, 4): 20.7, (8, 64, 2): 23.6, (4, 64, 4): 23.3}
WINDOWS = 12 * 58 * 58
K = 5


def seconds(work, rounds: int = 3) -> float:
    """The best of some rounds after a first one that does not count, device work included."""
    took = []
    for _ in range(rounds + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        took.append(time.perf_counter() - start)
    return min(took[1:])


def compile_plan(plan: tuple) -> None:
    """In a process of its own: leaves the compiled kernel in triton's cache."""
    try:
        time_of_plan(patches(64), plan, rounds=0)
    except Exception:  # a plan that this device cannot run is told of when its turn comes
        pass


def time_of_plan(images: np.ndarray, plan: tuple, rounds: int = 3) -> float:
    from core.smote.ssim_triton import Plan

    plan = Plan(*plan)
    described = ssim_cuda.describe(images, ranges_of(images.shape, images.dtype, DATA_RANGE), None, "cuda", plan)
    if not rounds:
        ssim_cuda.compare(described, described, plan)
        return 0.0
    return seconds(lambda: ssim_cuda.compare(described, described, plan), rounds)


def checked() -> dict:
    """Largest differences: from scikit-image on three kinds of patches, and from the CPU's kernel with nodata."""
    demo = simulate(60, 0).images[:12]
    kinds = {
        "random, smooth with outliers, constant": patches(16),
        "simulated landslides, standardised": fit_normaliser(demo, "standard", [str(b) for b in range(12)]).transform(
            demo
        ),
        "raw units far from zero": (10_000 + 3 * np.random.default_rng(3).normal(size=(8, 3, 33, 40))).astype(
            np.float32
        ),
    }
    out = {}
    for name, images in kinds.items():
        data_range = 20.0 if name.startswith("raw") else DATA_RANGE
        found = pairwise_ssim(images, data_range, device="cuda")
        errors = [
            abs(
                found[i, j]
                - structural_similarity(*images[[i, j]].astype(float), data_range=data_range, channel_axis=0)
            )
            for i, j in combinations(range(len(images)), 2)
        ]
        out[name] = float(f"{max(errors):.2g}")
    images = patches(300)
    valid = np.random.default_rng(4).random((300, 64, 64)) > 0.0003
    valid[7] = False
    with_nodata = np.abs(pairwise_ssim(images, DATA_RANGE, valid, "cuda") - pairwise_ssim(images, DATA_RANGE, valid))
    out["with nodata, from the CPU's kernel"] = float(f"{with_nodata.max():.2g}")
    on_gpu = nearest_patches(images, DATA_RANGE, K, valid=valid, device="cuda", tile=128)
    on_cpu = nearest_patches(images, DATA_RANGE, K, valid=valid)
    out["neighbours, from the CPU's kernel"] = float(f"{np.abs(on_gpu.ssim - on_cpu.ssim).max():.2g}")
    out["neighbours that are others"] = int((on_gpu.index != on_cpu.index).sum())
    return out


def limits() -> tuple[float, float]:
    """TFLOP/s of a float32 product, and GB/s of a copy, reading and writing."""
    torch.backends.cuda.matmul.allow_tf32 = False
    a = torch.randn(8192, 8192, device="cuda")
    tflops = 2 * 8192**3 / seconds(lambda: a @ a, 5) / 1e12
    b = torch.empty(2**28, device="cuda")
    c = torch.empty_like(b)
    return tflops, 2 * b.numel() * 4 / seconds(lambda: c.copy_(b), 5) / 1e9


def measure(n: int, n_neighbours: int, whole: bool) -> dict:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(compile_plan, PLANS))
    differences = checked()
    print(f"largest differences: {differences}", flush=True)
    base = patches(max(n, n_neighbours // 4))
    images, pairs = base[:n], n * (n - 1) // 2
    plans = {}
    for plan in PLANS:
        try:
            plans[plan] = time_of_plan(images, plan)
        except Exception as error:  # a plan that does not fit this device
            print(f"plan {plan}: {type(error).__name__}: {str(error)[:200]}", flush=True)
            continue
        print(f"plan {plan}: {plans[plan] * 1e3:.1f} ms", flush=True)
    best = min(plans, key=plans.get)
    from core.smote.ssim_triton import PLAN

    kernel = plans[tuple(PLAN)]
    ranges = ranges_of(images.shape, images.dtype, DATA_RANGE)
    describing = seconds(lambda: ssim_cuda.describe(images, ranges, None, "cuda"), 2)
    end_to_end = seconds(lambda: pairwise_ssim(images, DATA_RANGE, device="cuda"), 3)
    sample = [(i, i + 5) for i in range(0, 40, 2)]
    start = time.perf_counter()
    for i, j in sample:
        structural_similarity(images[i], images[j], data_range=DATA_RANGE, channel_axis=0)
    peer = (time.perf_counter() - start) / len(sample)
    tflops, gbs = limits()
    windows = pairs * WINDOWS
    done = windows * OPERATIONS[best[3]] / plans[best] / 1e12
    slots = SLOTS.get((best[0], best[1], best[3]))
    many = FourWays(base[: n_neighbours // 4])
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    nearest_patches(many, DATA_RANGE, K, device="cuda")
    neighbours = time.perf_counter() - start
    result = {
        "benchmark": "ssim_gpu",
        "device": torch.cuda.get_device_name(),
        "peer": "skimage.metrics.structural_similarity on one core",
        "n_patches": n,
        "shape": [12, 64, 64],
        "n_pairs": pairs,
        "seconds": round(end_to_end, 4),
        "seconds_of_the_kernel": round(kernel, 4),
        "seconds_of_copying_and_describing": round(describing, 4),
        "seconds_of_the_best_plan": round(plans[best], 4),
        "best_plan": list(best),
        "ms_by_plan": {str(plan): round(took * 1e3, 1) for plan, took in plans.items()},
        "ms_per_pair_peer": round(peer * 1e3, 3),
        "ratio": round(peer * pairs / end_to_end),
        "largest_difference": differences,
        "tflops": round(done, 1),
        "tflops_of_a_matrix_product": round(tflops, 1),
        "share_of_that": round(done / tflops, 2),
        "share_of_instruction_slots": slots and round(windows * slots / plans[best] / (tflops * 1e12 / 2), 2),
        "copy_gb_per_s": round(gbs),
        "share_of_bandwidth": round(n * WINDOWS / 58**2 * 10824 * 4 / plans[best] / 1e9 / gbs, 3),
        "neighbours_n": len(many),
        "neighbours_seconds": round(neighbours, 2),
        "neighbours_peak_GiB": round(torch.cuda.max_memory_allocated() / 2**30, 2),
        "seconds_for_50000_scaled_up": round(neighbours * (50_000 / len(many)) ** 2, 1),
    }
    if whole:
        moved = [np.roll(base[:2500], 9 * step, axis=3) for step in range(5)]  # other patches to SSIM
        many = FourWays(np.concatenate(moved))
        torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        nearest_patches(many, DATA_RANGE, K, device="cuda")
        result["neighbours_whole_n"] = len(many)
        result["neighbours_whole_seconds"] = round(time.perf_counter() - start, 1)
        result["neighbours_whole_peak_GiB"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    return result | circumstances("numpy", "torch", "triton", "scikit-image")


def main() -> None:
    options = parser(__doc__, 1255)
    options.add_argument("--neighbours", type=int, default=10_000, help="patches whose neighbours are looked for")
    options.add_argument("--whole", action="store_true", help="50 000 of them too: two minutes and 6 GB of memory")
    arguments = options.parse_args()
    if not ssim_cuda.usable("cuda" if torch.cuda.is_available() else None):
        print("No CUDA device with triton is here; nothing was measured.", file=sys.stderr)
        return
    result = measure(arguments.n, arguments.neighbours, arguments.whole)
    print("| SSIM on a GPU | seconds | kernel | scikit-image | neighbours of 50 000 | device |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {result['n_pairs']} pairs | {result['seconds']:.3f} | {result['seconds_of_the_kernel']:.3f} | "
        f"{result['ratio']} x | {result.get('neighbours_whole_seconds', result['seconds_for_50000_scaled_up'])} s "
        f"| {result['device']} |"
    )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
