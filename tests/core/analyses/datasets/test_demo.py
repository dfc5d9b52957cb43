"""The demo dataset as an analysis of a checkpoints folder."""

import pytest

from core.analyses.datasets.demo import ANALYSIS
from core.data.store import open_dataset
from core.errors import ConfigError
from core.progress import drain
from core.runs.targets import CheckpointsTarget


def test_it_is_simulated_scene_by_scene_and_lies_among_the_datasets(tmp_path):
    told = []
    made = drain(ANALYSIS.start(CheckpointsTarget(tmp_path), {"n": 60, "seed": 3}), told.append)
    assert made["name"] == "demo-60-seed3" and made["dataset"] == str(tmp_path / "datasets" / "demo-60-seed3.h5")
    data = open_dataset(tmp_path / "datasets" / "demo-60-seed3.h5")
    assert len(data) == 60 and data.facts["simulated"] and data.facts["seed"] == 3
    shares = [step.share for step in told]
    assert shares == sorted(shares) and shares[0] == 0.0 and len(shares) > 3
    before = data.path.stat().st_mtime_ns
    drain(ANALYSIS.start(CheckpointsTarget(tmp_path), {"n": 60, "seed": 3}))
    assert data.path.stat().st_mtime_ns == before, "one that is there stays"


def test_the_usual_one_is_called_demo_and_too_few_patches_are_refused():
    assert ANALYSIS.options().name == "demo"
    with pytest.raises(ConfigError, match="Demo dataset: .*n: .*greater than or equal to 60"):
        ANALYSIS.options({"n": 20})
