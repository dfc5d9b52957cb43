"""How OpenMP's threads should wait in a training process: spinning, asleep, or first the one and then the other.

    python -m benchmarks.speed.waiting [--n 8] [--out benchmarks/results/waiting.json]

The product's training loop (see ``bench_train``) on a CPU, once in each environment, alone and beside one and two
processes that do nothing but compute. The loops take turns; medians of ``--n`` turns count.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.report import circumstances, keep, parser
from benchmarks.speed.train import Loop
from benchmarks.speed.training_loops import settings
from core.jobs.processes import child_environment

NEIGHBOURS = (0, 1, 2)
OURS = child_environment()
BARE = {key: value for key, value in OURS.items() if key not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
WAYS = {"as OpenMP does untold": BARE, "asleep at once": BARE | {"OMP_WAIT_POLICY": "PASSIVE"}, "as we tell it": OURS}


def main() -> None:
    given = parser(__doc__, 8, "turns of each loop").parse_args()
    loops = {name: Loop("full", "cpu", environment) for name, environment in WAYS.items()}
    batch, speed = settings("cpu").train.batch_size, {}
    try:
        for loop in loops.values():
            loop.turn()
        for n in NEIGHBOURS:
            busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
            seconds: dict[str, list[float]] = {name: [] for name in loops}
            try:
                for _ in range(given.n):
                    for name, loop in loops.items():
                        seconds[name].append(loop.turn()["seconds"])
            finally:
                for process in busy:
                    process.kill()
                    process.wait()
            speed[n] = {name: round(batch / median(values)) for name, values in seconds.items()}
    finally:
        for loop in loops.values():
            loop.end()
    print("| busy neighbours | " + " | ".join(WAYS) + " |\n|---|" + "---|" * len(WAYS))
    for n, row in speed.items():
        print(f"| {n} | " + " | ".join(f"{value} images/s" for value in row.values()) + " |")
    told = {key: OURS[key] for key in OURS if key not in BARE}
    keep(
        {"benchmark": "waiting", "told": told, "turns": given.n, "images_per_second_by_neighbours": speed}
        | circumstances("torch", "timm"),
        given.out,
    )


if __name__ == "__main__":
    main()
