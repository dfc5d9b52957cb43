"""Ingest of .npy patches against the plain way (load all, stack, write) on the same files: patches a second, memory.

    python -m benchmarks.speed.ingest [--n 50000] [--peer 10000] [--side 64] [--out benchmarks/results/ingest.json]

Both run in a process of their own, whose peak resident memory is read when it ends. The plain way holds every patch
twice in memory (the list and the stack), so it gets ``--peer`` of the patches; it neither brings the bands to the
front, nor checks a file, summarises the bands or hashes the content, and a killed one starts from zero. The files are
made here and removed again: float32 (H, W, 12), all in one folder, and just written, so both read them from memory as
far as there is room. 50 000 patches need 28 GiB of disk; where there is less, fewer are measured and it says how many.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from benchmarks.report import circumstances, keep, parser

ROOT = Path(__file__).resolve().parents[2]
BANDS = 12
OURS = """
import json, resource, sys, time
start = time.perf_counter()
from benchmarks.report import circumstances, keep, parser
from core.data.readers import ReaderOptions, ingest
steps, phases = ingest("folders", sys.argv[1], sys.argv[2], ReaderOptions()), {}
for step in steps:
    phases[step.fields["stage"]] = time.perf_counter() - start
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "until": phases, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""
PLAIN = """
import json, pathlib, resource, sys, time
start = time.perf_counter()
import h5py, numpy
files = sorted(pathlib.Path(sys.argv[1]).glob("*.npy"))[: int(sys.argv[3])]
images = numpy.stack([numpy.load(path) for path in files])
with h5py.File(sys.argv[2], "w") as file:
    file.create_dataset("images", data=images)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def make(folder: Path, n: int, side: int) -> None:
    """n patches: one of sixteen random fields, turned by its number, with the number in a corner."""
    rng = np.random.default_rng(0)
    fields = rng.normal(1500, 400, (16, side, side, BANDS)).astype(np.float32)
    for i in range(n):
        field = np.roll(fields[i % 16], i // 16, axis=0)
        field[0, 0, 0] = i
        np.save(folder / f"p{i:06d}.npy", field)


def timed(code: str, *arguments: object) -> dict:
    """What a child process says of itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def measure(n: int, n_peer: int, side: int) -> dict:
    place = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
    try:
        room = int(0.9 * shutil.disk_usage(place).free) // (4 * side * side * BANDS * 3)  # files, spool and dataset
        n, n_peer = min(n, room), min(n_peer, room)
        source = place / "patches"
        source.mkdir()
        start = time.perf_counter()
        make(source, n, side)
        made = time.perf_counter() - start
        theirs = timed(PLAIN, source, place / "plain.h5", n_peer)
        (place / "plain.h5").unlink()
        ours = timed(OURS, source, place / "ours.h5")
        with h5py.File(place / "ours.h5") as file:
            assert file["images"].shape == (n, BANDS, side, side)
            assert [int(file["images"][row, 0, 0, 0]) for row in (0, n // 2, n - 1)] == [0, n // 2, n - 1]
    finally:
        shutil.rmtree(place)
    rate, rate_peer = n / ours["seconds"], n_peer / theirs["seconds"]
    return {
        "benchmark": "ingest",
        "peer": "numpy.load of every file, numpy.stack, h5py create_dataset",
        "n_patches": n,
        "n_patches_peer": n_peer,
        "shape": [BANDS, side, side],
        "dtype": "float32",
        "seconds": round(ours["seconds"], 1),
        "seconds_until": {what: round(value, 1) for what, value in ours["until"].items()},
        "seconds_peer": round(theirs["seconds"], 1),
        "patches_per_second": round(rate),
        "patches_per_second_peer": round(rate_peer),
        "ratio": round(rate / rate_peer, 2),
        "peak_mib": round(ours["peak"] / 1024),
        "peak_mib_peer": round(theirs["peak"] / 1024),
        "peak_mib_peer_for_all": round(2 * n * side * side * BANDS * 4 / 2**20),
        "seconds_to_make_the_files": round(made, 1),
        **circumstances("numpy", "h5py"),
    }


def main() -> None:
    options = parser(__doc__, 50_000)
    options.add_argument("--peer", type=int, default=10_000, help="how many of them the plain way gets")
    options.add_argument("--side", type=int, default=64, help="pixels a side")
    arguments = options.parse_args()
    result = measure(arguments.n, min(arguments.peer, arguments.n), arguments.side)
    print("| ingest | patches a second | peak memory | plain way | its peak | ratio | machine |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {result['n_patches']} of {BANDS} x {arguments.side} x {arguments.side} | {result['patches_per_second']} "
        f"| {result['peak_mib']} MiB | {result['patches_per_second_peer']} (of {result['n_patches_peer']}) "
        f"| {result['peak_mib_peer']} MiB | {result['ratio']} x | {result['machine']} |"
    )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
