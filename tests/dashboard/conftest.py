"""``studio``: a temporary checkpoints folder that ``LANDSLIDE_CHECKPOINTS`` points to, and what can be put into it."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from core.data.bands import ZINDI_BANDS, Band
from core.data.store import DatasetWriter, open_dataset
from core.jobs import lanes, processes, queue, rows
from core.jobs.analysis_folder import list_for, of_path
from core.runs.store import FINAL_STATES, RunFolder
from core.runs.targets import CheckpointsTarget, DatasetTarget, Target
from tests.builders import asleep, make_dataset, make_run, sleeper, work_on
from tests.in_process import do_job

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
STATES = ("running", "succeeded", "failed")
SPAWN = processes.spawn
COMPILING = "core.workers.compiling"  # ahead of what nobody here waits for


@dataclass(frozen=True)
class Studio:
    """A temporary checkpoints folder and what can be put into it."""

    checkpoints: Path
    templates: Path
    begun: list[Path] = field(default_factory=list)  # jobs whose turn it is, done when a test waits for them
    standing_in: list[subprocess.Popen] = field(default_factory=list)  # for their workers

    def add_dataset(self, name: str = "tiny") -> Path:
        """A copy of the tiny dataset under ``name``."""
        path = self.checkpoints / "datasets" / f"{name}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.templates / "tiny.h5", path)
        return path

    def add_placed(self, name: str = "placed", doubled: bool = False) -> Path:
        """The tiny dataset on a grid of places near 10 E, 46 N, with a split and a column; the last patch has no place.

        ``doubled``: its first two landslides occur a second time, in another part of the split.
        """
        data = open_dataset(self.templates / "tiny.h5")
        rows = np.arange(len(data))
        if doubled:
            rows = np.concatenate([rows, np.flatnonzero(data.labels == 1)[:2]])
        n = len(rows)
        lonlat = np.stack([10 + 0.01 * (np.arange(n) % 8), 46 + 0.01 * (np.arange(n) // 8)], axis=1)
        lonlat[-1] = np.nan
        path = self.checkpoints / "datasets" / f"{name}.h5"
        with DatasetWriter(
            path, bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source="Made in a test."
        ) as writer:
            writer.append(
                data.images(rows), data.labels[rows], [f"P{i:03d}" for i in range(n)], lonlat=lonlat,
                split=["train"] * 50 + ["test"] * (n - 50), columns={"sensor": [f"S{i % 3}" for i in range(n)]},
                groups=[f"g{i // 3}" for i in range(n)],
            )  # fmt: skip
            writer.finish()
        return path

    def add_run(self, dataset: Path, state: str = "succeeded") -> RunFolder:
        """A copy of the prepared run in that state, pointing at ``dataset``."""
        source = self.templates / state
        if not source.is_dir():
            run = make_run(self.checkpoints, dataset, state)
            if state == "queued":
                self.hold_lane(run)
            return run
        target = self.checkpoints / next(source.iterdir()).name
        shutil.copytree(next(source.iterdir()), target)
        run = RunFolder(target)
        run.write_json("job.json", {**run.job(), "dataset": str(dataset.resolve())})
        if state == "running":
            work_on(run)  # the one of the template may have been cancelled
        return run

    def dataset_target(self, path: Path) -> DatasetTarget:
        """A dataset file as something that is asked about."""
        return DatasetTarget(path, self.checkpoints)

    def answered(self, target: Target | None, analysis: str) -> dict:
        """The status of the analysis of this name that was asked for last, when it has ended. No target: the folder."""
        target = target or CheckpointsTarget(self.checkpoints)
        for _ in range(1800):
            while self.begun:
                folder = of_path(self.begun.pop(0))
                if folder is not None and folder.known_status()["state"] == "running":
                    do_job(folder)
            job = next(iter(list_for(target, analysis)), None)
            if job is not None and queue.job(self.checkpoints, job.name).state in FINAL_STATES:
                return job.status()
            time.sleep(0.05)
        raise AssertionError(f"No analysis {analysis} of {target.name} has ended.")

    def add_hostile(self) -> RunFolder:
        """A dataset and a finished run whose every name tries to become a link, a picture or a formula."""
        bands = (Band("<b>b0</b>", "[t](javascript:alert(1))", unit="<u>", family="optical"), *ZINDI_BANDS[1:])
        data = make_dataset(
            self.checkpoints / "datasets" / "hostile.h5",
            class_names=("![o](http://x.example/o.png)", "[L](javascript:alert(2))"),
            id_form="<img src=x onerror=alert({:04d})>",
            bands=bands,
            source="=HYPERLINK(1) <script>alert(3)</script> $x^2$ :red[s] www.x.example",
        )
        return make_run(self.checkpoints, data.path)

    def begin(self, arguments, log, environment=None) -> processes.ProcessId:
        """Stands for ``processes.spawn``: a worker of a job only sleeps until :meth:`answered` does the job."""
        if arguments[1] == rows.WORKER:
            self.begun.append(Path(arguments[-1]))
        elif arguments[1] != COMPILING:
            return SPAWN(arguments, log, environment)
        self.standing_in.append(process := asleep())
        return processes.identify(process.pid)

    def hold_lane(self, run: RunFolder) -> None:
        """Nothing of this run's lane is started: a process that only sleeps has it."""
        holder = sleeper()
        with rows.transaction(self.checkpoints) as table:
            row = ("holder", "holder", "", lanes.lane_of(run), "running", holder.pid, holder.started, 0.0)
            table.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def busy_lane(self, dataset: Path) -> RunFolder:
        """A running run whose worker only sleeps: whatever is submitted after it waits."""
        run = self.add_run(dataset, "running")
        assert queue.job(self.checkpoints, run.name).place == 0
        with rows.transaction(self.checkpoints) as table:
            table.execute("UPDATE jobs SET spec = 'another', queued = 0 WHERE name = ?", (run.name,))
        return run


@pytest.fixture(scope="session")
def templates(tmp_path_factory) -> Path:
    """One tiny dataset and one run in each state, made once."""
    root = tmp_path_factory.mktemp("templates")
    data = make_dataset(root / "tiny.h5")
    for state in STATES:
        make_run(root / state, data.path, state)
    return root


@pytest.fixture
def studio(tmp_path, templates, monkeypatch) -> Iterator[Studio]:
    """An empty checkpoints folder that the dashboard looks into."""
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(checkpoints))
    made = Studio(checkpoints, templates)
    monkeypatch.setattr(processes, "spawn", made.begin)
    yield made
    for process in made.standing_in:
        process.kill()


@pytest.fixture
def workers(studio, monkeypatch) -> None:
    """Jobs are done by processes of their own, as outside of the tests."""
    monkeypatch.setattr(processes, "spawn", SPAWN)


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once():
    """Streamlit reads the metadata of every installed package whenever an AppTest begins: 0.25 s, for one answer."""
    from streamlit.components.v2 import manifest_scanner as scanner

    found = functools.cache(scanner.scan_component_manifests)
    with mock.patch.object(scanner, "scan_component_manifests", found):
        yield


@pytest.fixture
def open_page(studio):
    """Opens a page in Streamlit's AppTest through the real entry point: ``open_page("train", run="...")``."""
    from streamlit.testing.v1 import AppTest

    def opened(page: str, timeout: float = 30, **query: str):
        at = AppTest.from_file(str(APP), default_timeout=timeout)
        for key, value in query.items():
            at.query_params[key] = value
        if page != "overview":
            at.switch_page(f"../pages/{page}.py")
        return at.run()

    return opened
