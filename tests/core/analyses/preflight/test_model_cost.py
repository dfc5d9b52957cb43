"""Model cost as an analysis: options checked once, bands and size from a dataset or by name, one row each."""

import pytest

from core.analyses.preflight.model_cost import ANALYSIS
from core.errors import ConfigError
from core.jobs.analysis_folder import create
from core.progress import drain
from core.runs.targets import CheckpointsTarget

UNTRAINED = {"settings": ["model.pretrained=false"], "device": "cpu"}


@pytest.fixture
def target(tmp_path):
    return CheckpointsTarget(tmp_path)


def test_one_backbone_is_described_for_the_bands_and_size_of_a_dataset(target, tiny_dataset):
    options = {"backbones": "test_resnet", "dataset": str(tiny_dataset), **UNTRAINED}
    result = drain(ANALYSIS.start(target, options))
    assert [row["input"] for row in result["inputs"]] == ["red", "green", "blue"] and result["size"] == [32, 32]
    assert result["message"].startswith("test_resnet: ") and result["device"].startswith("CPU")


def test_several_are_compared_with_progress_by_name_and_a_failure_in_its_row(target):
    steps = []
    options = {"backbones": ["test_resnet", "nothing"], "bands": ["x", "y"], "size": 32, **UNTRAINED}
    result = drain(ANALYSIS.start(target, options), steps.append)
    assert [(step.share, step.message) for step in steps] == [(0.0, "1 of 2: test_resnet"), (0.5, "2 of 2: nothing")]
    assert "timm has no backbone" in result["rows"][1]["error"] and result["rows"][0]["parameters"] > 0
    assert result["n_bands"] == 2 and result["message"] == "2 backbones compared."


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "backbones"),
        ({"backbones": []}, "backbones"),
        ({"backbones": ["resnet18"], "settings": ["train.lr=1"]}, "begin with model."),
        ({"backbones": ["resnet18"], "settings": ["model.nothing=1"]}, "no setting 'model.nothing'"),
        ({"backbones": ["resnet18"], "size": 0}, "size"),
        ({"backbones": ["resnet18"], "device": "tpu"}, "device"),
    ],
)
def test_options_that_cannot_be_used_are_refused_in_a_sentence(options, words):
    with pytest.raises(ConfigError, match=words):
        ANALYSIS.options(options)


def test_the_job_belongs_to_the_dataset_that_it_takes_bands_from(target, tmp_path):
    options = ANALYSIS.options({"backbones": ["resnet18"], "dataset": "some.h5"}).model_dump(mode="json")
    assert create(target, "model_cost", options).dataset_path().is_absolute()
    assert create(target, "model_cost", {"backbones": ["resnet18"]}).dataset_path() is None
