"""Where the computing happens: the device, the precision on it, and the seeds.

torch is loaded when a function is called.
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(requested: str = "auto") -> torch.device:
    """The device to compute on; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises ConfigError for an unknown name or a device that this machine does not have.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if requested == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if requested not in there:
        raise ConfigError(f"There is no device '{requested}'. Known: {', '.join(DEVICES)}.")
    if not there[requested]:
        raise ConfigError(f"This machine has no usable '{requested}' device. Set device=auto or device=cpu.")
    return torch.device(requested)


def autocast_dtype(device: torch.device, precision: str = "auto") -> torch.dtype | None:
    """The type for ``torch.autocast``, or None for plain float32; ``auto`` is bfloat16 where a CUDA device has it.

    Raises ConfigError when bfloat16 is asked for on a device that does not have it.
    """
    import torch

    able = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    if precision == "bfloat16" and not able:
        raise ConfigError(f"The device '{device.type}' has no bfloat16. Set precision=auto or precision=float32.")
    wanted = precision == "bfloat16" or (precision == "auto" and device.type == "cuda" and able)
    return torch.bfloat16 if wanted else None


def usable_cores() -> int:
    """The cores that this process may run on, at least one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def computing_cores() -> int:
    """The cores that this process computes on: a thread each."""
    import torch

    return min(torch.get_num_threads(), usable_cores())


def free_bytes(device: torch.device) -> int | None:
    """Free memory of a CUDA device in bytes; None elsewhere, where data need not be moved."""
    import torch

    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def memory_bytes(device: torch.device) -> int:
    """The most that a CUDA device has held since its peak was reset; elsewhere what this process holds now."""
    import psutil
    import torch

    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss


def sent(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """A small array on ``device``, of its own type. A GPU goes on with its work meanwhile: nobody waits for it."""
    import torch

    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def describe() -> dict[str, object]:
    """What the record of a run says of this machine: library versions, cores, threads and devices. Plain values."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": choose_device("auto").type,
        "device_name": torch.cuda.get_device_name() if cuda else platform.processor() or platform.machine(),
        "memory_bytes": torch.cuda.get_device_properties(0).total_memory if cuda else None,
        "bfloat16": bool(cuda and torch.cuda.is_bf16_supported()),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
