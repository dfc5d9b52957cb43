"""A run trained on the bands that are left, against one that lost them: paired by id, only where bands agree."""

import pytest

from core.analyses.bands.robustness_retrained import against_retrained
from core.errors import ConfigError, RunError
from tests.banded_runs import train_banded
from tests.trained_runs import copied


@pytest.fixture(scope="module")
def runs(analysed_run, tmp_path_factory):
    """The run, and another that was trained on its radar bands alone."""
    home = tmp_path_factory.mktemp("retrained")
    run = copied(analysed_run, home)
    return run, train_banded(home, home / "tiny.h5", "sar", "data.bands=sar", "train.epochs=1")


def test_a_run_trained_on_the_rest_is_paired_by_id(runs):
    run, other = runs
    compared = against_retrained(run, other, "optical_lost")
    assert compared["n"] == 48 and compared["retrained"] == pytest.approx(other.summary()["oof"]["f1"])
    assert compared["intact"] == pytest.approx(run.summary()["oof"]["f1"])
    for row in compared["rows"]:
        assert row["difference"] == pytest.approx(compared["retrained"] - row["f1"])
        assert row["within"] == (row["lo"] <= 0 <= row["hi"])


def test_other_bands_and_a_run_that_was_not_tested_are_refused(runs):
    run, other = runs
    with pytest.raises(ConfigError, match="data.bands=red,nir,asc_vv"):
        against_retrained(run, other, "descending_lost")
    with pytest.raises(RunError, match="has not been tested"):
        against_retrained(other, run, "optical_lost")
