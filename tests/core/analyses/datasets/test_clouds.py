"""Clouds of a dataset as a job and a command: columns beside the file, and refusals before anything is read."""

import pytest

from core.analyses.datasets.clouds import ANALYSIS, read
from core.data.bands import ZINDI_BANDS
from core.data.clouds.network import file_of
from core.data.store import open_dataset
from core.errors import ConfigError, MissingDependencyError
from core.progress import drain
from core.runs.targets import DatasetTarget
from tests.command_line import core_error
from tests.core.data.clouds.made_network import install
from tests.core.data.clouds.test_shares import SHARES, cloudy_dataset

pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.fixture
def target(tmp_path):
    cloudy_dataset(tmp_path / "d.h5")
    return DatasetTarget(tmp_path / "d.h5", tmp_path / "checkpoints")


def test_the_shares_are_kept_and_counted(target, tmp_path, monkeypatch):
    install(tmp_path / "site", monkeypatch)
    assert read(target) is None
    told = drain(ANALYSIS.start(target, {}))
    assert "2 of 4 patches have more than 5% cloud, 1 more than 5% cloud shadow" in told["message"]
    assert "None is left out unless data.max_cloud is set" in told["message"]
    report = read(target).report
    assert (report["n_cloudy"], report["n_shaded"], report["n_unknown"], report["cloudy_landslides"]) == (2, 1, 0, 2)
    assert report["card"]["level"] == "l2a"
    assert open_dataset(target.path).columns["csmask_cloud"].tolist() == list(SHARES)
    (tmp_path / "d.clouds.parquet").unlink()
    assert read(target) is None, "the table is gone"


def test_a_dataset_without_near_infrared_is_refused_when_it_is_asked_for(target, tmp_path, monkeypatch):
    install(tmp_path / "site", monkeypatch)
    cloudy_dataset(target.path, ZINDI_BANDS[:3])
    with pytest.raises(ConfigError, match="told from blue, green, red and nir; d has no nir"):
        ANALYSIS.check(target, ANALYSIS.options({}))


@pytest.mark.skipif(file_of("l2a") is not None, reason="ukis-csmask is installed")
def test_without_the_package_the_command_says_how_to_get_it(target, tmp_path):
    with pytest.raises(MissingDependencyError, match="requirements-clouds.txt"):
        ANALYSIS.check(target, ANALYSIS.options({}))
    words = core_error("analyse", "clouds", target.path, "--checkpoints", tmp_path / "checkpoints")
    assert "pip install -r requirements-clouds.txt" in words
