"""Every backbone that the Train page lists, from every preset: built for a patch, and one step back through it."""

from __future__ import annotations

import pytest
import torch

from core.config import PRESETS, ModelConfig, preset
from core.data.bands import RGB_BANDS
from core.errors import ConfigError
from core.train.networks.arguments import accepted_arguments, fitting_arguments
from core.train.networks.backbones import build_network
from dashboard.train.backbones import BACKBONES, SMALLEST, check_size

SIDE = 32  # pixels; less than any real patch
LIGHT = ("baseline_cnn", "mobilenetv4_conv_small", "resnet18", "unet_resnet18", "mobilenetv1_100.ra4_e3600_r224_in1k")


def asked(name: str, backbone: str):
    """What the form asks for: this preset with that backbone, from random weights."""
    return preset(name).with_overrides([f"model.backbone={backbone}", "model.pretrained=false"])


def one_step(model: ModelConfig, side: int) -> None:
    network, _ = build_network(model, RGB_BANDS, (side, side), 0)
    network.train()
    answer = network(torch.rand(2, 3, side, side))
    logits = answer[0] if isinstance(answer, tuple) else answer
    logits.sum().backward()
    assert any(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def sizes(model: ModelConfig) -> list[ModelConfig]:
    """The model at a size that costs little: what is tried is whether it takes its arguments."""
    return model.model_copy(update={"image_size": None})


@pytest.mark.parametrize("name", ["demo", "small", "table2-baseline"])
@pytest.mark.parametrize("backbone", LIGHT)
def test_a_light_backbone_trains_from_a_preset(backbone, name):
    model, told = fitting_arguments(asked(name, backbone).model)
    one_step(sizes(model), SIDE)
    assert set(model.arguments) <= accepted_arguments(backbone)
    lost = set(asked(name, backbone).model.arguments) - set(model.arguments)
    assert len(told) == bool(lost) and all(word in told[0] and backbone in told[0] for word in lost)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", [name for name in BACKBONES if name not in LIGHT])
def test_every_listed_backbone_trains_from_every_preset(backbone):
    distinct = {}
    for name in PRESETS:
        model = sizes(fitting_arguments(asked(name, backbone).model)[0])
        distinct[str(model.arguments)] = model
    for model in distinct.values():
        one_step(model, max(SIDE, SMALLEST.get(backbone, 0)))


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_preset_gives_a_listed_backbone_arguments_that_it_does_not_take(backbone, name):
    model, _ = fitting_arguments(asked(name, backbone).model)
    assert set(model.arguments) <= accepted_arguments(backbone)


def test_arguments_that_fit_stay_and_nothing_is_told():
    model = preset("small").model
    assert fitting_arguments(model) == (model, [])


def test_the_second_encoder_loses_its_own_arguments():
    model = ModelConfig(
        backbone="resnet18", arguments={"channels": [8] * 4}, branches="optical_sar", sar_backbone="densenet121",
        sar_arguments={"channels": [8] * 4, "growth_rate": 4}, pretrained=False,
    )  # fmt: skip
    fitted, told = fitting_arguments(model)
    assert fitted.arguments == model.arguments and fitted.sar_arguments == {"growth_rate": 4}
    assert len(told) == 1 and "densenet121" in told[0] and "model.sar_arguments" in told[0]


def test_an_unknown_backbone_is_refused_when_it_is_built():
    model = ModelConfig(backbone="no_such", arguments={"channels": [8] * 4}, pretrained=False)
    assert fitting_arguments(model) == (model, [])


@pytest.mark.parametrize("backbone", sorted(SMALLEST))
def test_patches_that_a_listed_backbone_cannot_take_are_refused_before_they_are_queued(backbone):
    least = SMALLEST[backbone]
    with pytest.raises(ConfigError, match=f"at least {least} pixels.*Side after resizing"):
        check_size(asked("demo", backbone), (least - 1, 200))
    check_size(asked("demo", backbone), (least, 200))
    check_size(asked("demo", backbone).with_overrides([f"model.image_size={least}"]), (16, 16))
    with pytest.raises(ConfigError):
        build_network(fitting_arguments(asked("demo", backbone).model)[0], RGB_BANDS, (least - 1, least - 1), 0)
