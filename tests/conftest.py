"""What every test process is told before torch, numba or a BLAS is loaded; child processes are told the same."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see core.jobs.processes.child_environment
os.environ.setdefault("LANDSLIDE_JOBS", "executor=local")  # processes of their own are started by their own tests
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".numba_cache"))  # what is compiled once is there in the next run
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core: more threads would only wait for each other
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")


# Files whose slow tests take longest: they begin first, or a worker is left alone with the last of them.
LONGEST = (
    "core/flow/test_killed_jobs.py", "core/commands/test_demo.py", "core/flow/test_flow.py", "test_examples.py",
    "core/jobs/executors/test_jobs_on_ray.py", "faults/test_fuzzed_run.py", "browser/test_accessibility.py",
    "dashboard/test_strange_runs.py", "browser/test_predict.py", "dashboard/explain/test_attention.py",
)  # fmt: skip

# How long one example takes says more of the machine's other work than of the code.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_configure(config):
    if config.option.markexpr == "slow":
        config.option.loadscopereorder = False  # xdist would begin with the files of most tests


def pytest_collection_modifyitems(config, items):
    if config.option.markexpr == "slow":
        rank = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory, testrun_uid, worker_id):
    """A folder that all test processes of this session see."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / f"shared-{testrun_uid}"


@pytest.fixture
def jobs_here():
    """Jobs that commands follow are done by the test's own process: a new one would load torch for seconds each.

    That a job is done in a process of its own is held where the processes are the question: tests/core/jobs,
    tests/core/flow/test_flow.py, tests/faults, and the killed jobs of scenes, imports and searches.
    """
    from tests.in_process import jobs_in_this_process

    with jobs_in_this_process():
        yield


@pytest.fixture(scope="session")
def trained_run(shared_home):
    """A finished run of two folds, trained once a session. Read it, write nothing into it."""
    yield from _unchanged(shared_home / "trained", "make_trained")


@pytest.fixture(scope="session")
def balanced_run(shared_home):
    """A finished run of three folds with synthetic patches. Read it, write nothing into it."""
    yield from _unchanged(shared_home / "balanced", "make_balanced")


@pytest.fixture(scope="session")
def outlined_run(shared_home):
    """A finished run of two folds with a mask head. Read it, write nothing into it."""
    yield from _unchanged(shared_home / "outlined", "make_outlined")


@pytest.fixture(scope="session")
def paired_run(shared_home):
    """A finished run of one split, of pairs before and after the event. Read it, write nothing into it."""
    yield from _unchanged(shared_home / "paired", "make_paired")


@pytest.fixture(scope="module")
def paired_run_copy(paired_run, tmp_path_factory):
    """A copy of ``paired_run`` and its dataset for the tests of one module, which may change it."""
    from tests.trained_runs import copied

    return copied(paired_run, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def outlined_run_copy(outlined_run, tmp_path_factory):
    """A copy of ``outlined_run`` and its dataset for the tests of one module, which may change it."""
    from tests.trained_runs import copied

    return copied(outlined_run, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def trained_run_copy(trained_run, tmp_path_factory):
    """A copy of ``trained_run`` and its dataset for the tests of one module, which may change it."""
    from tests.trained_runs import copied

    return copied(trained_run, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def balanced_run_copy(balanced_run, tmp_path_factory):
    """A copy of ``balanced_run`` and its dataset for the tests of one module, which may change it."""
    from tests.trained_runs import copied

    return copied(balanced_run, tmp_path_factory.mktemp("copy"))


def _unchanged(home, make):
    from tests import trained_runs  # not before torch has been told how many threads to start

    run = trained_runs.made_once(home, getattr(trained_runs, make))
    before = trained_runs.facts_of(run)
    yield run
    assert trained_runs.facts_of(run) == before, "a test wrote into a run that all share: take a copy"
