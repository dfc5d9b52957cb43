"""Made data shared by the core's tests."""

import pytest

from tests.builders import make_tiny


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("data") / "tiny.h5")


@pytest.fixture(scope="session")
def banded_run(shared_home):
    """A trained run with optical and radar bands. Read it, write nothing into it."""
    from tests import banded_runs, trained_runs

    return trained_runs.made_once(shared_home / "banded", banded_runs.make_banded)


@pytest.fixture(scope="session")
def analysed_run(shared_home, banded_run):
    """``banded_run`` with band importance and robustness. Read it, write nothing into it."""
    from tests import banded_runs, trained_runs

    return trained_runs.made_once(shared_home / "analysed", lambda home: banded_runs.make_analysed(home, banded_run))


@pytest.fixture(scope="module")
def banded_run_copy(banded_run, tmp_path_factory):
    """A copy of ``banded_run`` and its dataset for the tests of one module, which may change it."""
    from tests.trained_runs import copied

    return copied(banded_run, tmp_path_factory.mktemp("copy"))
