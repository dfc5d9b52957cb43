"""The run that these tests ask: a PCA is its own projection."""

import pytest


@pytest.fixture(scope="module")
def run(trained_run_copy):
    return trained_run_copy
