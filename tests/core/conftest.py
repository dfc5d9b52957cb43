"""Made data shared by the core's tests."""

import pytest

from tests.builders import make_tiny


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("data") / "tiny.h5")
