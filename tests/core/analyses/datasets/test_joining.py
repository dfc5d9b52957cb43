"""``core join`` as a job: what it answers, and what it refuses before it begins."""

import json

import pytest

from core.analyses.datasets.joining import ANALYSIS, held_path
from core.data.store import open_dataset
from core.errors import DataError
from core.progress import drain
from core.runs.targets import CheckpointsTarget
from tests.builders import make_tiny
from tests.command_line import core

pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.mark.fault(36)
def test_two_files_become_one_and_what_is_there_stays(tmp_path):
    a, b = (make_tiny(tmp_path / f"{name}.h5", n=12, side=8, seed=seed) for seed, name in enumerate("ab"))
    target, out = CheckpointsTarget(tmp_path / "ck"), tmp_path / "j.h5"
    given = {"datasets": f"{a},{b}", "out": str(out), "hold_out": 0.25}
    found = drain(ANALYSIS.start(target, given))
    assert (found["n"], found["n_held"]) == (18, 6) and found["sources"] == {"a": 9, "b": 9}
    assert len(open_dataset(out)) == 18 and len(open_dataset(held_path(out))) == 6
    with pytest.raises(DataError, match="is there already"):
        ANALYSIS.check(target, ANALYSIS.options(given))


def test_the_command_says_what_it_made_and_why_it_cannot(tmp_path):
    a, b = (make_tiny(tmp_path / f"{name}.h5", n=12, side=side) for side, name in ((8, "a"), (16, "b")))
    more = ("--checkpoints", str(tmp_path / "ck"))
    answer = core("join", str(a), "--out", str(tmp_path / "j.h5"), "--name", "first", "--most", "6", "--json", *more)
    assert answer.returncode == 0 and json.loads(answer.stdout)["sources"] == {"first": 6}
    answer = core("join", str(a), str(b), "--out", str(tmp_path / "k.h5"), *more, check=False)
    assert answer.returncode == 1 and "one size" in answer.stderr and "Traceback" not in answer.stderr
