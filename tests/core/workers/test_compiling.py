"""What numba keeps on disk is there once the process that compiles ahead has ended."""

import os
import subprocess
import sys

import pytest

from core.commands import demo
from core.jobs import demo as jobs
from core.jobs import processes, rows
from tests.builders import make_dataset
from tests.command_line import core

COMPILING = ["-m", "core.workers.compiling"]


@pytest.mark.slow
def test_ssim_and_umap_are_compiled_and_kept(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": "."}
    subprocess.run([sys.executable, "-m", "core.workers.compiling"], env=environment, check=True, timeout=300)
    kept = {path.name.partition("-")[0].partition(".")[0] for path in tmp_path.rglob("*.nbi")}
    assert {"ssim", "distances", "utils"} <= kept


@pytest.fixture
def began(monkeypatch):
    """What was started, instead of starting it."""
    started = []
    monkeypatch.setattr(processes, "spawn", lambda arguments, log: started.append(arguments))
    return started


def test_the_command_compiles_ahead_while_the_dataset_is_made(tmp_path, monkeypatch, began):
    monkeypatch.setattr(demo, "analyse", lambda *asked: began.append("dataset"))
    monkeypatch.setattr(demo, "follow", lambda *asked: (_ for _ in ()).throw(KeyboardInterrupt))
    core("demo", "--checkpoints", tmp_path, check=False)
    assert began == [COMPILING, "dataset"]


def test_the_page_does_too_and_only_where_there_is_no_dataset(tmp_path, monkeypatch, began):
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    jobs.ask(tmp_path)
    assert began == [COMPILING]
    make_dataset(jobs.dataset_of(tmp_path))
    jobs.ask(tmp_path)
    assert began == [COMPILING]
