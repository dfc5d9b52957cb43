"""Earth-observation weights with a card: bands by name, the file by its hash, the licence told."""

import json

import numpy as np
import pytest
import timm
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, bands_named
from core.errors import FormatError
from core.io import atomic, safetensors_file
from core.train.networks.backbones import build_network
from core.train.networks.weights_card import filter_of

S2 = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]  # SSL4EO-S12's order
OURS_IN_S2 = {"red": 3, "green": 2, "blue": 1, "nir": 7}


def kept(folder, read, name="test_resnet", prefix="", side=None, **card):
    """Weights of a timm network for these bands, with their card, as docs/weights.md says; and the arrays."""
    torch.manual_seed(3)
    network = timm.create_model(name, in_chans=len(read), num_classes=0, **({"img_size": side} if side else {}))
    state = {key: value.numpy() for key, value in network.state_dict().items()}
    path = folder / "eo.safetensors"
    digest = safetensors_file.save_arrays(path, {prefix + key: value for key, value in state.items()})
    facts = {"bands": list(read), "sha256": digest, "licence": "CC-BY-4.0", **card}
    (folder / "eo.json").write_text(json.dumps({k: v for k, v in facts.items() if v is not None}))
    return path, state


def built(path, bands, name="test_resnet", side=32, **more):
    model = ModelConfig(backbone=name, weights=str(path), **more)
    return build_network(model, bands, (side, side), 0)


@pytest.mark.parametrize("prefix", ["", "module.encoder_q.", "backbone."])
def test_sentinel_2_filters_go_to_the_bands_of_their_names(tmp_path, prefix):
    path, state = kept(tmp_path, S2, prefix=prefix)
    network, report = built(path, ZINDI_BANDS[:4])
    conv = network.backbone.conv1[0].weight.detach().numpy() * 4 / 13
    for i, band in enumerate(ZINDI_BANDS[:4]):
        assert np.allclose(conv[:, i], state["conv1.0.weight"][:, OURS_IN_S2[band.name]], atol=1e-6)
    assert report.mapping == {name: f"{name} filter" for name in ("red", "green", "blue", "nir")}
    assert report.licence == "CC-BY-4.0" and report.sha256 == atomic.sha256(path) and not report.missing
    assert report.to_dict()["licence"] == "CC-BY-4.0"


def test_a_vision_transformer_of_another_size_and_of_fewer_bands(tmp_path):
    path, state = kept(tmp_path, S2, "test_vit", side=64)
    network, report = built(path, ZINDI_BANDS[:4], "test_vit", side=32)
    weight = network.backbone.patch_embed.proj.weight.detach().numpy() * 4 / 13
    assert np.allclose(weight[:, 3], state["patch_embed.proj.weight"][:, 7], atol=1e-6) and not report.missing


def test_vv_and_vh_serve_both_orbits_and_changes_need_the_users_word(tmp_path):
    path, state = kept(tmp_path, ["VV", "VH"])
    names = ["desc_vv", "desc_vh", "asc_vv", "asc_vh"]
    network, report = built(path, bands_named(names))
    conv = network.backbone.conv1[0].weight.detach().numpy() * 4 / 2
    for i, position in enumerate((0, 1, 0, 1)):
        assert np.allclose(conv[:, i], state["conv1.0.weight"][:, position], atol=1e-6)
    assert report.mapping["asc_vv"] == "vv filter"
    with pytest.raises(FormatError, match="trained on the bands vv, vh.*weights_fit=matching"):
        built(path, ZINDI_BANDS[4:])
    _, report = built(path, ZINDI_BANDS[4:], weights_fit="matching")
    assert report.mapping["desc_dvv"] == "mean filter" and report.mapping["desc_vv"] == "vv filter"


def test_both_branches_start_from_their_own_satellite(tmp_path):
    (tmp_path / "s1").mkdir(), (tmp_path / "s2").mkdir()
    s1, s2 = kept(tmp_path / "s1", ["VV", "VH"], licence="MIT")[0], kept(tmp_path / "s2", S2)[0]
    bands = bands_named(["red", "green", "blue", "nir", "desc_vv", "desc_vh"])
    _, report = built(s2, bands, branches="optical_sar", sar_weights=str(s1))
    assert report.licence == "optical: CC-BY-4.0; sar: MIT" and report.mapping["desc_vh"] == "vh filter"
    assert report.source == "eo.safetensors"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "0" * 64}, "sha256 differs"),
        ({"sha256": None}, "does not say sha256"),
        ({"licence": ""}, "does not say licence"),
        ({"bands": ["B2", "B02", "B4"]}, "names a band twice"),
        ({"bands": [1, 2, 3]}, "bands as a list of names"),
        ({"bands": ["B2", "B3"]}, "trained on the bands blue, green; here"),
        ({"bands": ["red", "green", "blue", "nir"]}, "reads 3 bands, not 4"),
    ],
)
def test_a_card_that_does_not_hold_is_refused(tmp_path, change, words):
    path, _ = kept(tmp_path, ["red", "green", "blue"], **change)
    with pytest.raises(FormatError, match=words):
        built(path, RGB_BANDS)


def test_two_networks_in_one_file_are_refused(tmp_path):
    state = {k: v.numpy() for k, v in timm.create_model("test_resnet", num_classes=0).state_dict().items()}
    both = {f"{who}.{key}": value for who in ("student", "teacher") for key, value in state.items()}
    safetensors_file.save_arrays(tmp_path / "w.safetensors", both)
    with pytest.raises(FormatError, match="several networks of this kind, under student., teacher."):
        built(tmp_path / "w.safetensors", RGB_BANDS)


def test_a_bands_own_name_comes_before_that_without_its_orbit():
    assert filter_of("asc_vv", ("vv", "asc_vv")) == "asc_vv" and filter_of("asc_vv", ("vv",)) == "vv"
    assert filter_of("asc_dvv", ("vv",)) is None and filter_of("red", ()) is None
