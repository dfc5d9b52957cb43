import pickle

import numpy as np
import pytest
import timm
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, bands_named
from core.errors import ConfigError, FormatError, UnsafeFileError
from core.io import safetensors_file
from core.train.networks.backbones import build_network, save_network
from core.train.networks.pretrained import fetch, map_first_conv


def kept(path, name="test_resnet", change=lambda state: state, **more):
    """A timm network of three bands and 1000 classes on disk, as the hub's files are; and its arrays."""
    torch.manual_seed(1)
    state = {k: v.numpy() for k, v in timm.create_model(name, **more).state_dict().items()}
    safetensors_file.save_arrays(path, change(dict(state)))
    return state


def built(path, bands, name="test_resnet", side=32):
    model = ModelConfig(backbone=name, pretrained=True, weights=str(path))
    return build_network(model, bands, (side, side), seed=0)


def test_bands_named_red_green_blue_keep_their_filters_and_the_others_start_from_the_mean(tmp_path):
    state = kept(tmp_path / "w.safetensors")
    rgb = state["conv1.0.weight"]  # (O, 3, 3, 3) in the order red, green, blue
    network, report = built(tmp_path / "w.safetensors", bands_named(["nir", "blue", "red", "slope", "green"]))
    conv = network.backbone.conv1[0].weight.detach().numpy() * 5 / 3
    mean = rgb.mean(axis=1)
    for position, expected in enumerate([mean, rgb[:, 2], rgb[:, 0], mean, rgb[:, 1]]):
        assert np.allclose(conv[:, position], expected, atol=1e-6)
    assert report.mapping == {
        "nir": "mean of RGB",
        "blue": "blue filter",
        "red": "red filter",
        "slope": "mean of RGB",
        "green": "green filter",
    }
    assert report.source == "w.safetensors" and not report.missing
    assert set(report.unexpected) == {"fc.weight", "fc.bias"}
    assert report.matched == len(state) - 2


def test_everything_behind_the_first_layer_is_taken_over_as_it_is(tmp_path):
    state = kept(tmp_path / "w.safetensors")
    network, _ = built(tmp_path / "w.safetensors", ZINDI_BANDS)
    for name, value in network.backbone.state_dict().items():
        if name != "conv1.0.weight":
            assert np.array_equal(value.numpy(), state[name])


def test_three_bands_in_order_give_exactly_timms_network(tmp_path):
    kept(tmp_path / "w.safetensors")
    torch.manual_seed(1)
    reference = timm.create_model("test_resnet").eval()
    network, _ = built(tmp_path / "w.safetensors", RGB_BANDS)
    x = torch.randn(2, 3, 32, 32)
    features = reference.forward_head(reference.forward_features(x), pre_logits=True)
    assert torch.allclose(network.eval().embed(x), features, atol=1e-5)


@pytest.mark.parametrize("n", [3, 4, 7, 12])
def test_the_response_to_a_grey_patch_keeps_its_magnitude(n):
    weight = torch.randn(8, 3, 3, 3)
    names = ["red", "x1", "green", "blue", *(f"x{i}" for i in range(2, 20))][:n] if n > 3 else ["blue", "red", "green"]
    mapped, _ = map_first_conv(weight, ("red", "green", "blue"), names)
    grey = torch.randn(2, 1, 9, 9)
    before = torch.conv2d(grey.expand(2, 3, 9, 9), weight)
    assert torch.allclose(torch.conv2d(grey.expand(2, n, 9, 9), mapped), before, atol=1e-5)


def test_position_embeddings_follow_the_image_size(tmp_path):
    kept(tmp_path / "w.safetensors", "test_vit")
    network, report = built(tmp_path / "w.safetensors", ZINDI_BANDS, "test_vit", side=48)
    assert network.backbone.pos_embed.shape[1] == 1 + 9 and not report.missing


def test_our_own_file_is_matched_by_band_names_in_any_order(tmp_path):
    bands = bands_named(["nir", "desc_vv"])
    ours, _ = build_network(ModelConfig(backbone="test_resnet", pretrained=False), bands, (32, 32), 3)
    save_network(ours, tmp_path)
    network, report = built(tmp_path / "model.safetensors", bands[::-1])
    assert torch.equal(network.backbone.conv1[0].weight, ours.backbone.conv1[0].weight.flip(1))
    assert report.mapping == {"desc_vv": "desc_vv filter", "nir": "nir filter"}
    with pytest.raises(FormatError, match="trained on the bands nir, desc_vv; here they are nir, desc_vh"):
        built(tmp_path / "model.safetensors", bands_named(["nir", "desc_vh"]))


@pytest.mark.fault(13)
def test_a_file_whose_bands_nobody_knows_is_refused(tmp_path):
    kept(tmp_path / "w.safetensors", in_chans=12)
    with pytest.raises(FormatError, match="12 input bands and nothing says what the bands are"):
        built(tmp_path / "w.safetensors", ZINDI_BANDS)


