"""The estimate as an analysis: kept by specification, refused as the run would be, in the lane of its device."""

import pytest

from core.analyses.preflight.estimate import ANALYSIS, read
from core.config import preset
from core.errors import ConfigError, DataError
from core.jobs import queue
from core.jobs.analysis_folder import create
from core.jobs.lanes import lane_of
from core.preflight import trial_steps
from core.progress import drain
from core.runs.store import list_runs
from core.runs.targets import DatasetTarget
from tests.builders import TINY
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

QUICK = (*TINY, "heads.lgbm=false", "heads.logreg=false", "heads.svm_C=[0.1]", "heads.head=fc")


@pytest.fixture
def target(tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(trial_steps, "MEASURE_S", 0.2)
    return DatasetTarget(tiny_dataset, tmp_path)


@pytest.fixture
def config():
    return preset("demo").with_overrides(QUICK)


def test_each_specification_has_its_own_estimate_and_the_newest_is_read_without_one(target, config):
    assert read(target) is None and read(target, config) is None
    other = config.with_overrides(["train.epochs=7"])
    answer = drain(ANALYSIS.start(target, {"config": config.to_json()}))
    drain(ANALYSIS.start(target, {"config": other.model_dump(mode="json")}))
    assert (read(target, config).epochs, read(target, other).epochs) == (config.train.epochs, 7)
    assert read(target).epochs in (config.train.epochs, 7) and answer["fits"] is True
    assert answer["message"] == read(target, config).sentences()[2]


def test_settings_that_cannot_be_read_are_refused_before_anything_is_measured(target):
    with pytest.raises(ConfigError, match="config"):
        ANALYSIS.options({})
    with pytest.raises(ConfigError, match="config.*valid JSON|config.*Expecting"):
        ANALYSIS.options({"config": "{"})
    with pytest.raises(ConfigError, match="train.epochs"):
        ANALYSIS.options({"config": {"train": {"epochs": -1}}})


def test_what_the_run_would_refuse_is_refused(target, config):
    with pytest.raises(DataError, match="both classes"):
        excluded = ",".join(f"p{i:03d}" for i in range(0, 48, 3))
        drain(ANALYSIS.start(target, {"config": config.with_overrides([f"data.exclude={excluded}"]).to_json()}))
    assert read(target) is None


def test_it_waits_in_the_lane_of_the_runs_device(target, config):
    """On a machine with a GPU, what is set to the CPU does not wait for it."""
    assert ANALYSIS.needs_device and config.device == "cpu"
    job = create(target, "estimate", {"config": config.model_dump(mode="json")})
    assert lane_of(job) == "cpu"


def test_the_command_queues_a_job_and_prints_one_json_object(tiny_dataset, tmp_path):
    settings = [part for text in QUICK for part in ("--set", text)]
    value = core_json("estimate", tiny_dataset, "--preset", "demo", *settings, "--checkpoints", tmp_path)
    assert {"seconds", "total_seconds", "fits", "sentences", "device", "disk_free_bytes"} <= set(value)
    (job,) = queue.jobs(tmp_path)
    assert (job.analysis, job.state, job.dataset) == ("estimate", "succeeded", str(tiny_dataset.resolve()))
    assert not list_runs(tmp_path), "no run is created"
    text = core("jobs", "list", "--checkpoints", tmp_path).stdout
    assert job.name in text


def test_errors_of_the_command_are_sentences(tiny_dataset, tmp_path):
    assert "no-such.h5" in core_error("estimate", tmp_path / "no-such.h5", "--checkpoints", tmp_path)
    assert "There is no preset" in core_error("estimate", tiny_dataset, "--preset", "x", "--checkpoints", tmp_path)
    assert not queue.jobs(tmp_path)
