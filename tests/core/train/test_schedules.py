import math

import pytest

from core.config import TrainConfig
from core.train.schedules import ema_decay_at, lr_at


def rates(**settings):
    config = TrainConfig(lr=0.1, **settings)
    return [lr_at(step, 10, config) for step in range(10 * config.epochs)]


def test_without_schedule_the_rate_is_constant():
    assert set(rates(epochs=3, schedule="none")) == {0.1}


def test_cosine_starts_at_the_rate_passes_half_of_it_midway_and_ends_near_zero():
    found = rates(epochs=4)
    assert found[0] == 0.1
    assert found[20] == pytest.approx(0.05)
    assert found[-1] == pytest.approx(0.05 * (1 + math.cos(math.pi * 39 / 40)))
    assert all(a > b for a, b in zip(found, found[1:], strict=False))


def test_warm_up_is_linear_and_meets_the_schedule():
    found = rates(epochs=4, warmup_epochs=1)
    assert found[:10] == pytest.approx([0.01 * (i + 1) for i in range(10)])
    assert found[10] == pytest.approx(0.1)


def test_warm_up_longer_than_the_run_only_warms_up():
    found = rates(epochs=2, warmup_epochs=5)
    assert found[-1] == pytest.approx(0.1)
    assert all(a < b for a, b in zip(found, found[1:], strict=False))


def test_the_average_forgets_quickly_at_first_and_then_as_it_was_told():
    assert ema_decay_at(0, 0.99) == pytest.approx(0.1)
    assert ema_decay_at(10_000, 0.99) == 0.99