@pytest.mark.fault(25)
def test_what_does_not_fit_is_refused_with_the_list(tmp_path):
    def change(state):
        state["layer1.0.conv1.weight"] = np.zeros((2, 2), np.float32)
        del state["layer2.0.conv1.weight"]
        return state

    kept(tmp_path / "w.safetensors", change=change)
    with pytest.raises(FormatError, match="missing: layer2.0.conv1.weight; .*layer1.0.conv1.weight is 2x2 instead of"):
        built(tmp_path / "w.safetensors", RGB_BANDS)


def test_weights_of_another_architecture_are_refused(tmp_path):
    kept(tmp_path / "w.safetensors", "test_vit")
    with pytest.raises(FormatError, match="holds no array of this network|does not fit"):
        built(tmp_path / "w.safetensors", RGB_BANDS)


class Canary:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.fault(25)
@pytest.mark.parametrize("name", ["evil.pt", "evil.pth", "evil.bin", "evil.safetensors"])
def test_a_pickle_is_refused_whatever_it_is_called_and_does_not_run(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(Canary(tmp_path / "sang")))
    with pytest.raises((ConfigError, UnsafeFileError), match="safetensors"):
        built(tmp_path / name, RGB_BANDS)
    assert not (tmp_path / "sang").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match="none.safetensors"):
        built(tmp_path / "none.safetensors", RGB_BANDS)


@pytest.fixture
def no_hub(monkeypatch, tmp_path):
    """The hub's client told to stay offline, with an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_without_a_network_the_user_is_told_what_to_do(no_hub):
    with pytest.raises(ConfigError, match="timm/test_resnet.r160_in1k.*model.pretrained=false.*model.weights=FILE"):
        build_network(ModelConfig(backbone="test_resnet"), RGB_BANDS, (32, 32), 0)


def test_a_backbone_without_weights_says_so(no_hub):
    with pytest.raises(ConfigError, match="no pretrained weights for 'efficientnetv2_l'"):
        fetch("efficientnetv2_l")


# --------------------------------------------------------------------------------- from another run, as far as it fits


def transferred(folder, bands, name="test_resnet", **more):
    model = ModelConfig(backbone=name, weights=str(folder), weights_fit="matching", **more)
    return build_network(model, bands, (32, 32), seed=9)


def saved(folder, bands, **more):
    model = ModelConfig(backbone="test_resnet", pretrained=False, **more)
    network, _ = build_network(model, bands, (32, 32), seed=3)
    save_network(network, folder)
    return network


def test_a_run_s_weights_go_to_other_bands_by_name_and_the_rest_from_the_mean(tmp_path):
    ours = saved(tmp_path / "fold_0", bands_named(["nir", "red"]))
    network, report = transferred(tmp_path / "fold_0", bands_named(["red", "desc_vv", "nir"]))
    weight, theirs = network.backbone.conv1[0].weight * 3 / 2, ours.backbone.conv1[0].weight
    for position, expected in enumerate([theirs[:, 1], theirs.mean(1), theirs[:, 0]]):
        assert torch.allclose(weight[:, position], expected, atol=1e-6)
    assert report.mapping == {"red": "red filter", "desc_vv": "mean filter", "nir": "nir filter"}
    assert not report.missing and not report.mismatched and set(report.unexpected) == set()
    assert report.matched == len(network.backbone.state_dict())


def test_what_does_not_fit_stays_random_and_is_listed(tmp_path):
    def change(state):
        state["layer1.0.conv1.weight"] = np.zeros((2, 2), np.float32)
        del state["layer2.0.conv1.weight"]
        return state

    state = kept(tmp_path / "w.safetensors", change=change)
    network, report = transferred(tmp_path / "w.safetensors", RGB_BANDS)
    fresh = build_network(ModelConfig(backbone="test_resnet", pretrained=False), RGB_BANDS, (32, 32), seed=9)[0]
    assert report.missing == ("layer2.0.conv1.weight",) and report.mismatched == ("layer1.0.conv1.weight",)
    for name in (*report.missing, *report.mismatched):
        assert torch.equal(network.backbone.state_dict()[name], fresh.backbone.state_dict()[name])
    assert np.array_equal(
        network.backbone.state_dict()["layer3.0.conv1.weight"].numpy(), state["layer3.0.conv1.weight"]
    )
    assert report.matched == len(network.backbone.state_dict()) - 2


def test_a_run_with_index_bands_gives_their_filters_too(tmp_path):
    bands = bands_named(["red", "green", "blue", "nir"])
    saved(tmp_path / "fold_0", bands, indices=("ndvi",))
    _, report = transferred(tmp_path / "fold_0", bands, indices=("ndvi", "gndvi"))
    assert report.mapping["ndvi"] == "ndvi filter" and report.mapping["gndvi"] == "mean filter"
