"""``python -m core model``: costs, stages and bands without training."""

import json

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.errors import ConfigError

TINY = ["--set", "model.pretrained=false", "--device", "cpu"]


def answered(*arguments):
    found = CliRunner().invoke(app, ["model", *arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_one_backbone_is_described_in_json_and_in_lines():
    value = json.loads(answered("test_resnet", "--size", "32", "--bands", "red,nir,desc_vv", *TINY, "--json"))
    assert value["facts"]["parameters"] > 0 and value["facts"]["ms"] > 0 and value["size"] == [32, 32]
    assert [row["input"] for row in value["inputs"]] == ["red", "nir", "desc_vv"]
    assert value["stages"][0]["stride"] == 2 and value["device"].startswith("CPU")
    text = answered("test_resnet", "--size", "32", *TINY)
    assert "BasicBlock" in text and "weights: random" in text and "Grad-CAM reads backbone." in text


def test_the_hubs_weights_are_named_with_their_licence_and_not_fetched():
    value = json.loads(answered("regnety_002.pycls_in1k", "--bands", "nir,red", "--device", "cpu", "--json"))
    starts = {row["input"]: row["starts_from"] for row in value["inputs"]}
    assert starts == {"nir": "mean of RGB", "red": "red filter"}
    assert value["weights"] == {"source": "timm/regnety_002.pycls_in1k", "licence": "mit", "sha256": ""}


def test_several_are_compared_and_what_cannot_be_built_says_why():
    value = json.loads(answered("test_resnet", "nothing", "baseline_cnn", "--bands", "x,y", *TINY, "--json"))
    rows = {row["backbone"]: row for row in value["rows"]}
    assert value["n_bands"] == 2 and "timm has no backbone" in rows["nothing"]["error"]
    assert rows["baseline_cnn"]["depth"] == 5 and "error" not in rows["test_resnet"]


def test_settings_of_other_sections_are_refused():
    with pytest.raises(ConfigError, match="begin with model."):
        CliRunner().invoke(app, ["model", "resnet18", "--set", "train.lr=1"], catch_exceptions=False)
