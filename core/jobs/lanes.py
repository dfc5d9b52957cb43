"""Lanes: one for each device, in which one job runs at a time, and one for what needs none.

A machine with several GPUs has as many lanes for them; a waiting job takes the first that is free, and its worker sees
that GPU alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core.analyses.registry import analysis
from core.jobs.analysis_folder import AnalysisFolder
from core.runs.store import RunFolder

CPU = "cpu"
ACCELERATOR = "accelerator"
FILES = "files"  # of what reads and writes files and needs no device
VISIBLE = "CUDA_VISIBLE_DEVICES"


def lane_of(folder: RunFolder | AnalysisFolder) -> str:
    """The kind of lane that a job needs. Asking torch takes seconds: a driver is looked for instead."""
    if isinstance(folder, AnalysisFolder):
        asked, target = analysis(folder.analysis()), folder.target()
        if not asked.needs_device:
            return FILES
        options = asked.options(folder.options())
        device = target.config().device if isinstance(target, RunFolder) else getattr(options, "device", "auto")
    else:
        device = folder.config().device
    accelerated = Path("/dev/nvidiactl").exists() or sys.platform == "darwin"
    return CPU if device == "cpu" or not accelerated else ACCELERATOR


def gpus() -> list[str]:
    """What CUDA calls the GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, or every one of the driver."""
    said = os.environ.get(VISIBLE)
    if said is not None:
        return [name.strip() for name in said.split(",") if name.strip()]
    return [str(i) for i in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def slots(lane: str) -> list[str]:
    """The lanes of this kind, by name: one for each GPU where there are several, otherwise the kind itself."""
    found = gpus() if lane == ACCELERATOR else []
    return [f"{lane}:{name}" for name in found] if len(found) > 1 else [lane]


def kind_of(slot: str) -> str:
    """The inverse of :func:`slots`."""
    return slot.partition(":")[0]


def environment(slot: str) -> dict[str, str]:
    """What a worker in this lane sees beside the rest: its own GPU alone, where there are several."""
    gpu = slot.partition(":")[2]
    return {VISIBLE: gpu} if gpu else {}
