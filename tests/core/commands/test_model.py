"""``python -m core model``: costs, stages and bands without training."""

from tests.command_line import core, core_error, core_json

TINY = ["--set", "model.pretrained=false", "--device", "cpu"]


def test_one_backbone_is_described_in_json_and_in_lines():
    value = core_json("model", "test_resnet", "--size", "32", "--bands", "red,nir,desc_vv", *TINY)
    assert value["facts"]["parameters"] > 0 and value["facts"]["ms"] > 0 and value["size"] == [32, 32]
    assert [row["input"] for row in value["inputs"]] == ["red", "nir", "desc_vv"]
    assert value["stages"][0]["stride"] == 2 and value["device"].startswith("CPU")
    text = core("model", "test_resnet", "--size", "32", *TINY).stdout
    assert "BasicBlock" in text and "weights: random" in text and "Grad-CAM reads backbone." in text


def test_the_hubs_weights_are_named_with_their_licence_and_not_fetched():
    value = core_json("model", "regnety_002.pycls_in1k", "--bands", "nir,red", "--device", "cpu")
    starts = {row["input"]: row["starts_from"] for row in value["inputs"]}
    assert starts == {"nir": "mean of RGB", "red": "red filter"}
    assert value["weights"] == {"source": "timm/regnety_002.pycls_in1k", "licence": "mit", "sha256": ""}


def test_several_are_compared_and_what_cannot_be_built_says_why():
    value = core_json("model", "test_resnet", "nothing", "baseline_cnn", "--bands", "x,y", *TINY)
    rows = {row["backbone"]: row for row in value["rows"]}
    assert value["n_bands"] == 2 and "timm has no backbone" in rows["nothing"]["error"]
    assert rows["baseline_cnn"]["depth"] == 5 and "error" not in rows["test_resnet"]


def test_settings_of_other_sections_are_refused():
    assert "begin with model." in core_error("model", "resnet18", "--set", "train.lr=1")
