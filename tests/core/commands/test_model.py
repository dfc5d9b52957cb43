"""``python -m core model``: costs, stages and bands without training."""

import pytest

from core.jobs import queue
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

TINY = ["--set", "model.pretrained=false", "--device", "cpu"]


@pytest.fixture
def here(tmp_path):
    return ["--checkpoints", tmp_path]


def test_one_backbone_is_described_in_json_and_in_lines(here):
    value = core_json("model", "test_resnet", "--size", "32", "--bands", "red,nir,desc_vv", *TINY, *here)
    assert value["facts"]["parameters"] > 0 and value["facts"]["ms"] > 0 and value["size"] == [32, 32]
    assert [row["input"] for row in value["inputs"]] == ["red", "nir", "desc_vv"]
    assert value["stages"][0]["stride"] == 2 and value["device"].startswith("CPU")
    text = core("model", "test_resnet", "--size", "32", *TINY, *here).stdout
    assert "Basic block" in text and "weights: random" in text and "Attention maps read backbone." in text


def test_the_hubs_weights_are_named_with_their_licence_and_not_fetched(here):
    value = core_json("model", "regnety_002.pycls_in1k", "--bands", "nir,red", "--device", "cpu", *here)
    starts = {row["input"]: row["starts_from"] for row in value["inputs"]}
    assert starts == {"nir": "mean of RGB", "red": "red filter"}
    assert value["weights"] == {"source": "timm/regnety_002.pycls_in1k", "licence": "mit", "sha256": ""}


def test_several_are_compared_and_what_cannot_be_built_says_why(here, tmp_path):
    value = core_json("model", "test_resnet", "nothing", "baseline_cnn", "--bands", "x,y", *TINY, *here)
    rows = {row["backbone"]: row for row in value["rows"]}
    assert value["n_bands"] == 2 and "timm has no backbone" in rows["nothing"]["error"]
    assert rows["baseline_cnn"]["depth"] == 5 and "error" not in rows["test_resnet"]
    assert set(value) == {"rows", "device", "size", "n_bands"}
    (job,) = queue.jobs(tmp_path)
    assert (job.analysis, job.state) == ("model_cost", "succeeded")


def test_settings_of_other_sections_are_refused(here, tmp_path):
    assert "begin with model." in core_error("model", "resnet18", "--set", "train.lr=1", *here)
    assert not queue.jobs(tmp_path)
