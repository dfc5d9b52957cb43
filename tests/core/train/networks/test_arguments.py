"""Which arguments a backbone knows, told without building it; and how large a network may be."""

import json
import time

import pytest

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.errors import ConfigError, LandslideLensError, RunError
from core.train.networks.arguments import accepted_arguments, size_limited
from core.train.networks.backbones import build_network, load_network, save_network


@pytest.mark.parametrize(
    ("backbone", "knows", "does_not"),
    [
        ("resnet18", {"channels", "layers"}, {"depths", "embed_dim", "widths"}),
        ("tf_efficientnetv2_l.in21k_ft_in1k", {"channel_multiplier"}, {"channels", "layers", "img_size"}),
        ("swin_tiny_patch4_window7_224", {"embed_dim", "depths", "num_heads", "img_size"}, {"channels", "depth"}),
        ("vit_tiny_patch16_224", {"depth", "embed_dim"}, {"depths", "channels"}),
        ("densenet121", {"growth_rate", "block_config"}, {"channels", "img_size"}),
        ("unet_resnet18", {"channels", "decoder"}, {"embed_dim"}),
        ("baseline_cnn", {"widths", "kernel", "dense"}, {"channels", "decoder"}),
        ("no_such_network", set(), {"channels"}),
    ],
)
def test_a_family_is_known_by_its_arguments(backbone, knows, does_not):
    accepted = accepted_arguments(backbone)
    assert knows <= accepted and not does_not & accepted
    assert not {"checkpoint_path", "pretrained_cfg", "cache_dir", "in_chans", "num_classes"} & accepted


@pytest.mark.parametrize(
    ("backbone", "arguments"),
    [("resnet18", {"channels": [8, 8, 8, 8]}), ("densenet121", {"growth_rate": 4, "block_config": [1, 1, 1, 1]})],
)
def test_what_is_accepted_is_taken(backbone, arguments):
    assert set(arguments) <= accepted_arguments(backbone)
    build_network(ModelConfig(backbone=backbone, pretrained=False, arguments=arguments), RGB_BANDS, (32, 32), 0)


def test_a_network_beyond_all_measure_is_refused_before_it_takes_memory():
    model = ModelConfig(backbone="resnet18", pretrained=False, arguments={"channels": [16384] * 4})
    began = time.process_time()
    with pytest.raises(ConfigError, match="more than 2,147,483,648 parameters"):
        build_network(model, RGB_BANDS, (32, 32), 0)
    assert time.process_time() - began < 3
    with pytest.raises(ConfigError, match="more than 10 parameters"), size_limited(10):
        build_network(ModelConfig(backbone="test_resnet", pretrained=False), RGB_BANDS, (32, 32), 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_hw", [10**6, 10**6]), ("image_hw", [0, 32]), ("image_hw", ["x", 3]), ("image_hw", None), ("bands", []),
        ("bands", [{"name": "red"}] * 3), ("bands", 3), ("indices", ["nothing"]),
        ("model", {"arguments": {"cache_dir": 1}}),
        ("bands", [{"name": name, "title": "", "family": 3, "usual": None} for name in "abc"]),
        ("columns", [{"name": 1}]), ("second_classes", 7),
    ],
)  # fmt: skip
def test_a_card_that_lies_is_refused_in_a_line(tmp_path, key, value):
    network, _ = build_network(ModelConfig(backbone="test_resnet", pretrained=False), RGB_BANDS, (32, 32), 0)
    save_network(network, tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    card |= {"model": card["model"] | value} if key == "model" else {key: value}
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(LandslideLensError) as error:
        load_network(tmp_path)
    assert "\n" not in str(error.value)


def test_a_card_of_a_larger_network_than_its_weights_is_refused(tmp_path):
    network, _ = build_network(ModelConfig(backbone="test_resnet", pretrained=False), RGB_BANDS, (32, 32), 0)
    save_network(network, tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    card["model"] |= {"backbone": "resnet18", "arguments": {"channels": [4096] * 4}}
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(RunError, match="describes no network that can be built"):
        load_network(tmp_path)
