import json

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band
from core.errors import ConfigError, FormatError, RunError, UnsafeFileError
from core.io import safetensors_file
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.networks.network import resized


def settings(name="test_resnet", **more):
    return ModelConfig(backbone=name, pretrained=False, **more)


def built(name="test_resnet", bands=ZINDI_BANDS, side=32, seed=0, **more):
    return build_network(settings(name, **more), bands, (side, side), seed)[0]


def values(network):
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


FAMILIES = ["test_resnet", "test_efficientnet", "test_byobnet", "test_convnext", "test_vit", "test_vit2"]


@pytest.mark.parametrize("name", [*FAMILIES, "mobilenetv3_small_050", "mobilenetv4_conv_small_035"])
def test_any_family_reads_twelve_bands_and_embeds(name):
    network = built(name).eval()
    x = torch.randn(3, 12, 32, 32)
    embeddings = network.embed(x)
    assert embeddings.shape == (3, network.n_features) and embeddings.dtype == torch.float32
    assert network(x).shape == (3, 2)
    assert torch.equal(network.classify(embeddings), network(x))


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one, two, other = values(built(seed=1)), values(built(seed=1)), values(built(seed=2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["classifier.weight"], other["classifier.weight"])


def test_random_weights_are_reported_for_every_band():
    _, report = build_network(settings(), RGB_BANDS, (32, 32), 0)
    assert report.source == "random" and report.mapping == {"red": "random", "green": "random", "blue": "random"}


def test_an_image_size_is_made_inside_the_network():
    network = built("test_vit", side=20, image_size=32).eval()
    x = torch.randn(2, 12, 20, 20)
    assert torch.equal(network(x), network(resized(x, 32)))
    assert resized(x, None) is x and resized(x, 20) is x
    assert resized(torch.full((1, 1, 9, 7), 3.0), 4).allclose(torch.full((1, 1, 4, 4), 3.0))


def test_the_statistics_branch_joins_nine_numbers_a_band():
    plain, joined = built(), built(statistics_branch=True).eval()
    x = torch.randn(4, 12, 32, 32)
    joined.fit_statistics(x.numpy())
    assert joined.n_features == plain.n_features + 9 * 12
    assert joined.embed(x)[:, plain.n_features :].mean(0).abs().max() < 1e-4


def test_dropout_acts_in_training_only():
    network = built(drop_rate=0.5)
    embeddings = torch.ones(64, network.n_features)
    assert network.train().classify(embeddings).std(0).min() > 0
    assert network.eval().classify(embeddings).std(0).max() < 1e-6


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (12, 32, 32), (2, 32, 32, 12)])
def test_another_number_of_bands_is_refused_not_broadcast(shape):
    with pytest.raises(FormatError, match="asc_dvh"):
        built().embed(torch.zeros(shape))


@pytest.mark.parametrize("name", ["resnet81", "resnet18.no_such_tag", ""])
def test_an_unknown_backbone_is_refused_with_close_names(name):
    with pytest.raises(ConfigError, match=f"no backbone '{name}'.*model.backbone"):
        built(name)


@pytest.mark.parametrize(("name", "side"), [("inception_v3", 64), ("test_vit", 30)])
def test_a_size_that_a_backbone_cannot_take_is_refused_with_the_way_out(name, side):
    with pytest.raises(ConfigError, match=f"{side}x{side} pixels .* model.image_size"):
        built(name, RGB_BANDS, side)


# ------------------------------------------------------------------------------------------------ on disk


BANDS = (*RGB_BANDS, Band("slope", "Slope", "SRTM", "", "deg", "other", (0.0, 90.0)))


@pytest.fixture
def folder(tmp_path):
    network = build_network(settings(statistics_branch=True, image_size=40), BANDS, (32, 32), 5)[0].eval()
    network.fit_statistics(np.random.default_rng(0).normal(size=(8, 4, 32, 32)).astype(np.float32))
    save_network(network, tmp_path / "fold_0")
    return tmp_path / "fold_0", network


def test_a_network_comes_back_as_it_was(folder):
    path, network = folder
    back = load_network(path)
    x = torch.randn(3, 4, 32, 32)
    assert torch.equal(back(x), network(x))
    assert back.bands == BANDS and back.model == network.model and not back.training
    assert back.cam_layer(4).name == network.cam_layer(4).name


def test_equal_networks_are_equal_bytes(folder):
    path, _ = folder
    save_network(load_network(path), path.parent / "again")
    for file in ("model.safetensors", "model.json"):
        assert (path / file).read_bytes() == (path.parent / "again" / file).read_bytes()


def test_a_network_trained_from_hub_weights_loads_without_a_network(folder):
    path, _ = folder
    card = json.loads((path / "model.json").read_text())
    card["model"]["pretrained"], card["model"]["weights"] = True, "gone.safetensors"
    (path / "model.json").write_text(json.dumps(card))
    assert load_network(path).model.pretrained


def test_weights_of_another_network_are_refused_with_the_list(folder):
    path, network = folder
    card = json.loads((path / "model.json").read_text())
    state = values(network)
    state["classifier.weight"] = np.zeros((3, 7), np.float32)
    del state["classifier.bias"]
    card["sha256"] = safetensors_file.save_arrays(path / "model.safetensors", state)
    (path / "model.json").write_text(json.dumps(card))
    with pytest.raises(FormatError, match="missing: classifier.bias; .*classifier.weight is 3x7 instead of 2x"):
        load_network(path)


def test_one_flipped_byte_is_seen(folder):
    path, _ = folder
    content = bytearray((path / "model.safetensors").read_bytes())
    content[-5] ^= 1
    (path / "model.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="not the file that its card describes"):
        load_network(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9, "sha256": ""}', '{"version": 1, "sha256": ""}'])
def test_a_damaged_or_newer_card_is_refused(folder, text):
    path, _ = folder
    (path / "model.json").write_text(text)
    with pytest.raises(RunError, match=r"fold_0/model\.(json|safetensors)"):
        load_network(path)


@pytest.mark.parametrize("file", ["model.safetensors", "model.json"])
def test_a_missing_file_is_named(folder, file):
    path, _ = folder
    (path / file).unlink()
    with pytest.raises(RunError, match=f"no {file}"):
        load_network(path)


def test_a_huge_header_is_refused_before_it_is_read(folder):
    path, _ = folder
    (path / "model.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(UnsafeFileError, match="header claims"):
        load_network(path)
