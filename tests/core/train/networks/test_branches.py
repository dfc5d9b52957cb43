"""A network of several branches: what each reads, how they are joined, and what is dropped."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.config import ModelConfig, TrainConfig, preset
from core.data.bands import RGB_BANDS, ZINDI_BANDS, bands_named, choose_bands
from core.errors import ConfigError, FormatError
from core.explain.cam.gradcam import gradcam
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.networks.branches import Fusion, ModalityDropout, channels_of
from core.train.networks.stages.table import stages
from core.train.optimisation.unfreezing import backbone_blocks, lr_scales, opening_at
from tests.builders import TRAIN_TINY

SMALL = {"backbone": "test_resnet", "pretrained": False, "branches": "optical_sar"}


def built(bands=ZINDI_BANDS, seed=0, **more):
    return build_network(ModelConfig(**(SMALL | more)), bands, (32, 32), seed)


def patches(n=4, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 12, 32, 32)).astype(np.float32))


def test_each_branch_answers_to_its_own_bands_alone():
    network = built()[0].eval()
    x = patches()
    before = network.embed(x)
    d = network.backbone.widths[0]
    x_sar, x_optical = x.clone(), x.clone()
    x_sar[:, 4:] += 1.0
    x_optical[:, :4] += 1.0
    of_sar, of_optical = network.embed(x_sar), network.embed(x_optical)
    assert torch.equal(of_sar[:, :d], before[:, :d]) and not torch.equal(of_sar[:, d:], before[:, d:])
    assert torch.equal(of_optical[:, d:], before[:, d:]) and not torch.equal(of_optical[:, :d], before[:, :d])


def test_indices_go_to_the_branch_of_the_bands_they_are_made_of():
    network, report = built(indices="stack20")
    assert network.backbone.channels["optical"] == [*range(4), *range(12, 18)]  # NDVI .. Canny
    assert network.backbone.channels["sar"] == [*range(4, 12), 18, 19]  # VV - VH of both orbits
    assert len(report.mapping) == 20


def test_bands_that_are_neither_go_with_the_optical_ones():
    assert channels_of(("optical", "sar"), ["sar", "terrain", "optical", "other"]) == {"optical": [1, 2, 3], "sar": [0]}


@pytest.mark.parametrize("more", [{}, {"branches": "one", "modality_dropout": 0.2}])
def test_one_kind_of_sensing_is_refused_in_words(more):
    with pytest.raises(ConfigError, match="none of those chosen is sar.*data.bands"):
        built(RGB_BANDS, **more)
    with pytest.raises(ConfigError, match="none of those chosen is optical"):
        built(bands_named(["desc_vv", "desc_vh", "elevation"]), **more)


def test_settings_of_a_branch_that_is_not_there_are_refused():
    with pytest.raises(ValidationError, match="model.branches=optical_sar"):
        ModelConfig(sar_backbone="resnet18")


@pytest.mark.parametrize("fusion", ["concat", "mean", "gated"])
def test_any_two_backbones_are_joined_kept_and_read_by_grad_cam(fusion, tmp_path):
    network, _ = built(fusion=fusion, sar_backbone="test_vit", modality_dropout=0.3, indices="stack20")
    x = patches()
    network.train()(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    save_network(network.eval(), tmp_path)
    assert torch.equal(load_network(tmp_path)(x), network(x))
    names = [layer.name for layer in network.cam_layers()]
    assert any(n.startswith("backbone.optical.") for n in names) and any(n.startswith("backbone.sar.") for n in names)
    assert network.cam_layer(4).name.startswith("backbone.optical.")
    for name in (names[0], names[-1]):
        maps, told = gradcam(network, x.numpy(), layer=name, method="layercam")
        assert told == name and maps.shape[0] == 4 and np.isfinite(maps).all()
    assert {row.name.split(".")[0] for row in stages(network)} >= {"optical", "sar"}


def test_the_indices_have_an_encoder_of_their_own():
    network, report = built(branches="optical_sar_indices", indices="stack20", fusion="gated", modality_dropout=0.3)
    assert network.backbone.channels == {
        "optical": [0, 1, 2, 3], "sar": [*range(4, 12)], "indices": [*range(12, 20)],
    }  # fmt: skip
    assert len(report.mapping) == 20 and len(network.backbone.widths) == 3
    assert [name.split(".")[0] for name in dict(network.backbone.named_children())] == ["optical", "sar", "indices"]
    x = patches()
    network.train()(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert "backbone.indices." in {layer.name[: len("backbone.indices.")] for layer in network.cam_layers()}
    maps, _ = gradcam(network.eval(), x.numpy(), layer=network.cam_layers()[-1].name, method="layercam")
    assert maps.shape[0] == 4 and maps.any(), "gradients reach the bands' indices"
    assert {row.name.split(".")[0] for row in stages(network)} >= {"optical", "sar", "indices"}


def test_an_encoder_of_indices_answers_to_the_bands_that_its_indices_are_made_of():
    network = built(RGB_BANDS, branches="optical_indices", indices="auto")[0].eval()
    network.fit_statistics(patches()[:, :3])
    d = network.backbone.widths[0]
    x = patches(seed=1)[:, :3] + 3.0
    before, brighter = network.embed(x), network.embed(2 * x)  # ratios stay as they are
    assert torch.allclose(brighter[:, d:], before[:, d:], atol=1e-5)
    assert not torch.allclose(brighter[:, :d], before[:, :d], atol=1e-2)


def test_an_encoder_with_nothing_to_read_is_refused_in_words():
    with pytest.raises(ConfigError, match="encoder of indices has nothing to read.*model.indices=auto"):
        built(branches="optical_sar_indices")
    with pytest.raises(ConfigError, match="none of those chosen is sar"):
        built(RGB_BANDS, branches="optical_sar_indices", indices="auto")
    with pytest.raises(ConfigError, match="none of the bands chosen is optical"):
        built(bands_named(["desc_vv", "desc_vh"]), branches="optical_indices", indices="desc_vv_minus_vh")
    with pytest.raises(ValidationError, match="belongs to a SAR branch"):
        ModelConfig(branches="optical_indices", sar_backbone="resnet18")


def test_weights_of_three_branches_are_taken_over_branch_by_branch(tmp_path):
    more = {"branches": "optical_sar_indices", "indices": ("ndvi", "desc_vv_minus_vh")}
    first, _ = built(seed=1, **more)
    save_network(first, tmp_path)
    second, report = built(seed=2, weights=str(tmp_path), **more)
    for name, value in second.backbone.state_dict().items():
        assert torch.equal(value, first.backbone.state_dict()[name]), name
    assert report.mapping["ndvi"] == "ndvi filter" and report.mapping["nir"] == "nir filter"
    two, report = built(seed=2, weights=str(tmp_path), branches="optical_sar")
    assert torch.equal(next(two.backbone.sar.parameters()), next(first.backbone.sar.parameters()))


def test_the_presets_after_the_board_build_on_its_twelve_bands():
    config = preset("board2-three").with_overrides(["model.image_size=32"])
    bands = choose_bands(config.data.bands, ZINDI_BANDS)
    network, report = build_network(config.model, bands, (64, 64), 0, download=False)
    assert network.backbone.channels == {"optical": [0, 1, 2, 3], "sar": [4, 5, 6, 7], "indices": [*range(8, 16)]}
    assert report.mapping["red"] == "red filter" and report.mapping["ndvi"] == "mean of RGB"


def test_fusion_by_hand():
    joined = torch.tensor([[1.0, 2.0, 5.0, 8.0]])
    assert torch.equal(Fusion("concat", (2, 2))(joined), joined)
    assert torch.equal(Fusion("mean", (2, 2))(joined), torch.tensor([[3.0, 5.0]]))
    gated = Fusion("gated", (2, 2))
    torch.nn.init.zeros_(gated.gate.weight)
    gated.gate.bias.data = torch.tensor([100.0, -100.0])  # the first feature from optical, the second from SAR
    assert torch.allclose(gated(joined), torch.tensor([[1.0, 8.0]]))
    three = Fusion("gated", (1, 1, 1))
    torch.nn.init.zeros_(three.gate.weight)
    three.gate.bias.data = torch.tensor([np.log(2.0), np.log(5.0)], dtype=torch.float32)  # weights 2, 5 and 1 of 8
    assert torch.allclose(three(torch.tensor([[8.0, 16.0, 24.0]])), torch.tensor([[15.0]]))
    assert torch.equal(Fusion("mean", (1, 1, 1))(torch.tensor([[3.0, 6.0, 0.0]])), torch.tensor([[3.0]]))
    assert Fusion("mean", (2, 3)).n_features == 3 and Fusion("mean", (2, 3))(torch.ones(1, 5)).shape == (1, 3)


def test_a_share_of_patches_loses_one_modality_never_both_and_only_in_training():
    dropout = ModalityDropout(0.4, {"optical": [0, 1], "sar": [2]})
    x = torch.ones(20_000, 3, 1, 1)
    torch.manual_seed(0)
    found = dropout(x)[:, :, 0, 0]
    lost_optical, lost_sar = (found[:, :2] == 0).all(dim=1), found[:, 2] == 0
    assert not (lost_optical & lost_sar).any()
    assert torch.equal((found[:, :2] == 0).any(dim=1), lost_optical)
    assert abs(lost_optical.float().mean() - 0.2) < 0.01 and abs(lost_sar.float().mean() - 0.2) < 0.01
    torch.manual_seed(0)
    assert torch.equal(dropout(x)[:, :, 0, 0], found)
    assert dropout.eval()(x) is x


def test_a_lost_modality_takes_its_indices_along_and_resuming_draws_the_same(made_patches):
    from core.config import RunConfig

    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 12, 32, 32)).astype(np.float32)
    y = np.arange(12) % 2
    settings = ["model.branches=optical_sar", "model.modality_dropout=0.6", "train.epochs=2", "model.indices=ndvi"]
    config = RunConfig().with_overrides([*TRAIN_TINY, *settings])
    units = (np.full(12, 1000.0), np.full(12, 100.0))
    scores = []
    for _ in range(2):
        network, _ = build_network(config.model, ZINDI_BANDS, (32, 32), 0, units)
        list(fit(network, x, y, x, y, config, "cpu", seed=3))
        scores.append(embed(network, x, "cpu", 4).logits)
    assert np.array_equal(*scores)
    seen = []
    network.backbone.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    network.modality_dropout.share = 1.0
    network.train()(torch.from_numpy(x))
    flat = seen[0].flatten(2).std(dim=2)  # (N, C + I)
    no_optical = (flat[:, :4] == 0).all(dim=1)
    assert no_optical.any() and torch.equal(flat[:, 12] < 1e-6, no_optical)  # NDVI of flat bands is flat


def test_both_branches_open_from_their_tops():
    network = built()[0]
    opened = opening_at(1, network, TrainConfig(trainable="layers", top_layers=6)).parameters
    assert {name.split(".")[1] for name in opened if name.startswith("backbone.")} == {"optical", "sar"}
    head = opening_at(1, network, TrainConfig(trainable="head")).parameters
    assert head == {"classifier.weight", "classifier.bias"}
    gated = built(fusion="gated")[0]
    frozen = opening_at(1, gated, TrainConfig(trainable="head")).parameters
    assert "fusion.gate.weight" in frozen and not any(name.startswith("backbone.") for name in frozen)


def test_blocks_equally_far_from_the_end_learn_at_one_rate():
    network = built(sar_backbone="test_vit")[0]
    blocks = backbone_blocks(network)
    assert {name.split(".")[1] for name in blocks[-1]} == {"optical", "sar"}
    scales = lr_scales(network, 0.5)
    assert {scales[name] for name in blocks[-1]} == {0.5}
    assert set().union(*blocks) == {name for name, _ in network.named_parameters() if name.startswith("backbone.")}


def test_weights_of_a_run_of_two_branches_are_taken_over_branch_by_branch(tmp_path):
    first, _ = built(seed=1)
    save_network(first, tmp_path)
    second, report = built(seed=2, weights=str(tmp_path))
    for name, value in second.backbone.state_dict().items():
        assert torch.equal(value, first.backbone.state_dict()[name]), name
    assert report.source == tmp_path.name and report.matched == len(second.backbone.state_dict())
    assert report.mapping["red"] == "red filter" and report.mapping["asc_vh"] == "asc_vh filter"
    with pytest.raises(FormatError, match="several networks.*backbone.optical., backbone.sar."):
        build_network(ModelConfig(backbone="test_resnet", weights=str(tmp_path)), ZINDI_BANDS, (32, 32), 0)


def test_each_branch_has_its_own_file(tmp_path):
    for name, bands in (("optical", ZINDI_BANDS[:4]), ("sar", ZINDI_BANDS[4:])):
        model = ModelConfig(backbone="test_resnet", pretrained=False)
        save_network(build_network(model, bands, (32, 32), 7)[0], tmp_path / name)
    paths = {"weights": str(tmp_path / "optical"), "sar_weights": str(tmp_path / "sar")}
    network, report = built(**paths)
    assert report.matched == 2 * len(network.backbone.sar.state_dict())
    assert not report.missing and "random" not in report.mapping.values()
