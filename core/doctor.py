"""What this machine has and lacks for Landslide Lens.

Rows of facts, each with advice; nothing is changed.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from core.config.packaged_weights import WEIGHTS, PackagedWeights
from core.data.clouds import network as clouds
from core.errors import LandslideLensError
from core.provenance import commit, versions

REQUIRED = (
    "torch timm scikit-learn lightgbm umap-learn streamlit plotly h5py numba pyarrow "
    "rasterio pyproj shapely pyogrio onnx onnxscript onnxruntime"
).split()


def examine(checkpoints: Path) -> dict[str, Any]:
    """``{"ok", "rows": [{"what", "found", "ok", "advice"}], "device", "versions"}``."""
    found = versions()
    rows = [_row("Python", platform.python_version(), sys.version_info[:2] in ((3, 11), (3, 12)), "Use 3.11 or 3.12.")]
    rows += [
        _row(name, found[name] or "not installed", found[name] is not None, "python -m pip install -r requirements.txt")
        for name in REQUIRED
    ]
    rows += [_weights_row(one) for one in WEIGHTS.values()]
    rows += [_clouds_row(), _cluster_row()]
    device: dict[str, Any] = {}
    try:
        from core.device import describe

        device = describe()
        name = f"{device['device']} ({device['device_name']})"
        rows.append(
            _row(
                "Device",
                name,
                True,
                "Training runs on the processor: choose the presets transfer, small or demo."
                if device["device"] == "cpu"
                else "",
                always=True,
            )
        )
    except (ImportError, LandslideLensError) as error:
        rows.append(_row("Device", f"unknown: {error}", False, "Install torch."))
    writable = os.access(checkpoints if checkpoints.exists() else checkpoints.parent, os.W_OK)
    rows.append(_row("Checkpoints folder", checkpoints.name, writable, "Make it writable, or choose --checkpoints."))
    free = shutil.disk_usage(checkpoints if checkpoints.exists() else checkpoints.parent).free
    rows.append(_row("Free disk", f"{free / 2**30:.1f} GiB", free > 2**30, "Free at least 1 GiB."))
    ok = all(row["ok"] for row in rows)
    return {"ok": ok, "rows": rows, "device": device, "versions": found, "commit": commit()}


def _weights_row(one: PackagedWeights) -> dict[str, Any]:
    """Whether packaged weights are there; those that requirements.txt does not bring are an extra."""
    path = one.path()
    found = one.source if path is not None and path.is_file() else "not installed"
    here = found == one.source
    extra = "" if here or one.required else "An extra, for model.pretrained=packaged: "
    return _row(
        f"Weights of {one.backbone}", found, here or not one.required, "" if here else f"{extra}{one.command}", True
    )


def _clouds_row() -> dict[str, Any]:
    """Whether the cloud networks are there, which are an extra."""
    here = clouds.file_of("l2a") is not None
    found = f"{clouds.PACKAGE} {clouds.VERSION}" if here else "not installed"
    return _row("Cloud networks", found, True, "" if here else f"An extra, for clouds: {clouds.COMMAND}", True)


def _cluster_row() -> dict[str, Any]:
    """Whether Ray is there, which is an extra."""
    found = next((dist.version for dist in distributions(name="ray")), None)
    advice = (
        "" if found else "An extra, for jobs on several machines: python -m pip install -r requirements-cluster.txt"
    )
    return _row("Ray", found or "not installed", True, advice, True)


def _row(what: str, found: str, ok: bool, advice: str, always: bool = False) -> dict[str, Any]:
    return {"what": what, "found": found, "ok": ok, "advice": advice if always or not ok else ""}
