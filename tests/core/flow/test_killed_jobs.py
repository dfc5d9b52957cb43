"""FAULTS 1: jobs killed at every file boundary, and resumed, end as unbroken ones (``tests.killed_jobs`` walks)."""

import json
import os
import subprocess
import sys

import pytest

ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def walked(folder, *arguments, both_sides=False, one_fold="", timeout=600):
    """What was walked; weights, scores, history and summary are compared by the walk itself."""
    command = [sys.executable, "-m", "tests.killed_jobs", str(folder / "walk"), *map(str, arguments)]
    more = {"BOTH_SIDES": "1" if both_sides else "", "ONE_FOLD": one_fold}
    environment = {**os.environ, **ONE_CORE, **more, "PYTHONPATH": "."}
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.fault(1)
def test_an_import_killed_at_every_boundary_makes_the_same_dataset_file(tmp_path):
    assert walked(tmp_path, "import", "SIGKILL")["boundaries"] >= 8


@pytest.mark.fault(1)
@pytest.mark.slow
@pytest.mark.parametrize(("sign", "one_fold", "least"), [("SIGKILL", "", 90), ("SIGTERM", "1", 50)])
def test_a_training_stopped_at_every_boundary_ends_as_an_unbroken_one(tmp_path, sign, one_fold, least):
    """Cancelled, in one fold or the other where both write a file of that name, drawn for each.

    Both signals at all boundaries: ``python -m tests.killed_jobs``.
    """
    assert walked(tmp_path, "training", sign, one_fold=one_fold)["boundaries"] >= least


@pytest.mark.fault(1)
@pytest.mark.slow
def test_an_analysis_killed_at_every_boundary_finds_the_same(tmp_path):
    assert walked(tmp_path, "attention_maps", "SIGKILL", both_sides=True)["boundaries"] >= 12


@pytest.mark.fault(1)
@pytest.mark.slow
def test_trainings_killed_several_times_at_random_end_as_an_unbroken_one(tmp_path):
    found = walked(tmp_path, "training", "SIGKILL", 20, both_sides=True, timeout=900)
    assert found["seeds"] == 20 and found["kills"] >= 40 and found["boundaries"] >= 40
