"""Where a run's numbers come from: code, libraries, machine, data, seeds.

It is kept in ``provenance.json`` and shown by ``doctor``. Versions are read from package metadata, so that nothing
heavy is imported to ask for them.
"""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from core import __version__
from core.config import RunConfig
from core.data.normalise import MISSING_POLICY
from core.data.store.dataset import Dataset

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "torch timm scikit-learn lightgbm umap-learn plotly streamlit h5py scikit-image grad-cam numpy pandas pyarrow "
    "numba safetensors pydantic typer psutil pillow rasterio shapely pyproj pyogrio onnx onnxscript onnxruntime "
    "cleanlab"
).split()


def collect(dataset: Dataset, config: RunConfig, device: Any) -> dict[str, Any]:
    """Everything needed to say which code made these numbers from which data on what machine."""
    from core.device import describe

    return {
        "code": {"version": __version__, "commit": commit()},
        "libraries": versions(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": {**describe(), "used": str(device)},
        "dataset": {
            "name": dataset.name,
            "path": str(dataset.path.resolve()),
            "content_hash": dataset.content_hash,
            "source": dataset.source,
            "licence": dataset.licence,
            "n": len(dataset),
            "shape": list(dataset.shape),
        },
        "missing": missing(dataset),
        "config_hash": config.hash(),
        "seed": config.seed,
    }


def missing(dataset: Dataset) -> dict[str, Any]:
    """What is done about values that are not there, and how many there are by band (FAULTS 12)."""
    counts = {row["name"]: {key: int(row[key]) for key in ("n_nonfinite", "n_nodata")} for row in dataset.statistics}
    return {"policy": MISSING_POLICY, "bands": {name: found for name, found in counts.items() if any(found.values())}}


def versions() -> dict[str, str | None]:
    """Installed version of each library, none where it is not installed."""
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """The repository's commit, ``+changes`` appended when files differ from it; none outside a checkout."""
    try:
        head = _git("rev-parse", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True)
    return found.stdout.strip()
