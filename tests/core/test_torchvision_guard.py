import subprocess
import sys

import pytest


def in_fresh_python(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_timm_and_torchvision_import_once_the_room_of_training_was_entered():
    code = "import core.train, timm, torchvision.ops; print(timm.create_model('test_resnet').num_classes)"
    assert in_fresh_python(code) == ["1000"]


def test_guard_declares_only_what_torchvision_does_not_bring_itself():
    code = """
from pathlib import Path
from importlib.util import find_spec
from core import torchvision_guard as guard
own = guard._own_library_loads(Path(find_spec("torchvision").origin).parent)
print(own, guard.guard_torchvision(), guard.guard_torchvision())
import torch, torchvision
print(hasattr(torch.ops.torchvision, "nms"))
"""
    own, first, second, there = in_fresh_python(code)
    assert first == second and there == "True"
    assert first == ("False" if own == "True" else "True")


@pytest.mark.parametrize("module", ["core.device", "core.io.safetensors_file", "core.torchvision_guard"])
def test_leaves_load_no_torch(module):
    assert in_fresh_python(f"import sys, {module}; print('torch' in sys.modules)") == ["False"]
