"""Makes ``import torchvision`` work next to a build of torch that its compiled operators were not made for.

timm and grad-cam import torchvision. Next to a CPU-only torch its compiled library does not load, and its import stops
with ``operator torchvision::nms does not exist`` because it describes two operators by name. Declaring those two
schemas first is enough: nothing here or in timm calls an operator of torchvision, so none needs a body.
Call :func:`guard_torchvision` before the first import of timm or grad-cam.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.util import find_spec
from pathlib import Path

# Schemas of torchvision 0.28, csrc/ops/nms.cpp and quantized/qnms.
_SCHEMAS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


@lru_cache(maxsize=1)
def guard_torchvision() -> bool:
    """Whether the operators had to be declared: False where torchvision's own library loads, or there is none.

    Safe to call any number of times. torchvision's own library is tried first, because declaring an operator that it
    later brings itself would be an error.
    """
    if "torchvision" in sys.modules:
        return False
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None or _own_library_loads(Path(spec.origin).parent):
        return False
    import torch

    for name, schema in _SCHEMAS.items():
        if not _exists(name):
            torch.library.define(name, schema)
    return True


def _own_library_loads(folder: Path) -> bool:
    """Loads torchvision's compiled operators as its own ``extension.py`` does; a second load is harmless."""
    import torch

    found = FileFinder(str(folder), (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_C")
    if found is None or found.origin is None:
        return False
    try:
        torch.ops.load_library(found.origin)
    except (OSError, ImportError):
        return False
    return _exists("torchvision::nms")


def _exists(name: str) -> bool:
    import torch

    namespace, operator = name.split("::")
    return hasattr(getattr(torch.ops, namespace), operator)
