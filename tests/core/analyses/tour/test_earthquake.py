"""An earthquake becomes a map that is judged by the landslides that are there."""

import numpy as np
import pytest

from core.analyses import scene_map
from core.analyses.tour import earthquake
from core.config import RunConfig
from core.data.demo import demo_steps
from core.data.demo import scene as demo_scene
from core.data.demo.ground import CELL
from core.errors import ConfigError
from core.progress import drain
from tests.builders import TINY
from tests.trained_runs import QUICK, train_tiny

SIMULATE = demo_scene.simulate_scene


def made():
    """Two places beside each other: a landslide of 100 pixels in the first, none in the second; nothing is called."""
    scars = np.zeros((CELL, 2 * CELL), np.int32)
    scars[:10, :10] = 1
    return scars, np.zeros((CELL, 2 * CELL), np.float32)


def test_a_landslide_is_found_where_half_of_it_is_called():
    scars, probs = made()
    for called, found in ((4, False), (5, True)):
        probs[:called, :10] = 0.9
        landslides, quiet = earthquake.judged(scars, probs, 0.5)
        assert landslides.to_dict("records") == [
            {"cell": "1-1", "pixels": 100, "called_share": called / 10, "found": found}
        ]
        assert quiet["called"].tolist() == [False]


def test_a_quiet_place_is_an_alarm_where_half_of_it_is_called_and_what_was_not_seen_is_not_called():
    scars, probs = made()
    probs[: CELL // 2, CELL:] = 0.9
    assert earthquake.judged(scars, probs, 0.5)[1]["called"].tolist() == [True]
    probs[: CELL // 2, CELL:] = np.nan
    assert earthquake.judged(scars, probs, 0.5)[1]["called"].tolist() == [False]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two folds, trained for an epoch on 60 simulated patches."""
    home = tmp_path_factory.mktemp("demo")
    drain(demo_steps(home / "demo.h5", 60))
    return train_tiny(
        home, home / "demo.h5", RunConfig().with_overrides([*TINY, *QUICK, "smote.enabled=false"]), "tiny"
    )


def test_a_run_answers_the_scene_and_its_polygons_lie_with_the_map(run, monkeypatch):
    monkeypatch.setattr(demo_scene, "simulate_scene", lambda seed: SIMULATE(seed, (2, 2), 0.5))
    earthquake.check(run, earthquake.ANALYSIS.options())
    answer = drain(earthquake.ANALYSIS.start(run, {"seed": 5}))
    report = earthquake.read(run)
    assert report["found"]["n"] == 2 and report["false"]["n"] == 2 and answer["message"] == earthquake.sentence(report)
    assert 0 <= report["found"]["lo"] <= report["found"]["k"] / 2 <= report["found"]["hi"] <= 1
    own = scene_map.folder(run, report["map"])
    assert {"before", "after", "probability"} <= set(own.arrays("picture"))
    assert [name.rpartition(".")[2] for name in report["files"]][:2] == ["geojson", "gpkg"]
    scars = run.results(earthquake.NAME).arrays("scars")["scars"]
    landslides = run.results(earthquake.NAME).table("landslides")
    again, _ = earthquake.judged(scars, own.arrays("picture")["probability"], report["threshold"])
    assert again["found"].tolist() == landslides["found"].tolist(), "the page judges as the report did"


def test_a_run_on_other_bands_or_units_is_refused_before_it_waits(paired_run, trained_run):
    with pytest.raises(ConfigError, match="this run reads .*red_pre"):
        earthquake.check(paired_run, earthquake.ANALYSIS.options())
    with pytest.raises(ConfigError, match="this run reads red in '0-255'"):
        earthquake.check(trained_run, earthquake.ANALYSIS.options())
