"""A run whose files are made up, and one that was trained and explained in every way, with hostile names."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.config import RunConfig
from core.data.bands import bands_named
from core.data.store import DatasetWriter
from core.runs.store import RunFolder
from tests.builders import TINY, returned

BANDS = ("red", "nir", "desc_vv", "asc_vv")
ANALYSES = {
    "attention_checks": {"patches": 12, "seeds": 1, "compared": 4},
    "attention_maps": {},
    "band_importance": {"patches": "all", "spatial": 4, "window": 8, "stride": 8},
    "robustness": {"coverages": [0.5]},
    "where": {"patches": 10, "stride": 8},
}


@pytest.fixture
def run(studio):
    """A finished run of made-up numbers that nothing was asked of yet."""
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def explained_run(studio, shared_home):
    """A trained run, every analysis of this page done; whose every name tries to become markup."""
    from tests.trained_runs import made_once

    made = made_once(shared_home / "explained", make_explained)
    shutil.copytree(made.path.parent, studio.checkpoints, dirs_exist_ok=True)
    run = RunFolder(studio.checkpoints / made.name)
    run.write_json("job.json", {**run.job(), "dataset": str(studio.checkpoints / "datasets" / "four.h5")})
    return run


def make_explained(home: Path) -> None:
    """See ``explained_run``."""
    from core.analyses import registry
    from tests.trained_runs import train_tiny

    config = RunConfig().with_overrides([*TINY, "embed.method=pca", "train.epochs=2", "heads.svm_C=[0.1]"])
    run = train_tiny(home, _dataset(home / "datasets" / "four.h5"), config, "whole")
    for name, options in ANALYSES.items():
        returned(registry.analysis(name).start(run, options))


def _dataset(path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = (np.arange(48) % 3 == 0).astype(np.int8)
    images = rng.normal(size=(48, len(BANDS), 32, 32)).astype(np.float32)
    masks = np.zeros((48, 32, 32), np.uint8)
    for i in np.flatnonzero(labels):
        masks[i, 8 : 8 + 12, 4 : 4 + 12] = 1
        images[i, 2] += 6 * masks[i]
    bands = bands_named(BANDS)
    bands = (replace(bands[0], title="[t](javascript:alert(1))"), *bands[1:])
    path.parent.mkdir()
    names = ("![o](http://x.example/o.png)", "[L](javascript:alert(2))")
    with DatasetWriter(path, bands=bands, shape_hw=(32, 32), class_names=names, source="made") as writer:
        writer.append(
            images, labels, [f"<img src=x onerror=alert({i})>" for i in range(48)],
            groups=[f"<b>g{i // 3}</b>" for i in range(48)], masks=masks,
            columns={"source": ["=HYPERLINK(1)" if i % 2 else "<u>s</u>" for i in range(48)]},
        )  # fmt: skip
        return writer.finish().path
