"""A task that a tiny network learns in seconds, and the settings to learn it."""

import pytest

from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.train.networks.backbones import build_network
from tests.builders import TRAIN_SIDE, TRAIN_TINY, make_patches


@pytest.fixture
def made_patches():
    return make_patches


@pytest.fixture
def config():
    return RunConfig().with_overrides(TRAIN_TINY)


@pytest.fixture
def network(config):
    return build_network(config.model, RGB_BANDS, (TRAIN_SIDE, TRAIN_SIDE), seed=0)[0]
