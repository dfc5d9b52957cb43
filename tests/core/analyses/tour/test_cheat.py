"""Both cheats are caught: a careless test is high on noise, an honest one is not; sizes tell the label."""

import pandas as pd
import pytest

from core.analyses.tour import cheat
from core.progress import drain
from core.runs.targets import CheckpointsTarget


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    found = CheckpointsTarget(tmp_path_factory.mktemp("checkpoints"))
    drain(cheat.ANALYSIS.start(found, {"draws": 2, "n": 200}))
    return found


def test_a_careless_test_is_high_on_noise_and_the_honest_one_is_not(target):
    noise = cheat.read(target)["noise"]
    assert noise["folds_over_all"]["lo"] > 0.8 and noise["inside_fold"]["value"] < 0.2
    assert noise["folds_over_all"]["n"] == 2 and len(target.results(cheat.NAME).table("noise")) == 2


def test_the_size_of_the_pictures_tells_the_label_and_the_interval_says_so(target):
    size = cheat.read(target)["size"]
    assert 0.6 < size["lo"] < size["auc"] < size["hi"] <= 1 and size["p"] < 0.001
    assert size["n"] == cheat.PICTURES == len(target.results(cheat.NAME).table("pictures"))


def test_the_interval_over_draws_is_students():
    found = cheat.over_draws(pd.Series([0.4, 0.6]))
    assert found["value"] == pytest.approx(0.5) and found["lo"] == 0.0 and found["hi"] == 1.0
    found = cheat.over_draws(pd.Series([0.49, 0.5, 0.51]))
    reach = 4.302653 * 0.01 / 3**0.5  # t of 2 degrees of freedom
    assert (found["lo"], found["hi"]) == (pytest.approx(0.5 - reach), pytest.approx(0.5 + reach))


def test_nothing_is_there_before_anybody_asked(tmp_path):
    assert cheat.read(CheckpointsTarget(tmp_path)) is None
