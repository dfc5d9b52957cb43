"""A copy of the trained run that may be written into."""

import shutil

import pytest

from core.runs.store import RunFolder


@pytest.fixture(scope="module")
def run(balanced_run, tmp_path_factory):
    """A run of three folds with a PCA as its own projection."""
    path = tmp_path_factory.mktemp("embedding") / balanced_run.name
    shutil.copytree(balanced_run.path, path)
    return RunFolder(path)
