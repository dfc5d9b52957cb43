"""A run with optical and radar bands, of which one alone carries the signal; plain, and with its band analyses done."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from core.analyses import registry
from core.config import RunConfig
from core.data.bands import bands_named
from core.data.store import DatasetWriter
from core.runs.store import RunFolder
from tests.builders import TINY, returned
from tests.trained_runs import train_tiny

BANDS = ("red", "nir", "desc_vv", "desc_dvv", "asc_vv")
ONLY = "desc_dvv"  # the band that alone carries the signal
IMPORTANCE = {"patches": "all", "spatial": 4, "window": 8}
ROBUSTNESS = {"coverages": [0.5]}


def make_banded_dataset(path: Path, n: int = 48, side: int = 32) -> Path:
    """``n`` patches in scenes of three; every third is a landslide, a bright square in ``ONLY``."""
    rng = np.random.default_rng(0)
    labels = (np.arange(n) % 3 == 0).astype(np.int8)
    images = rng.normal(size=(n, len(BANDS), side, side)).astype(np.float32)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, side - 12, size=2)
        images[i, BANDS.index(ONLY), y : y + 12, x : x + 12] += 6
    images = images * np.array([300, 300, 2, 2, 2], np.float32)[:, None, None]
    images += np.array([1500, 3000, -10, 1, -12], np.float32)[:, None, None]
    writer = DatasetWriter(
        path, bands=bands_named(BANDS), shape_hw=(side, side), class_names=("other", "landslide"), source="made"
    )
    with writer:
        writer.append(images, labels, [f"p{i:03d}" for i in range(n)], groups=[f"g{i // 3}" for i in range(n)])
        return writer.finish().path


def train_banded(home: Path, dataset: Path, name: str, *settings: str) -> RunFolder:
    """A run that has learnt the bright square; ``settings`` come last."""
    config = RunConfig().with_overrides([*TINY, "embed.method=pca", "train.epochs=10", "heads.svm_C=[0.1]", *settings])
    return train_tiny(home, dataset, config, name)


def make_banded(home: Path) -> None:
    """See the module."""
    train_banded(home, make_banded_dataset(home / "tiny.h5"), "whole")


def make_analysed(home: Path, banded: RunFolder) -> None:
    """A copy of ``banded`` with band importance and robustness."""
    shutil.copytree(banded.path.parent, home, dirs_exist_ok=True)
    run = RunFolder(home / banded.name)
    run.write_json("job.json", {**run.job(), "dataset": str(home / "tiny.h5")})
    returned(registry.analysis("band_importance").start(run, IMPORTANCE))
    returned(registry.analysis("robustness").start(run, ROBUSTNESS))
