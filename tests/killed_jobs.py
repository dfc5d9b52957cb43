"""Jobs killed at every file boundary, or at random ones: ``python -m tests.killed_jobs FOLDER JOB SIGNAL [SEEDS]``.

JOB: training, import, attention_maps, ... A program of its own, since it forks: torch is loaded once, no thread is
started before (one core), and each child is a worker that ends itself at a moment of ``core.io.atomic.at_boundary``.
Prints what was walked as JSON; fails with the first difference from an unbroken job.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import core.data.readers
import core.pipeline  # noqa: F401  loaded here once: children would load it each time
from core.analyses import registry
from core.config import RunConfig
from core.io import atomic
from core.jobs.analysis_folder import create
from core.runs.job_folder import JobFolder
from core.runs.store import RunFolder, create_run
from core.runs.targets import CheckpointsTarget
from core.workers import job_worker
from tests.builders import TINY, make_tiny

SETTINGS = (
    *TINY, "embed.method=pca", "heads.svm_C=[0.1]", "heads.lgbm=false", "heads.threshold=half", "train.batch_size=8",
    "train.ema_decay=0.9", "model.drop_rate=0.2", 'explain.occlusion_baselines=["mean"]',
)  # fmt: skip
# What tells when and where something was made.
CLOCKS = {"seconds", "core_seconds", "images_per_second", "memory_mib", "run", "dataset", "path", "created", "time",
          "made", "code"}  # fmt: skip
OF_THE_JOB = {"status.json", "events.jsonl", "log.txt", "job.json", "worker.json"}
# What lies on the disk after one change is what lies there before the next, so the quick walk takes the one side only.
ONE_SIDE = ("replace", "append", "remove")
BOTH_SIDES = (*ONE_SIDE, "write", "replaced", "appended", "removed")
MOMENTS = BOTH_SIDES if os.environ.get("BOTH_SIDES") else ONE_SIDE
# 0 or 1: what each of two folds writes is a boundary in one of them only, drawn for each file; 1 takes the other one.
ONE_FOLD = os.environ.get("ONE_FOLD", "")
ROUNDS = 5000

Boundary = tuple[str, str]  # a moment and a file


class Work:
    """One job, and what it makes."""

    def __init__(self, home: Path, job: str, shared: Path) -> None:
        self.home, self.job = home, job
        home.mkdir(parents=True)
        if job == "training":
            config = RunConfig().with_overrides(SETTINGS)
            self.folder: JobFolder = create_run(home, config, shared / "tiny.h5", "spec")
            self.made = self.folder.path
        elif job == "import":
            self.made = home / "datasets"
            self._ask(CheckpointsTarget(home), "import_dataset",
                      {"format": "folders", "source": shared / "photos", "out": self.made / "new.h5"})  # fmt: skip
        else:
            run = next(path for path in shared.iterdir() if (path / "config.json").is_file())
            shutil.copytree(run, home / run.name)
            self.made = home / run.name
            self._ask(RunFolder(self.made), job, {})

    def _ask(self, target: RunFolder | CheckpointsTarget, name: str, options: dict) -> None:
        self._question = target, name, registry.analysis(name).options(options).model_dump(mode="json")
        self.folder = create(*self._question)

    def again(self) -> None:
        """As the queue resumes it."""
        if self.job == "training":
            self.folder.write_status(state="queued", error=None)
        else:
            self.folder = create(*self._question)

    def start(self, watch: Callable[[str, Path], None], loaded: Path | None = None) -> None:
        """Do it in a child of this process, to its end or to that of the child; ``loaded`` names its modules then."""
        child = os.fork()
        if not child:
            status = 9
            try:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 1)
                atomic.at_boundary = watch
                status = job_worker.main(self.folder)
                if loaded:
                    loaded.write_text("\n".join(sys.modules))
            finally:
                os._exit(status)
        os.waitpid(child, 0)

    def facts(self) -> dict[str, object]:
        """Every file that it made: name -> what it holds, without clocks; and how the job stands."""
        found: dict[str, object] = {"state": self.folder.status()["state"]}
        for path in sorted(self.made.rglob("*")):
            relative = path.relative_to(self.made)
            if path.is_file() and path.name not in OF_THE_JOB and relative.parts[0] not in ("jobs", ".jobs"):
                found[relative.as_posix()] = _content(path)
        return found


def _content(path: Path) -> object:
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text()))
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
        table = table.drop(columns=[name for name in table if name in CLOCKS])
        return [str(table.dtypes.to_dict()), table.to_json(double_precision=15)]
    if path.suffix == ".h5":
        from core.data.store import open_dataset

        data = open_dataset(path)
        return [data.content_hash, hashlib.sha256(np.ascontiguousarray(data.images())).hexdigest()]
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in CLOCKS}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def _watcher(work: Work, note: Path, stop: Callable[[Boundary, int], bool], sign: int) -> Callable[[str, Path], None]:
    """Ends the child at the first boundary for which ``stop`` says so; ``note`` then names it."""
    passed = 0

    def watch(moment: str, path: Path) -> None:
        nonlocal passed
        if not path.is_relative_to(work.home):
            return
        if moment not in MOMENTS:
            return
        boundary = (moment, path.relative_to(work.home).as_posix().replace(work.folder.path.name, "JOB"))
        passed += 1
        if stop(boundary, passed):
            note.write_text(json.dumps(boundary))
            os.kill(os.getpid(), sign)
        with note.with_suffix(".seen").open("a") as file:
            file.write(json.dumps(boundary) + "\n")

    return watch


def _unbroken(root: Path, job: str) -> tuple[dict, int]:
    work = Work(root / "whole", job, root)
    note, loaded = root / "whole.note", root / "loaded.txt"
    work.start(_watcher(work, note, lambda boundary, passed: False, signal.SIGKILL), loaded)
    facts = work.facts()
    assert facts["state"] == "succeeded", work.folder.log() or work.folder.status()
    _load(loaded.read_text().splitlines())
    return facts, len(note.with_suffix(".seen").read_text().splitlines())


def _load(names: list[str]) -> None:
    """What a job loads on its way, loaded here once: children begin with it."""
    for name in names:
        with contextlib.suppress(Exception):  # some names are made by a module that is loaded, and are no files
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page that it shares with this process


def _same(facts: dict, expected: dict, where: object) -> None:
    assert facts["state"] == "succeeded", (where, facts["state"])
    assert facts.keys() == expected.keys(), (where, facts.keys() ^ expected.keys())
    differ = [name for name in expected if facts[name] != expected[name]]
    assert not differ, (where, differ, [(str(facts[name])[:600], str(expected[name])[:600]) for name in differ[:2]])


def _asked(boundary: Boundary) -> bool:
    """Whether the job is stopped here, see ``ONE_FOLD``."""
    fold = re.search(r"fold_(\d)", boundary[1])
    if fold is None or not ONE_FOLD:
        return True
    drawn = random.Random(boundary[1].replace(fold[0], "fold")).randrange(2)
    return int(fold[1]) == (drawn + int(ONE_FOLD)) % 2


def walk(root: Path, job: str, sign: int) -> dict:
    """One job killed once at each boundary that it ever reaches, and resumed each time, until none is left."""
    expected, _ = _unbroken(root, job)
    work, note, met = Work(root / "walked", job, root), root / "walked.note", set()
    for _ in range(ROUNDS):
        note.unlink(missing_ok=True)
        work.start(_watcher(work, note, lambda boundary, passed: _asked(boundary) and boundary not in met, sign))
        if not note.is_file():
            break
        met.add(tuple(json.loads(note.read_text())))
        state = work.folder.status()["state"]
        if state != "succeeded":
            assert sign == signal.SIGKILL or state in ("cancelled", "running", "queued"), (state, note.read_text())
            work.again()
    _same(work.facts(), expected, "walked")
    return {"boundaries": len(met), "kills": len(met)}


def seeds(root: Path, job: str, sign: int, n: int) -> dict:
    """``n`` jobs, each killed at several random boundaries and resumed, then left to end."""
    expected, length = _unbroken(root, job)
    kills, met = 0, set()
    for seed in range(n):
        draw, work, note = random.Random(seed), Work(root / f"seed{seed}", job, root), root / f"seed{seed}.note"
        for _ in range(draw.randint(2, 5)):
            at = draw.randint(1, max(2, length // 2))
            note.unlink(missing_ok=True)
            work.start(_watcher(work, note, lambda boundary, passed, at=at: passed == at, sign))
            if note.is_file():
                kills += 1
                met.add(tuple(json.loads(note.read_text())))
            if work.folder.status()["state"] == "succeeded":
                break
            work.again()
        if work.folder.status()["state"] != "succeeded":
            work.start(lambda moment, path: None)
        _same(work.facts(), expected, f"seed {seed}")
        shutil.rmtree(work.home)
    return {"seeds": n, "kills": kills, "boundaries": len(met)}


def main(root: Path, job: str, sign: int, n: int) -> None:
    """Make what the job needs, and walk."""
    torch.set_num_threads(1)
    os.fsync = lambda file: None  # a killed process leaves its writes to the system; waiting for the disk tells nothing
    root.mkdir(parents=True, exist_ok=True)
    if job == "import":
        _photos(root / "photos")
    else:
        make_tiny(root / "tiny.h5", n=24, side=16)
    if job not in ("training", "import"):
        run = create_run(root, RunConfig().with_overrides(SETTINGS), root / "tiny.h5", "spec")
        child = os.fork()
        if not child:
            os._exit(job_worker.main(run))
        os.waitpid(child, 0)
    print(json.dumps(seeds(root, job, sign, n) if n else walk(root, job, sign)))


def _photos(folder: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(12):
        place = folder / ("landslide" if i % 3 == 0 else "other")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(place / f"p{i}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], getattr(signal, sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0)
