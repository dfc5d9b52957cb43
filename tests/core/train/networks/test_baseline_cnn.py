import pytest
import torch

from core.config import ModelConfig, TrainConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.errors import ConfigError
from core.train.networks.backbones import build_network, load_network, save_network
from core.train.optimisation.unfreezing import opening_at


def built(bands=RGB_BANDS, side=32, **arguments):
    model = ModelConfig(backbone="baseline_cnn", pretrained=False, arguments=arguments)
    return build_network(model, bands, (side, side), 0)[0]


def weights(network):
    return [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]


def test_it_has_five_layers_and_about_the_papers_parameters_at_150_pixels():
    network = built(side=150)
    assert len(weights(network)) == 5
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(2.8e6, rel=0.1)


@pytest.mark.parametrize("arguments", [{}, {"kernel": 5}, {"widths": [8, 8]}, {"widths": [4, 8, 8, 16], "dense": 32}])
def test_variants_of_kernel_and_depth_learn_save_and_load(arguments, tmp_path):
    network = built(ZINDI_BANDS, **arguments)
    network(torch.randn(2, 12, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert len(weights(network)) == len(arguments.get("widths", "abc")) + 2
    save_network(network.eval(), tmp_path)
    x = torch.randn(2, 12, 32, 32)
    assert torch.equal(load_network(tmp_path)(x), network(x))
    assert network.cam_layer(4).name.startswith("backbone.stages")


@pytest.mark.parametrize("arguments", [{"kernel": 4}, {"widths": []}, {"depth": 3}, {"widths": 8}])
def test_other_variants_are_refused_with_what_is_accepted(arguments):
    with pytest.raises(ConfigError, match="widths .* kernel .* dense"):
        built(**arguments)


def test_patches_that_are_too_small_are_refused():
    with pytest.raises(ConfigError, match="halves a patch 3 times; 4x4"):
        built(side=4)


def test_its_top_layers_can_be_opened():
    assert "backbone.dense.weight" in opening_at(1, built(), TrainConfig(trainable="layers", top_layers=1)).parameters
