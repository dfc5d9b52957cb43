"""Folds in one process, and on a Ray cluster of two nodes by one and by two worker processes, in one run.

    python -m benchmarks.experiments.scaling.measured [--n 300] [--out benchmarks/results/scaling.json]

One thread a process. The peer, in the same rounds: two such trainings at once without Ray, which says how much faster
than one the machine's cores are together. Also: what a part costs beside its work, and what writing a checkpoint takes.
Both are what ``benchmarks.experiments.scaling.simulated`` starts from.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
for name in THREADS:
    os.environ[name] = "1"

from benchmarks.report import circumstances, keep, parser  # noqa: E402
from core.config import preset  # noqa: E402
from core.flow.fold_part import fold_parts  # noqa: E402
from core.flow.run_context import prepare  # noqa: E402
from core.jobs.executors.ray_cluster import RayCluster  # noqa: E402
from core.jobs.executors.settings import JobsConfig  # noqa: E402
from core.parts import done_by, together  # noqa: E402
from core.progress import drain  # noqa: E402
from core.runs.store import create_run  # noqa: E402
from core.train.checkpoint import save_checkpoint  # noqa: E402
from tests.builders import make_dataset  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
FOLDS, EPOCHS, ROUNDS = 2, 8, 2


def folds(home: Path, dataset: Path, said: JobsConfig | None) -> tuple[float, float, dict]:
    """Seconds that the folds of a run took, those of preparing it, and the bytes of its networks."""
    settings = [f"folds.n_splits={FOLDS}", f"train.epochs={EPOCHS}", "device=cpu", "heads.lgbm=false"]
    run = create_run(home, preset("demo").with_overrides(settings), dataset, f"bench{time.monotonic_ns()}")
    began = time.perf_counter()
    context = prepare(run)
    prepared = time.perf_counter() - began
    if said is None:
        began = time.perf_counter()
        drain(together(fold_parts(context)))
        taken = time.perf_counter() - began
    else:
        cluster = RayCluster(said)
        try:
            _ = cluster.slots  # connected before the clock starts
            with done_by(cluster):
                began = time.perf_counter()
                drain(together(fold_parts(context)))
                taken = time.perf_counter() - began
        finally:
            cluster.close()
    return taken, prepared, {k: (run.fold_path(k) / "model.safetensors").read_bytes() for k in range(FOLDS)}


def at_once(home: Path, dataset: Path, processes: int = 2) -> float:
    """Mean seconds that the folds of a run took where so many processes trained one at the same time."""
    command = [sys.executable, "-m", "benchmarks.experiments.scaling.measured", "--alone", str(dataset), str(home)]
    begun = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(float(process.communicate()[0].split()[-1]) for process in begun) / processes


def overhead(said: JobsConfig) -> dict[str, float]:
    """Seconds of a part that does nothing: the first one, whose process is started, and each of 20 after it."""
    from tests.core.jobs.executors.made_parts import part

    cluster = RayCluster(said.model_copy(update={"most": 1}))
    try:
        _ = cluster.slots
        began = time.perf_counter()
        for _ in cluster.map([part("add", a=1, b=1)]):
            pass
        first = time.perf_counter() - began
        began = time.perf_counter()
        for _ in cluster.map([part("add", a=1, b=1)] * 20):
            pass
        return {"first_s": first, "next_s": (time.perf_counter() - began) / 20}
    finally:
        cluster.close()


def checkpoint(home: Path) -> dict[str, float]:
    """Bytes a second of a checkpoint of 64 MiB, reached the disk."""
    import numpy as np

    values = {"a": np.random.default_rng(0).random(2**24, np.float32)}
    began = time.perf_counter()
    save_checkpoint(home / "resume", 1, values, {})
    return {"mib": 64, "seconds": time.perf_counter() - began}


def main() -> None:
    """See the module."""
    options = parser(__doc__, 300)
    options.add_argument("--alone", type=Path, nargs=2, help="one training of this dataset, in this checkpoints folder")
    args = options.parse_args()
    if args.alone:
        print(folds(args.alone[1], args.alone[0], None)[0])
        return
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as folder:
        home = Path(folder)
        token = home / "token"
        token.touch(0o600)
        token.write_text(os.urandom(32).hex())
        dataset = make_dataset(home / "datasets" / "made.h5", n=args.n, side=64).path
        nodes = subprocess.Popen(
            [sys.executable, "-m", "tests.core.jobs.executors.nodes", str(token), "1"], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            address = nodes.stdout.readline().strip()
            ray = JobsConfig(executor="ray", address=address, token_file=str(token))
            ways = {"one_process": None, "ray_1": ray.model_copy(update={"most": 1}), "ray_2": ray}
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            prepared, weights, together_s = [], {}, []
            for _ in range(ROUNDS):
                for way, said in ways.items():
                    taken, before, made = folds(home, dataset, said)
                    seconds[way].append(taken)
                    prepared.append(before)
                    assert weights.setdefault("first", made) == made, f"{way} made other weights"
                together_s.append(at_once(home, dataset))
            costs = overhead(ray)
        finally:
            nodes.stdin.close()
            nodes.wait(timeout=120)
        least = {way: min(found) for way, found in seconds.items()}
        result = circumstances("ray", "torch") | {
            "n": args.n, "folds": FOLDS, "epochs": EPOCHS, "rounds": ROUNDS, "seconds": seconds, "least_s": least,
            "prepare_s": min(prepared), "two_at_once_s": together_s,
            "speedup_of_the_cores": 2 * least["one_process"] / min(together_s),
            "speedup_2_of_1": least["ray_1"] / least["ray_2"],
            "ray_1_of_one_process": least["ray_1"] / least["one_process"],
            "ray_2_of_one_process": least["one_process"] / least["ray_2"],
            "fold_s": least["one_process"] / FOLDS, "begin_s": (least["ray_1"] - least["one_process"]) / FOLDS,
            "equal_weights": True, "part": costs, "checkpoint": checkpoint(home),
        }  # fmt: skip
        keep(result, args.out)


if __name__ == "__main__":
    main()
