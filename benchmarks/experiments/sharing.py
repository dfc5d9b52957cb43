"""What the rows of an ablation share is worth: Table 2's eight rows as one job against eight runs by themselves.

    python -m benchmarks.experiments.sharing --out benchmarks/results/sharing.json

The demo's network and simulated patches (``--n``, 12 bands of 64 px), 2 folds, ``--epochs`` epochs, 2 threads at most.
Each run by itself is a process of its own, as ``train`` starts one: interpreter, libraries, dataset, training, scores.
The job is one process that trains the same rows, and compares them too. Half of the runs come before the job and half
after it, so that other work on the machine weighs on both. ``cpu``: processor time, which such work disturbs less than
the clock. ``shared``: what was taken instead of made, and what making it took. Both ways must end with equal numbers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.report import circumstances, keep, parser
from core.data.demo import demo_steps
from core.data.store import open_dataset
from core.experiments.base import Asked, Row, planned
from core.experiments.registry import kind
from core.flow.shared import Shared
from core.progress import drain
from core.runs.store import create_run, specification
from core.runs.targets import DatasetTarget

SETTINGS = (
    "device=cpu", "folds.n_splits=2", "train.warmup_epochs=0", "embed.method=pca", "explain.enabled=false",
    "heads.head=fc", "heads.svm_C=[0.1]", "heads.lgbm=false", "heads.logreg=false",
)  # fmt: skip


class Timed(Shared):
    """Shared results that say what they took to make, and how often they were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, dict[str, float]] = {}

    def of(self, kind: str, key: Hashable, make: Callable[[], Any], most: int = 1) -> Any:
        """As ``Shared.of``."""
        return super().of(kind, key, self._timed(kind, make), most)

    def within(self, kind: str, key: Hashable, make: Callable[[], Any], n_bytes: int) -> Any:
        """As ``Shared.within``."""
        return super().within(kind, key, self._timed(kind, make), n_bytes)

    def _timed(self, kind: str, make: Callable[[], Any]) -> Callable[[], Any]:
        told = self.told.setdefault(kind, {"asked": 0, "made": 0, "cpu_s": 0.0})
        told["asked"] += 1

        def made() -> Any:
            began = time.process_time()
            found = make()
            told["made"] += 1
            told["cpu_s"] += time.process_time() - began
            return found

        return made


def asked(dataset: Path, folder: Path, epochs: int) -> Asked:
    """The question that both ways answer."""
    return Asked(open_dataset(dataset), folder, "full", "demo", (*SETTINGS, f"train.epochs={epochs}"))


def scores(run: Any) -> dict[str, float]:
    """F1 and AUC of every head, by which the two ways are compared."""
    heads = run.summary()["heads"]
    return {f"{name} {metric}": heads[name][metric] for name in sorted(heads) for metric in ("f1", "auc")}


def alone(question: Asked, row: Row, shared: Shared) -> dict[str, Any]:
    """One row as a run by itself."""
    from core.experiments.running import train_here

    began = time.process_time()
    path = question.dataset.path
    run = create_run(question.checkpoints, row.config, path, specification(path, row.config))
    for _ in train_here(run, shared):
        pass
    return {"started_cpu_s": began, "scores": {row.name: scores(run)}}


def together(question: Asked, shared: Timed) -> dict[str, Any]:
    """All rows as one job."""
    from core.experiments.running import run_rows
    from core.runs.store import open_run

    began = time.process_time()
    folder = DatasetTarget(question.dataset.path, question.checkpoints).results("ablate").part("all")
    table = drain(run_rows(question, kind("table2"), "all", folder, shared=shared)).to_dict()
    found = {row["name"]: scores(open_run(question.checkpoints, row["runs"][0])) for row in table["rows"]}
    return {"started_cpu_s": began, "scores": found, "shared": shared.told}


def measured(dataset: Path, epochs: int, row: str) -> dict[str, Any]:
    """One process of either way, by the clock and in processor time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.experiments.sharing", "--epochs", str(epochs), "--row", row]
        began = time.perf_counter()
        process = subprocess.Popen([*command, "--dataset", dataset, "--folder", folder], stdout=subprocess.PIPE)
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    if status:
        raise RuntimeError(f"{row} ended with status {status}.")
    return {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, **json.loads(text.splitlines()[-1])}


def worth(shared: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """By kind: how often it was made and taken, and the processor time that taking it spared; the largest first."""
    found = {}
    for name, one in shared.items():
        taken = one["asked"] - one["made"]
        spared = one["cpu_s"] / one["made"] * taken
        found[name] = {"made": int(one["made"]), "taken": int(taken), "spared_cpu_s": round(spared, 2)}
    return dict(sorted(found.items(), key=lambda item: -item[1]["spared_cpu_s"]))


def compared(dataset: Path, epochs: int, at_once: int = 1) -> dict[str, Any]:
    """Both ways, interleaved, or so many processes at once: then their processor time alone says something."""
    names = [row.name for row in planned(kind("table2"), asked(dataset, dataset.parent, epochs))]
    half = len(names) // 2
    order = [*names[:half], "all", *names[half:]] if at_once == 1 else ["all", *names]
    with ThreadPoolExecutor(at_once) as pool:
        found = dict(zip(order, pool.map(lambda name: measured(dataset, epochs, name), order), strict=True))
    job, rows = found.pop("all"), found
    equal = all(rows[name]["scores"][name] == job["scores"][name] for name in names)
    clocks = ("wall_s", "cpu_s") if at_once == 1 else ("cpu_s",)
    total = {key: sum(row[key] for row in rows.values()) for key in clocks}
    starts = sum(row["started_cpu_s"] for row in rows.values())
    return {
        "n": len(open_dataset(dataset)), "epochs": epochs, "folds": 2, "rows": len(names), "equal_numbers": equal,
        "processes_at_once": at_once,
        "apart": {key: round(value, 1) for key, value in total.items()} | {"starting_cpu_s": round(starts, 1)},
        "job": {key: round(job[key], 1) for key in clocks} | {"starting_cpu_s": round(job["started_cpu_s"], 1)},
        "ratio": {key.removesuffix("_s"): round(job[key] / total[key], 3) for key in clocks},
        "shared": worth(job["shared"]),
        "by_row_cpu_s": {name: round(rows[name]["cpu_s"], 1) for name in names},
    }  # fmt: skip


def main() -> None:
    """See the module."""
    options = parser(__doc__, 240)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--at-once", type=int, default=1, help="processes at once, for a machine that is not quiet")
    for name in ("--dataset", "--folder"):  # of one process
        options.add_argument(name, type=Path)
    options.add_argument("--row")
    given = options.parse_args()
    if given.row:
        question = asked(given.dataset, given.folder, given.epochs)
        if given.row == "all":
            found = together(question, Timed())
        else:
            row = next(one for one in planned(kind("table2"), question) if one.name == given.row)
            found = alone(question, row, Shared())
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "demo.h5"
        drain(demo_steps(dataset, given.n, 0))
        result = compared(dataset, given.epochs, given.at_once)
    keep({"benchmark": "eight rows as one job against eight runs", **result} | circumstances("torch"), given.out)


if __name__ == "__main__":
    main()
