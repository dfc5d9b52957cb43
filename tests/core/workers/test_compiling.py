"""What numba keeps on disk is there once the process that compiles ahead has ended."""

import os
import subprocess
import sys

import pytest

from core.commands import demo
from core.jobs import processes
from tests.command_line import core


@pytest.mark.slow
def test_ssim_and_umap_are_compiled_and_kept(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": "."}
    subprocess.run([sys.executable, "-m", "core.workers.compiling"], env=environment, check=True, timeout=300)
    kept = {path.name.partition("-")[0].partition(".")[0] for path in tmp_path.rglob("*.nbi")}
    assert {"ssim", "distances", "utils"} <= kept


def test_the_demo_compiles_ahead_only_while_its_dataset_is_made(tmp_path, monkeypatch):
    began = []
    monkeypatch.setattr(processes, "open_pipe", lambda arguments, *pipes: began.append(arguments))
    monkeypatch.setattr(demo, "analyse", lambda *asked: began.append("dataset"))
    monkeypatch.setattr(demo, "follow", lambda *asked: (_ for _ in ()).throw(KeyboardInterrupt))
    core("demo", "--checkpoints", tmp_path, check=False)
    assert began[0] == ["-m", "core.workers.compiling"] and began[1] == "dataset"
