"""Runs that are really trained, each once for all test processes of a session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from core.config import RunConfig, preset
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


def made_once(home: Path, make: Callable[[Path], None]) -> RunFolder:
    """The run in ``home``, made by the first process that asks; the others wait for it."""
    home.parent.mkdir(parents=True, exist_ok=True)
    made = home.with_suffix(".made")
    with FileLock(home.with_suffix(".lock")):
        if not made.exists():
            shutil.rmtree(home, ignore_errors=True)  # of a process that was killed on the way
            home.mkdir()
            make(home)
            made.touch()
    return _run_in(home)


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
