"""A task that a tiny network learns in seconds, and the settings to learn it."""

import numpy as np
import pytest

from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.train.networks.backbones import build_network

SIDE = 24
TINY = (
    "model.backbone=test_resnet",
    "model.pretrained=false",
    "train.epochs=4",
    "train.batch_size=16",
    "train.lr=0.003",
    "train.optimizer=adamw",
    "train.weight_decay=0.02",
    "device=cpu",
)


def _made_patches(n, seed=0, signal=2.0):
    """(n, 3, 24, 24) noise, in every second patch a bright square in the first band; and the labels (n,)."""
    rng = np.random.default_rng(seed)
    images, labels = rng.normal(size=(n, 3, SIDE, SIDE)).astype(np.float32), np.arange(n) % 2
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, SIDE - 8, 2)
        images[i, 0, y : y + 8, x : x + 8] += signal
    return images, labels


@pytest.fixture
def made_patches():
    return _made_patches


@pytest.fixture
def config():
    return RunConfig().with_overrides(TINY)


@pytest.fixture
def network(config):
    return build_network(config.model, RGB_BANDS, (SIDE, SIDE), seed=0)[0]
