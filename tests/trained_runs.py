"""Runs that are really trained, each once for all test processes of a session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.config import RunConfig, preset
from core.data.bands import bands_named
from core.data.inventories import read_inventory
from core.data.inventories.join import join_dataset, write_join
from core.data.store import DatasetWriter
from core.pipeline import train_run
from core.predict.novelty.fit import fitted
from core.progress import drain
from core.runs.store import RunFolder, create_run
from tests.builders import TINY, make_tiny

QUICK = ("train.epochs=1", "embed.method=pca", "heads.svm_C=[0.1]")
BALANCED = ("folds.n_splits=3", "heads.lgbm=false", "smote.n_syn=3", "heads.threshold=half")


def train_tiny(home: Path, dataset: Path, config: RunConfig, name: str) -> RunFolder:
    """A run of ``config`` trained in this process, finished as a worker would leave it."""
    run = create_run(home, config, dataset, name)
    for _ in train_run(run):
        pass
    run.write_status(state="succeeded")
    drain(fitted(run))
    return run


def make_trained(home: Path) -> None:
    """Two folds of one epoch on 48 patches; the head is an SVM with C = 0.1."""
    train_tiny(home, make_tiny(home / "tiny.h5"), RunConfig().with_overrides([*TINY, *QUICK]), "trained")


def make_balanced(home: Path) -> None:
    """Three folds of one epoch with synthetic patches, on 120 patches of which 40 are landslides."""
    config = preset("demo").with_overrides([*TINY, *QUICK, *BALANCED])
    train_tiny(home, make_tiny(home / "tiny.h5", n=120, signal=1.0), config, "balanced")


def make_outlined(home: Path) -> None:
    """Two folds of a U-Net that also learnt the masks of 48 patches, well enough to draw them."""
    settings = (*TINY, *QUICK, "model.backbone=unet_test_resnet", "model.masks=true", "train.epochs=8", "train.lr=0.01",
                "smote.enabled=false", "augment.mix_prob=0", "train.ema_decay=0.8")  # fmt: skip
    dataset = make_tiny(home / "tiny.h5", masks=True)
    train_tiny(home, dataset, RunConfig().with_overrides(settings), "outlined")


def make_paired(home: Path) -> None:
    """One split of 60 pairs before and after the event, two epochs of shared weights.

    Its second head answers the trigger of a joined inventory, which only landslides have.
    """
    dataset, n = home / "tiny.h5", 60
    rng = np.random.default_rng(0)
    labels = (np.arange(n) % 3 == 0).astype(np.int8)
    before = rng.normal(100, 20, (n, 2, 16, 16))
    images = np.concatenate([before + 60.0 * labels[:, None, None, None], before], axis=1).astype(np.float32)
    lonlat = np.stack([10 + np.arange(n) / 10, np.full(n, 46.0)], axis=1)
    options = {"bands": bands_named(["red", "green", "red_pre", "green_pre"]), "shape_hw": (16, 16)}
    with DatasetWriter(dataset, class_names=("other", "landslide"), source="Made in a test.", **options) as writer:
        groups = [f"g{i // 3:02d}" for i in range(n)]
        writer.append(images, labels, [f"p{i:02d}" for i in range(n)], groups=groups, lonlat=lonlat)
        data = writer.finish()
    rows = [f"{x},{y},{('rain', 'earthquake')[i % 2]}" for i, (x, y) in enumerate(lonlat[labels == 1])]
    (home / "events.csv").write_text("\n".join(["longitude,latitude,trigger", *rows]))
    write_join(dataset, join_dataset(data, [read_inventory(home / "events.csv")], 1.0))
    settings = (*TINY, *QUICK, "train.epochs=2", "folds.protocol=single", "folds.val_share=0.3",
                "model.branches=before_after", "model.second_column=event_trigger")  # fmt: skip
    train_tiny(home, dataset, RunConfig().with_overrides(settings), "paired")


def made_once(home: Path, make: Callable[[Path], None]) -> RunFolder:
    """The run in ``home``, made by the first process that asks; the others wait for it."""
    once(home, make)
    return _run_in(home)


def once(home: Path, make: Callable[[Path], None]) -> None:
    """Let ``make`` fill the folder ``home``, unless another process of the session has done that."""
    home.parent.mkdir(parents=True, exist_ok=True)
    made = home.with_suffix(".made")
    with FileLock(home.with_suffix(".lock")):
        if not made.exists():
            shutil.rmtree(home, ignore_errors=True)  # of a process that was killed on the way
            home.mkdir()
            make(home)
            made.touch()


def copied(run: RunFolder, home: Path) -> RunFolder:
    """A copy of the run and of its dataset in ``home``; whatever is done to it, the original stays."""
    shutil.copytree(run.path.parent, home, dirs_exist_ok=True)
    copy = RunFolder(home / run.name)
    copy.write_json("job.json", {**copy.job(), "dataset": str(home / "tiny.h5")})
    return copy


def facts_of(run: RunFolder) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file in the run folder."""
    files = (path for path in sorted(run.path.rglob("*")) if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def _run_in(home: Path) -> RunFolder:
    return RunFolder(next(path for path in home.iterdir() if (path / "config.json").is_file()))
