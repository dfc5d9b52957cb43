"""Any file of a run folder damaged or made up in any way: commands and readers answer, or say in one line why not."""

import contextlib
import io
import os
import resource
import time
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.analyses import heads
from core.data.normalise import Normaliser
from core.errors import LandslideLensError
from core.io.safetensors_file import load_arrays, save_arrays
from core.jobs import processes, queue
from core.jobs.analysis_folder import list_jobs
from core.predict.patches import Ensemble
from core.progress import drain
from core.runs import compare
from core.runs.store import list_runs, open_run, strangers_in
from core.runs.summary import headline
from tests.command_line import core
from tests.faults.mutations import Mutation, mutated, mutations
from tests.trained_runs import copied

SECONDS = 10.0  # for all readers below together; they take 0.3 s on a quiet machine
MEBIBYTES = 1500
SLOW = settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
QUICK = settings(SLOW, max_examples=12)


@pytest.fixture(scope="module")
def run(trained_run, tmp_path_factory):
    """A copy that this module alone changes."""
    run = copied(trained_run, tmp_path_factory.mktemp("fuzzed"))
    run.add_event("started")
    (run.path / "log.txt").write_text("Training.\n")
    return run


@pytest.fixture(scope="module")
def files(run):
    """What is changed, one at a time."""
    return sorted(path for path in run.path.rglob("*") if path.is_file())


def readers(run):
    """Every way in which something of the run folder is read, by name."""
    root, folds = run.checkpoints, range(2)
    yield "list", lambda: [one.status() for one in list_runs(root)]
    yield "jobs", lambda: queue.jobs(root)
    yield "analyses", lambda: list_jobs(root)
    yield "notes", lambda: strangers_in(root)
    for name in ("jobs list", f"jobs show {run.name}", f"compare {run.name}", f"explain {run.name}"):
        yield name, lambda name=name: _command(*name.split(), "--checkpoints", root)
    opened = open_run(root, run.name)
    for name in ("status", "log", "events", "newest_events", "config", "provenance", "summary", "job", "dataset_path",
                 "folds", "oof", "rules", "occlusion", "band_groups", "leaks", "cams", "history", "samples", "smote",
                 "strangers"):  # fmt: skip
        yield name, getattr(opened, name)
    yield "headline", lambda: headline(opened.summary())
    yield "fold of", lambda: opened.fold_of("p000")
    for name in ("fold_history", "fold_samples", "embeddings", "tabular", "scores", "head_rows", "umap", "made_from",
                 "fold_card"):  # fmt: skip
        for fold in folds:
            yield f"{name} {fold}", lambda name=name, fold=fold: getattr(opened, name)(fold)
    yield "compare", lambda: compare.rows(opened, [opened])
    yield "normaliser", lambda: [Normaliser.from_json(opened.normaliser_text(fold)) for fold in folds]
    yield "heads", lambda: drain(heads.ANALYSIS.start(opened, {}))
    yield "predict", lambda: _predicted(opened)


def _command(*arguments):
    """A command: its errors are sentences already, in their one line."""
    answer = core(*arguments, check=False)
    assert answer.returncode in (0, 1), answer
    if answer.returncode:
        assert answer.stderr.startswith("Error: ") and answer.stderr.count("\n") == 1, answer.stderr
    shown = answer.stdout + answer.stderr
    assert "Traceback" not in shown and "\x1b" not in shown and "\u202e" not in shown


def _predicted(run):
    probs = Ensemble.load(run).probs(np.zeros((2, 3, 32, 32), np.float32))
    assert probs.shape == (2,) and (np.isnan(probs) | ((probs >= 0) & (probs <= 1))).all()


@pytest.fixture(scope="module")
def looked_at(run):
    """Reader -> what it looks at; ``core.io.plain_file`` is the one door to files (tests/test_one_door.py)."""
    found = {}
    for name, read in readers(run):
        with contextlib.redirect_stdout(io.StringIO()), watched(found.setdefault(name, set())):
            read()
    assert all(any(place.startswith(str(run.checkpoints)) for place in places) for places in found.values())
    return found


@contextlib.contextmanager
def watched(seen):
    """Collects every path that is opened or asked about, and ``FOLDER/*`` of every folder that is listed."""

    def noting(inner, more):
        def call(path=".", *args, **kwargs):
            if isinstance(path, str | os.PathLike):
                seen.add(os.path.abspath(path) + more)
            return inner(path, *args, **kwargs)

        return call

    with contextlib.ExitStack() as stack:
        for module, name, more in (
            (os, "open", ""), (os, "stat", ""), (os, "lstat", ""), (os, "access", ""), (os, "readlink", ""),
            (os, "listdir", "/*"), (os, "scandir", "/*"), (io, "open", ""),
        ):  # fmt: skip
            stack.enter_context(mock.patch.object(module, name, noting(getattr(module, name), more)))
        yield


def hold(run, path, mutation, others, looked_at=None):
    """Change the file and read everything: success or one line, in bounded time and memory.

    looked_at: readers that do not look at this file are left out; they would do what they always do.
    """
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with mutated(path, mutation, others), mock.patch.object(processes, "spawn", side_effect=AssertionError):
        for name, read in readers(run):
            if looked_at is not None and not looked_at[name] & {str(path), f"{path.parent}/*"}:
                continue
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    read()
            except LandslideLensError as error:
                assert "\n" not in str(error) and "\x1b" not in str(error) and len(str(error)) < 2100
            except Exception as error:
                where = path.relative_to(run.path)
                raise AssertionError(f"{name} of {where} with {mutation.how}: {error!r:.300}") from error
    took = time.monotonic() - began
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert took < SECONDS and used < MEBIBYTES, f"{path.name} with {mutation}: {took:.1f} s, {used:.0f} MiB"


@pytest.mark.fault(25)
@QUICK
@given(data=st.data())
def test_a_run_folder_from_a_stranger_is_read_or_refused(run, files, data):
    path = data.draw(st.sampled_from(files), "file")
    hold(run, path, data.draw(mutations(path), "mutation"), files)


@pytest.mark.fault(25)
@pytest.mark.slow
@SLOW
@given(data=st.data())
def test_a_run_folder_from_a_stranger_is_read_or_refused_whatever_is_done_to_it(run, files, looked_at, data):
    path = data.draw(st.sampled_from(files), "file")
    hold(run, path, data.draw(mutations(path), "mutation"), files, looked_at)


@pytest.mark.fault(25)
@pytest.mark.parametrize("value", [1e307, np.nan])
@pytest.mark.parametrize("name", ["scores", "embeddings", "umap"])
def test_a_number_that_no_network_gives_is_read_or_refused(run, files, name, value):
    path = run.path / "fold_0" / f"{name}.safetensors"
    arrays = {key: array.copy() for key, array in load_arrays(path).items()}
    last = max(key for key, array in arrays.items() if array.dtype.kind == "f")
    with np.errstate(over="ignore"):
        arrays[last].flat[-1] = value  # infinite in 32 bits
    save_arrays(run.path / "made.safetensors", arrays)
    data = (run.path / "made.safetensors").read_bytes()
    (run.path / "made.safetensors").unlink()
    hold(run, path, Mutation("bytes", what=data), files)
