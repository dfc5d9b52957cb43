"""The demo's training as one process does it, and as several processes of this machine do, in turns.

    python -m benchmarks.experiments.scaling.processes [--n 1200] [--out benchmarks/results/processes.json]

Whole jobs by a real worker: from its start to the run's summary, and of that the folds, maps and explanations. The demo
is a small network on small patches; a network that keeps all cores busy gains less.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from benchmarks.report import circumstances, keep, parser
from core.config import preset
from core.data.demo import demo_steps
from core.device import usable_cores
from core.progress import drain
from core.runs.store import RunFolder, create_run

ROOT = Path(__file__).resolve().parents[3]
WAYS, ROUNDS = ("local", "processes"), 1
# Stage -> the event it begins with, and the one it ends with.
STAGES = {"folds": ("started", "judging"), "maps and explanations": ("judging", "summary")}


def seconds(run: RunFolder, executor: str) -> dict[str, float]:
    """Of the job's stages, and together."""
    environment = os.environ | {"LANDSLIDE_JOBS": f"executor={executor}"}
    command = [sys.executable, "-m", "core.workers.job_worker", str(run.path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    first: dict[str, datetime] = {}
    for line in (run.path / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        first.setdefault(event["event"], datetime.fromisoformat(event["time"]))
    found = {name: (first[end] - first[start]).total_seconds() for name, (start, end) in STAGES.items()}
    return found | {"all": sum(found.values())}


def main() -> None:
    """See the module."""
    args = parser(__doc__, 1200).parse_args()
    config = preset("demo")
    with tempfile.TemporaryDirectory(prefix="bench-processes-") as folder:
        home = Path(folder)
        dataset = home / "demo.h5"
        drain(demo_steps(dataset, args.n, 0))
        rounds: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        scores = {}
        for k in range(ROUNDS):
            for way in WAYS:
                run = create_run(home, config, dataset, f"{way}{k}")
                rounds[way].append(seconds(run, way))
                summary = run.summary()
                scores[way] = {"f1": summary["oof"]["f1"], "auc": summary["oof"]["auc"], "head": summary["head"]}
                print(way, rounds[way][-1], scores[way], flush=True)
    least = {way: min(found, key=lambda one: one["all"]) for way, found in rounds.items()}
    keep(circumstances("torch") | {
        "benchmark": "processes", "n": args.n, "folds": config.folds.n_splits, "epochs": config.train.epochs,
        "cores": usable_cores(), "rounds": ROUNDS, "seconds": rounds, "least": least, "scores": scores,
        "speed": {name: least["local"][name] / least["processes"][name] for name in least["local"]},
    }, args.out)  # fmt: skip


if __name__ == "__main__":
    main()
