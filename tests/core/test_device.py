import json

import pytest
import torch

from core import device
from core.errors import ConfigError


def test_auto_takes_the_best_device_there_is():
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert device.choose_device("auto").type == best
    assert device.choose_device("cpu").type == "cpu"


def test_unknown_device_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="auto, cpu, cuda, mps"):
        device.choose_device("tpu")


@pytest.mark.fault(8)
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match="device=auto or device=cpu"):
        device.choose_device("cuda")


def test_precision_on_a_cpu_is_float32_unless_asked_otherwise():
    cpu = torch.device("cpu")
    assert device.autocast_dtype(cpu, "auto") is None
    assert device.autocast_dtype(cpu, "float32") is None
    assert device.autocast_dtype(cpu, "bfloat16") is torch.bfloat16
    with pytest.raises(ConfigError, match="no bfloat16"):
        device.autocast_dtype(torch.device("mps"), "bfloat16")


def test_description_is_plain_values():
    facts = device.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["torch"] == torch.__version__
