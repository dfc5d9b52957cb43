"""Made data shared by the core's tests: patches where a bright square marks the positive class."""

import numpy as np
import pytest

from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter

TINY = (
    "model.backbone=test_resnet", "model.pretrained=false", "train.epochs=2", "train.batch_size=16", "folds.n_splits=2",
    "train.lr=0.003", "device=cpu", "embed.grid=12", "explain.min_map=4", "train.ema_decay=null",
    "smote.target_ratio=1",
)  # fmt: skip


def returned(steps):
    """What a generator of progress returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def make_tiny(path, n=48, side=32, seed=0, signal=3.0, positive_every=3):
    """A dataset of ``n`` patches of three bands, every third one positive; ``signal`` 0 leaves only noise."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % positive_every == 0).astype(np.int8)
    images = rng.normal(size=(n, 3, side, side)).astype(np.float32)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, side - side // 3, size=2)
        images[i, 0, y : y + side // 3, x : x + side // 3] += signal
    writer = DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(side, side), class_names=("other", "landslide"), source="made in a test"
    )
    with writer:
        writer.append(
            100 + 10 * images, labels, [f"p{i:03d}" for i in range(n)], groups=[f"g{i // 3}" for i in range(n)]
        )
        return writer.finish().path


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("data") / "tiny.h5")
