"""The five most similar of 50 000 patches on a CPU: seconds, memory, and the share of exact neighbours that is found.

    python -m benchmarks.speed.neighbours [--n 50000] [--anchors 40] [--out benchmarks/results/neighbours.json]

The patches (12 x 64 x 64) are simulated (``core.data.demo``) and standardised; a quarter of them is drawn, the others
are these mirrored and turned, which SSIM sees as other patches. They lie in a file that is read as it is needed. Recall
is that of the exact neighbours of anchors drawn evenly, found by comparing each with every patch. Seconds of the
processor stand beside those of the clock, because other work on the machine lengthens only the latter.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.data.demo import simulate
from core.data.normalise import fit_normaliser
from core.smote.preselect import nearest_preselected
from core.smote.topk import nearest_of_anchors

DATA_RANGE = 6.0
K = 5
BATCH = 1250
WAYS = ((1, 1), (-1, 1), (1, -1), (-1, -1))  # as drawn, mirrored twice, turned by half


class FourWays:
    """(4 n, C, H, W) patches of which only a quarter is kept; sliced like an array."""

    def __init__(self, base: np.ndarray):
        self.base, self.shape = base, (4 * len(base), *base.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key) -> np.ndarray:
        rows, *bands = key if isinstance(key, tuple) else (key,)
        wanted = np.arange(len(self))[rows]
        way, row = np.divmod(wanted, len(self.base))
        out = []
        for w in np.unique(way):  # in order, since positions ascend
            inner = row[way == w]
            whole = len(inner) and len(inner) == inner[-1] - inner[0] + 1
            part = self.base[(slice(inner[0], inner[-1] + 1) if whole else inner, *bands)]
            out.append(part[..., :: WAYS[w][0], :: WAYS[w][1]])
        return np.concatenate(out)


def simulated(n: int, path: Path) -> np.ndarray:
    """(n, 12, 64, 64) standardised patches in a file."""
    out = np.lib.format.open_memmap(path, "w+", np.float32, (n, 12, 64, 64))
    normaliser = None
    for batch, start in enumerate(range(0, n, BATCH)):
        images = simulate(max(BATCH, 60), 100 + batch).images
        normaliser = normaliser or fit_normaliser(images, "standard", [str(band) for band in range(12)])
        out[start : start + BATCH] = normaliser.transform(images)[: min(BATCH, n - start)]
    return out


def measure(n: int, n_anchors: int, base: np.ndarray) -> dict:
    images = FourWays(base[: n // 4])
    nearest_preselected(images.base[:20], DATA_RANGE, K)  # compiles, or loads what an earlier process compiled
    clock, processor = time.perf_counter(), time.process_time()
    found = nearest_preselected(images, DATA_RANGE, K)
    seconds, cpu = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    anchors = np.sort(np.random.default_rng(0).choice(len(images), n_anchors, replace=False))
    clock, processor = time.perf_counter(), time.process_time()
    exact = nearest_of_anchors(images, DATA_RANGE, anchors, K)
    hits = [len(set(found.index[a]) & set(row)) / K for a, row in zip(anchors, exact.index, strict=True)]
    return {
        "benchmark": "neighbours",
        "n_patches": len(images),
        "shape": list(images.shape[1:]),
        "n_pairs": len(images) * (len(images) - 1) // 2,
        "k": K,
        "seconds": round(seconds, 1),
        "processor_seconds": round(cpu, 1),
        "peak_resident_GiB": round(peak, 2),
        "anchors": n_anchors,
        "recall": round(float(np.mean(hits)), 3),
        "recall_standard_error": round(float(np.std(hits) / np.sqrt(n_anchors)), 3),
        "mean_ssim": round(float(found.ssim[anchors].mean()), 4),
        "mean_ssim_exact": round(float(exact.ssim.mean()), 4),
        "processor_ms_per_exact_pair": round((time.process_time() - processor) * 1e3 / (n_anchors * len(images)), 4),
        "seconds_of_exact_anchors": round(time.perf_counter() - clock, 1),
        **circumstances("numpy", "numba"),
    }


def main() -> None:
    options = parser(__doc__, 50_000)
    options.add_argument("--anchors", type=int, default=40, help="patches whose exact neighbours are looked for")
    options.add_argument("--patches", type=Path, help="a .npy file of standardised patches, at least a quarter of n")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.patches:
            base = np.load(arguments.patches, mmap_mode="r")
        else:
            base = simulated(arguments.n // 4, Path(folder) / "patches.npy")
        result = measure(arguments.n, arguments.anchors, base)
    print("| neighbours | seconds | processor | recall | memory | machine |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {result['n_patches']:,} patches | {result['seconds']:.0f} | {result['processor_seconds']:.0f} "
        f"| {result['recall']:.3f} | {result['peak_resident_GiB']:.1f} GiB | {result['machine']} |"
    )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
